"""The master socket (management guide 9.4): which worker is the current one, and reload.

A connection per question: the master closes them all when it executes itself anew for a reload, and refuses
connections for a moment then, also at the very start.
"""

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import anyio
from anyio.abc import SocketStream

from milepost.errors import ConfigRefused, ProxyError, ProxyGone
from milepost.proxies.haproxy.observe import Processes, parse_processes
from milepost.proxies.haproxy.receiving import receive

_CHUNK_BYTES = 65_536
_POLL_S = 0.01


@dataclass(frozen=True, slots=True)
class MasterSocket:
    """Asks the master process of HAProxy. `timeout_s` is for each question."""

    path: Path
    timeout_s: float = 5.0

    async def processes(self) -> Processes:
        """Raises ProxyGone where no master answers, ProxyError where its answer cannot be read."""
        answer = await self._ask("show proc")
        try:
            return parse_processes(answer)
        except ValueError as error:
            raise ProxyError(f"the HAProxy master at {self.path} answered something else: {error}") from error

    async def ready(self, limit_s: float = 2.0) -> Processes:
        """The same, but waiting for a master that is in the midst of a reload, whose socket lies there all the time.

        Raises ProxyGone after `limit_s`, at once where no socket is.
        """
        with anyio.move_on_after(limit_s):
            while self.path.exists():
                if found := await self._processes_if_any():
                    return found
                await anyio.sleep(_POLL_S)
        return await self.processes()

    async def reload(self, deadline_s: float) -> int:
        """Let the master start a new worker from the file; returns its pid as soon as it serves.

        2.8 answers when it is done and with the words of a failure, 2.6 says nothing at once: in both the count of
        reloads and the new pid tell. Raises ConfigRefused when the new worker failed (the old one serves),
        ProxyError where neither was seen within `deadline_s`.
        """
        before = await self.ready()
        words = await self._try_reload(deadline_s)
        with anyio.move_on_after(deadline_s):
            while True:
                now = await self._processes_if_any()
                if now and now.failed > before.failed:
                    raise ConfigRefused(f"the new HAProxy worker did not start, the old one serves: {_alerts(words)}")
                if now and now.worker not in (None, before.worker):
                    return now.worker
                await anyio.sleep(_POLL_S)
        raise ProxyError(f"HAProxy did not finish a reload within {deadline_s:g} s; the old worker may still serve")

    async def _try_reload(self, deadline_s: float) -> str:
        try:
            return await self._ask("reload", deadline_s)
        except ProxyGone:
            return ""  # the master has gone to execute itself anew: what comes of it is seen by asking

    async def _processes_if_any(self) -> Processes | None:
        try:
            return await self.processes()
        except ProxyGone:
            return None

    async def _ask(self, command: str, timeout_s: float | None = None) -> str:
        try:
            with anyio.fail_after(timeout_s or self.timeout_s):
                async with await anyio.connect_unix(self.path) as stream:
                    await stream.send(f"{command}\n".encode())
                    await stream.send_eof()
                    return (await _all_of(stream)).decode(errors="replace")
        except TimeoutError as error:
            raise ProxyError(f"the HAProxy master did not answer {command!r} in time at {self.path}") from error
        except (OSError, anyio.BrokenResourceError) as error:
            raise ProxyGone(f"no HAProxy master answers at {self.path}: {error}") from error


async def _all_of(stream: SocketStream) -> bytes:
    answer = bytearray()
    with suppress(anyio.EndOfStream):
        while True:
            answer += await receive(stream, _CHUNK_BYTES)
    return bytes(answer)


def _alerts(words: str) -> str:
    """What 2.8 says about a failure; the words of 2.6 go to its log only."""
    alerts = [line.partition(" : ")[2] for line in words.splitlines() if line.startswith("[ALERT]")]
    return "; ".join(alerts) or "HAProxy's log has the reason"

"""A Marathon that can be bad in many ways, one at a time."""

import asyncio
import contextlib
import itertools
import json
import random
from collections.abc import AsyncIterator
from typing import Any

from bench.cluster import BenchApp
from bench.marathon import BenchMarathon, answer

_DRIPS = 8
_DRIP_S = 0.15
_FLAP_S = 0.3
_SHUFFLED_S = 0.1
_CHATTER_S = 0.1

ANSWERS = {
    "401": answer("401 Unauthorized", b"<html>who are you?</html>", "text/html"),
    "503": answer("503 Service Unavailable", b'{"message":"Could not determine the current leader"}'),
    "html": answer("200 OK", b"<html><body>Marathon is moving house</body></html>", "text/html"),
}
"""What is answered to every request, by the name of the fault."""

_NO_APPS = answer("200 OK", b'{"apps":[]}')

FAULTS = (*ANSWERS, "truncated", "slow", "half-open", "silent", "flapping", "reordered", "empty")
"""Those of Marathon itself; two more are of the cluster: `reused` and `unannounced`."""

_STREAM_ENDS = frozenset({*ANSWERS, "truncated", "slow"})  # at their begin, so that the stream is asked for again
_STREAM_LOSES = frozenset({"half-open", "silent"})
_STREAM_CUT = _STREAM_LOSES | {"empty"}  # at their end


class BadMarathon(BenchMarathon):
    """Good, but while it is `bad` in the way of one fault."""

    def __init__(self, apps: list[BenchApp]) -> None:
        super().__init__(apps)
        self.fault = ""
        self._at = ("", 0)
        self._kept_back: list[tuple[str, dict[str, Any]]] = []

    async def listen(self, host: str, port: int) -> None:
        self._at = (host, port)
        await super().listen(host, port)

    @contextlib.asynccontextmanager
    async def bad(self, fault: str) -> AsyncIterator[None]:
        """A stream that missed something is cut at the end, as by a leader that goes: nobody could know of it else."""
        self.fault = fault
        if fault in _STREAM_ENDS:
            self.cut_streams()
        work = asyncio.create_task(self._misbehave(fault))
        try:
            yield
        finally:
            work.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await work
            self.fault = ""
            self._send_kept_back()
            if fault in _STREAM_CUT:
                self.cut_streams()
            if fault == "flapping":
                self.vanish()
                await self.listen(*self._at)

    def send(self, event_type: str, event: dict[str, Any]) -> float:
        if self.fault == "reordered":
            self._kept_back.append((event_type, event))
            return asyncio.get_running_loop().time()
        if self.fault in _STREAM_LOSES:
            return asyncio.get_running_loop().time()
        return super().send(event_type, event)

    async def reply(self, writer: asyncio.StreamWriter, path: str) -> None:
        whole = ANSWERS.get(self.fault) or self._answer(path)
        if self.fault == "truncated":
            writer.write(whole[: len(whole) * 2 // 3])
            await writer.drain()
            raise ConnectionAbortedError
        if self.fault == "slow":
            await self._drip(writer, whole)
        elif self.fault == "empty":
            writer.write(_NO_APPS if path == "/v2/apps" else _no_app(path))
        else:
            writer.write(whole)

    async def stream(self, writer: asyncio.StreamWriter) -> None:
        if self.fault in ANSWERS:
            writer.write(ANSWERS[self.fault])
        elif self.fault == "truncated":
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-str")
        else:
            await super().stream(writer)

    async def _drip(self, writer: asyncio.StreamWriter, whole: bytes) -> None:
        size = -(-len(whole) // _DRIPS)
        for start in range(0, len(whole), size):
            writer.write(whole[start : start + size])
            await writer.drain()
            await asyncio.sleep(_DRIP_S)

    async def _misbehave(self, fault: str) -> None:
        if fault == "flapping":
            for is_away in itertools.cycle((True, False)):
                if is_away:
                    self.vanish()
                else:
                    await self.listen(*self._at)
                await asyncio.sleep(_FLAP_S)
        while fault == "reordered":
            await asyncio.sleep(_SHUFFLED_S)
            self._send_kept_back()
        while fault == "empty":
            await asyncio.sleep(_CHATTER_S)
            self._tell_of_health()

    def _tell_of_health(self) -> None:
        """A word about a task of each app: milepost reads that app then, and is told that there is none."""
        for app in self.apps.values():
            self.send("health_status_changed_event", {"appId": app.id, "instanceId": app.tasks[0].id, "alive": True})

    def _send_kept_back(self) -> None:
        """Each twice, in any order."""
        events = [*self._kept_back, *self._kept_back]
        self._kept_back.clear()
        random.shuffle(events)
        for event_type, event in events:
            super().send(event_type, event)


def _no_app(path: str) -> bytes:
    body = {"message": f"App '{path.removeprefix('/v2/apps')}' does not exist"}
    return answer("404 Not Found", json.dumps(body).encode())

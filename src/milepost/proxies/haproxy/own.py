"""`mode = "own"`: HAProxy is started by milepost, and again within an instant whenever it dies.

Measured on 2.6 and 2.8: a worker that dies takes its master along (status 137), a master that dies its workers; the
ports are free then. So there is one case only, the master's end, and one answer: start from the file, which
describes what last ran.
"""

from collections.abc import Callable
from pathlib import Path

import anyio

from milepost.errors import ConfigRefused, ProxyError, ProxyGone
from milepost.model.notice import Notify, ProxyFailed, ProxyStarted
from milepost.proxies.haproxy.check import parse_alerts
from milepost.proxies.haproxy.lame_duck import DrainFile
from milepost.proxies.haproxy.master import MasterSocket
from milepost.proxies.haproxy.observe import Info, digest_of
from milepost.proxies.haproxy.process import Launch, is_alive, is_run, launch, stop, wait_for_death
from milepost.proxies.haproxy.reader import read_info
from milepost.proxies.haproxy.runtime import AdminSocket

_FIRST_RETRY_S = 0.02
_LONGEST_RETRY_S = 5.0
_START_LIMIT_S = 30.0
_POLL_S = 0.005
_MASTER_LIMIT_S = 5.0
_HEAD = 4096  # characters
_STOPPED_POLL_S = 0.5


class OwnHaproxy:
    """Starts and watches. `lock` keeps starting again apart from reloading: who reloads holds it. By `drain` HAProxy
    may have to stay stopped.
    """

    def __init__(
        self,
        how: Launch,
        admin: AdminSocket,
        master: MasterSocket,
        drain: DrainFile,
        lock: anyio.Lock,
        notify: Notify,
    ) -> None:
        self._how, self._admin, self._master, self._drain = how, admin, master, drain
        self._lock, self._notify = lock, notify
        self._started: anyio.Event | None = None
        self._reason = "it did not run"
        self._master_pid = 0  # the one that answered last
        self.started_pid = 0  # the worker that was started last, 0 before the first

    async def master_pid(self) -> int | None:
        """The pid of the master that answers at our socket, None where none does.

        While the one that did before is alive, its answer is waited for: it executes itself anew at a reload, also at
        one of somebody else's. So is that of one which a milepost before us was just starting when it was killed. To
        take these for dead would start a second HAProxy beside it, on the same ports.
        """
        with anyio.move_on_after(_MASTER_LIMIT_S):
            while True:
                try:
                    self._master_pid = (await self._master.processes()).master
                    return self._master_pid
                except ProxyGone:
                    if not await self._is_there():
                        break
                await anyio.sleep(_POLL_S)
        return None

    async def _is_there(self) -> bool:
        """Whether there is a HAProxy, though its master does not answer."""
        if self._master_pid:
            return is_alive(self._master_pid)
        return is_run(self._how.command) or await self._worker() is not None

    async def start(self, reason: str) -> Info:
        """Start HAProxy from the file and wait until its worker answers.

        Raises ConfigRefused with HAProxy's words where it does not start, ProxyGone where it is to stay stopped.
        """
        self.require_wanted()
        began_s = anyio.current_time()
        await self._admin.close()
        ran = await launch(self._how)
        if ran.status != 0:
            words = "; ".join(alert.message for alert in parse_alerts(ran.words, _text_of(self._how.config)))
            raise ConfigRefused(f"HAProxy did not start: {words or f'it ended with status {ran.status}'}")
        info = await self._wait_for_worker()
        self._reason = "it had died"
        self._notify(ProxyStarted("haproxy", info.pid, anyio.current_time() - began_s, reason))
        if self._started is not None:
            self._started.set()
        return info

    @property
    def is_to_stay_stopped(self) -> bool:
        """Whether HAProxy was drained and ended by an operator. Raises ProxyError where that cannot be read."""
        drain = self._drain.read()
        return drain is not None and drain.is_stopped

    def require_wanted(self) -> None:
        """Raises ProxyGone where HAProxy is to stay stopped."""
        if self.is_to_stay_stopped:
            raise ProxyGone("HAProxy was drained and stopped: `milepost proxy undrain` starts it again")

    async def stop(self, grace_s: float) -> int | None:
        """End HAProxy, letting requests finish for `grace_s`; returns the pid of its master, None where none ran."""
        pid = await self.master_pid()
        if pid is not None:
            await stop(pid, grace_s)
        return pid

    async def supervise(self, wake: Callable[[str], None]) -> None:
        """Start HAProxy where it does not run and its file is ours, until cancelled."""
        failures = 0
        while True:
            try:
                await self._watch_or_start(wake)
                failures = 0
            except ProxyError as error:
                retry_s = min(_LONGEST_RETRY_S, _FIRST_RETRY_S * 2**failures)
                failures += 1
                self._notify(ProxyFailed("haproxy", str(error), retry_s))
                await anyio.sleep(retry_s)

    async def _watch_or_start(self, wake: Callable[[str], None]) -> None:
        """Return when HAProxy has died or was started. Raises ProxyError where neither watching nor starting works."""
        pid = await self.master_pid()
        if pid is not None:
            self._reason = "it had died"
            await wait_for_death(pid)
        elif self.is_to_stay_stopped:
            self._reason = "its drain was taken back"
            await anyio.sleep(_STOPPED_POLL_S)
        elif _is_ours(self._how.config):
            reason = self._reason
            await self._start_again(reason)
            wake(f"HAProxy was started, since {reason}")
        else:
            self._started = anyio.Event()
            await self._started.wait()

    async def _start_again(self, reason: str) -> None:
        async with self._lock:
            if await self.master_pid() is not None:
                return
            if await self._worker() is not None:
                raise ProxyError(f"a HAProxy serves, but its master does not answer at {self._how.master_socket}")
            await self.start(reason)

    async def _worker(self) -> Info | None:
        try:
            return await read_info(self._admin)
        except ProxyGone:
            return None

    async def _wait_for_worker(self) -> Info:
        with anyio.move_on_after(_START_LIMIT_S):
            while True:
                info = await self._worker()
                self.started_pid = info.pid if info else 0
                if info is not None and await self.master_pid() is not None:
                    return info
                await anyio.sleep(_POLL_S)
        raise ProxyError(f"HAProxy was started but does not answer at {self._admin.path}")


def _text_of(config: Path) -> str:
    """Whatever somebody else made of it: it is only read to tell what is wrong with it."""
    try:
        return config.read_text(errors="replace")
    except OSError:
        return ""


def _is_ours(config: Path) -> bool:
    """Whether the file was written by milepost: a distribution's own is not started by us.

    A file of ours says so at its begin. It may have megabytes, and whoever asks has clients waiting.
    """
    try:
        with config.open(errors="replace") as file:
            lines = file.read(_HEAD).splitlines()
    except OSError:
        return False
    words = (line.strip().partition(" ") for line in lines)
    return any(digest_of(rest) for word, _, rest in words if word == "description")

"""Sending a balancer's clients away, and taking that back, on a running HAProxy: with milepost beside it or without."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import anyio

from milepost.errors import CommandRefused, ProxyError, ProxyGone
from milepost.proxies.haproxy.drain import DRAINING, Drain, Visitors, drain_of, entries_of, parse_visitors
from milepost.proxies.haproxy.files import replace_file
from milepost.proxies.haproxy.master import MasterSocket
from milepost.proxies.haproxy.observe import parse_map
from milepost.proxies.haproxy.reader import current
from milepost.proxies.haproxy.render import render_map
from milepost.proxies.haproxy.runtime import AdminSocket

_POLL_S = 0.25
_FRONTENDS = "show stat -1 1 -1"


@dataclass(frozen=True, slots=True)
class DrainFile:
    """The map file: what HAProxy's next start or reload will say, and what there is to know while none runs."""

    path: Path

    def read(self) -> Drain | None:
        """Raises ProxyError where it cannot be read; no file says nothing."""
        try:
            text = self.path.read_text(errors="replace")  # one that somebody spoilt must not end us
        except FileNotFoundError:
            return None
        except OSError as error:
            raise ProxyError(
                f"{self.path} cannot be read: {error.strerror}; be the user of milepost or root"
            ) from error
        return drain_of(dict(line.split(" ", 1) for line in text.splitlines() if " " in line))

    def write(self, drain: Drain | None) -> None:
        """Raises ProxyError; what stood there stands."""
        replace_file(self.path, render_map(entries_of(drain)).encode())


class LameDuck:
    """Speaks to the HAProxy at `admin`. Each question has a connection of its own: a kept one would be a visitor, and
    would hold a worker that a reload replaces meanwhile.
    """

    def __init__(self, admin: AdminSocket, master: MasterSocket, file: DrainFile) -> None:
        self._admin, self._master, self._file = admin, master, file

    async def begin(self, now_s: float) -> Drain:
        """The health endpoint answers 503 from here on; all requests are served as before. A drain that is on goes on.

        Raises ProxyGone where no HAProxy runs, CommandRefused for one whose configuration knows no drain.
        """
        running, _ = await self._ask()
        if running is not None:
            return running
        drain = Drain(now_s)
        self._file.write(drain)  # first: a reload in between must not undo it
        (_, since), *_others = entries_of(drain)
        running, words = await self._ask(f"add map {self._file.path} {DRAINING} {since}")
        if running is None:
            raise CommandRefused(f"HAProxy did not take the drain: {' '.join(words)}")
        return running

    async def end(self) -> bool:
        """In service again. Returns whether it was not. Fine where no HAProxy runs: its next start is in service.

        Raises ProxyError.
        """
        kept = self._file.read()
        if kept is not None:
            self._file.write(None)
        try:
            running, _ = await self._ask()
            if running is not None:
                running, words = await self._ask(f"del map {self._file.path} {DRAINING}")
                if running is not None:
                    raise CommandRefused(f"HAProxy drains on: {' '.join(words)}")
                return True
        except ProxyGone:
            pass
        return kept is not None

    async def visitors(self) -> Visitors | None:
        """Who is still there, None where the drain was taken back. Raises ProxyGone where HAProxy ended."""
        running, (stat,) = await self._ask(_FRONTENDS)
        if running is None:
            return None
        try:
            return parse_visitors(stat, len((await self._master.processes()).old))
        except ValueError as error:
            raise ProxyError(f"HAProxy at {self._admin.path} answered something else than expected: {error}") from error

    async def until_left(self, quiet_s: float, tell: Callable[[Visitors], None]) -> bool:
        """Wait until nobody is there and nobody came for `quiet_s`; `tell` hears of each look.

        Returns False where the drain was taken back meanwhile.
        """
        came, quiet_since_s = -1, anyio.current_time()
        while (seen := await self.visitors()) is not None:
            if not seen.are_gone or seen.came != came:
                came, quiet_since_s = seen.came, anyio.current_time()
            tell(seen)
            if anyio.current_time() - quiet_since_s >= quiet_s and seen.are_gone:
                return True
            await anyio.sleep(_POLL_S)
        return False

    def stays_stopped(self, drain: Drain) -> None:
        """Whoever watches HAProxy is not to start it again when it ends, until the drain is taken back."""
        self._file.write(replace(drain, is_stopped=True))

    async def _ask(self, *commands: str) -> tuple[Drain | None, list[str]]:
        """What runs behind the commands, and their answers."""
        path = self._file.path
        try:
            *answers, entries, info = await self._admin.ask([*commands, f"show map {path}", "show info"])
            await current(self._admin, info)
        finally:
            await self._admin.close()
        if entries.startswith("Unknown map"):
            raise CommandRefused(
                f"HAProxy does not know {path}: what it runs is not of this milepost, or has neither a health endpoint "
                "(haproxy.stats_port) nor HTTP frontends; nothing was changed"
            )
        return drain_of(parse_map(entries)), answers

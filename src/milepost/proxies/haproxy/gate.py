"""The way from what should run to a text that HAProxy takes: where one runs, nothing else ever reaches the file.

What one app gets wrong is withheld, with the reason, and the rest goes on: a port that another process holds,
a text that HAProxy's check refuses.
"""

from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from anyio import to_thread

from milepost.errors import ConfigRefused, Overdue
from milepost.model.routing import RoutingTable
from milepost.proxies.haproxy.bisect import find_culprit
from milepost.proxies.haproxy.certificate import CertificateList
from milepost.proxies.haproxy.check import Alert, Checked, check, owners_of
from milepost.proxies.haproxy.config import Desired
from milepost.proxies.haproxy.files import replace_file
from milepost.proxies.haproxy.limits import shortage
from milepost.proxies.haproxy.ports import Address, Blocked, blocked_listens, why_not_bound
from milepost.proxies.haproxy.render import render, render_map
from milepost.proxies.haproxy.withheld import Withheld

_MOST_ROUNDS = 40


class Designer(Protocol):
    """Makes HAProxy's desired state from a table.

    `withheld` has ids of apps, of which there is to be nothing, and names of services, which are not to listen at
    their own port; the values are reasons. `certificates` is None where nobody has looked at them.
    """

    def desired(
        self, table: RoutingTable, withheld: Mapping[str, str], certificates: CertificateList | None
    ) -> Desired: ...


@dataclass(frozen=True, slots=True)
class Admitted:
    """What passed: its text is what HAProxy's check has accepted, or its start will."""

    desired: Desired
    text: str


class Gate:
    """Checks and withholds. Without `binary` the check is left to the reload: HAProxy has its program elsewhere.

    `candidate` is the file that is checked, beside the real one. With `is_own` HAProxy has our user and rights.
    `max_files` is the hard limit on open files that HAProxy will have, None where that is not known.
    """

    def __init__(
        self,
        designer: Designer,
        candidate: Path,
        binary: Path | None,
        environment: Mapping[str, str],
        *,
        is_own: bool,
        max_files: int | None = None,
        check_timeout_s: float = 60.0,
    ) -> None:
        self._designer, self._candidate, self._binary = designer, candidate, binary
        self._environment, self._is_own, self._max_files = environment, is_own, max_files
        self._check_timeout_s = check_timeout_s
        self._table = RoutingTable()
        self.withheld = Withheld()

    def desired(self, table: RoutingTable, certificates: CertificateList | None = None) -> Desired:
        self._table = table
        self.withheld.review(table)
        return self._designer.desired(table, self.withheld.reasons, certificates)

    async def admit(self, desired: Desired, held: Collection[Address] | None) -> Admitted:
        """`desired`, the newest, or as much of it as passes.

        `held`: addresses that HAProxy has now, None where nobody knows. A table that comes meanwhile is left for later.

        Raises ConfigRefused where the fault is no single app's.
        """
        table = self._table
        for _ in range(_MOST_ROUNDS):
            if await self._withhold_blocked(desired, held):
                desired = self._designer.desired(table, self.withheld.reasons, desired.certificates)
            self._require_files(desired)
            text = await to_thread.run_sync(render, desired)
            await to_thread.run_sync(_make_missing_maps, desired)
            checked = await self._check(text)
            if not checked.alerts:
                return Admitted(desired, text)
            await self._withhold_refused(desired, table, text, checked)
            desired = self._designer.desired(table, self.withheld.reasons, desired.certificates)
        raise ConfigRefused(f"HAProxy refused {_MOST_ROUNDS} configurations in a row, what ran before still runs")

    async def unchecked(self, desired: Desired) -> Admitted:
        """`desired` as it is, for a HAProxy that is to start: what it refuses then serves nobody yet.

        Raises ConfigRefused where it would be short of files.
        """
        self._require_files(desired)
        await to_thread.run_sync(_make_missing_maps, desired)
        return Admitted(desired, await to_thread.run_sync(render, desired))

    def _require_files(self, desired: Desired) -> None:
        listeners = sum(len(section.listens) for section in desired.structure.sections)
        if self._max_files is not None and (words := shortage(self._max_files, listeners)):
            raise ConfigRefused(f"{words}; what ran before still runs")

    def free_ports(self) -> tuple[Blocked, ...]:
        """Let go of withheld services whose port is free by now; returns what was in their way."""
        free = tuple(
            one for one in self.withheld.blocked if not why_not_bound(one.host, one.port, only_in_use=not self._is_own)
        )
        self.withheld.release(one.section.name for one in free)
        return free

    async def _withhold_blocked(self, desired: Desired, held: Collection[Address] | None) -> bool:
        if held is None:
            return False  # HAProxy's own ports would look taken: let the reload tell
        blocked = await to_thread.run_sync(
            lambda: blocked_listens(desired.structure, held, only_in_use=not self._is_own)
        )
        for one in blocked:
            if not one.section.app_id:
                raise ConfigRefused(
                    f"{one.section.keyword} {one.section.name} cannot listen at {one.host}:{one.port}: {one.why}; "
                    "nothing was changed"
                )
        self.withheld.block(blocked)
        return bool(blocked)

    async def _withhold_refused(self, desired: Desired, table: RoutingTable, text: str, checked: Checked) -> None:
        refused = owners_of(desired, text, checked)
        if not refused:
            culprit = await self._find_culprit(desired, table)
            if culprit is None:
                raise ConfigRefused(f"HAProxy refused the configuration, what ran before still runs: {checked.words}")
            refused = {culprit: checked.words}
        self.withheld.refuse(table, refused)

    async def _find_culprit(self, desired: Desired, table: RoutingTable) -> str | None:
        every = sorted({section.app_id for section in desired.structure.sections if section.app_id})

        async def is_refused(apps: Collection[str]) -> bool:
            others = dict.fromkeys(set(every) - set(apps), "left out to find the app that is refused")
            reduced = self._designer.desired(table, {**self.withheld.reasons, **others}, desired.certificates)
            return bool((await self._check(await to_thread.run_sync(render, reduced))).alerts)

        return await find_culprit(every, is_refused)

    async def _check(self, text: str) -> Checked:
        if self._binary is None:
            return Checked()
        await to_thread.run_sync(replace_file, self._candidate, text.encode())
        try:
            return await check(self._binary, self._candidate, text, self._environment, self._check_timeout_s)
        except Overdue as error:  # HAProxy reads files that owners name: one may have no end
            return Checked((Alert(None, str(error)),))
        finally:
            with suppress(OSError):  # the next check writes over it
                self._candidate.unlink(missing_ok=True)


def _make_missing_maps(desired: Desired) -> None:
    """A map that the text names must be there to be checked; the ones that are stay as they are until the switch."""
    for path, entries in desired.maps.items():
        if not Path(path).exists():
            replace_file(Path(path), render_map(entries).encode())
    for path in desired.found_maps:
        if not Path(path).exists():
            replace_file(Path(path), b"")

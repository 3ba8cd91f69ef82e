"""What leads from what runs to what should run. Pure: equal input, equal plan.

The order makes a plan safe to cut short anywhere. Additions come first, so that no pool runs empty that need not;
a map leads to a backend only when that has its servers, and away from one before its servers go.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from milepost.model.reload import ReloadKind
from milepost.model.shared_map import changed
from milepost.proxies.base import Plan
from milepost.proxies.haproxy.actual import Actual, ActualServer
from milepost.proxies.haproxy.certificate_changes import CertificateChange
from milepost.proxies.haproxy.certificate_plan import hurdle, plan_certificates
from milepost.proxies.haproxy.changes import (
    AddMapEntry,
    AddServer,
    DeleteServer,
    DelMapEntry,
    LiveChange,
    ReadyServer,
    RemoveServer,
    SetAddress,
    SetMapEntry,
)
from milepost.proxies.haproxy.config import Desired, Section, Server, Structure
from milepost.proxies.haproxy.difference import Reason, reasons_between, shortened
from milepost.proxies.haproxy.fixed import fixed_backends, hindrance

_NO_POOL: Mapping[str, ActualServer] = {}


@dataclass(slots=True)
class _Steps:
    """The changes found so far, by the place they take in the plan."""

    additions: list[LiveChange] = field(default_factory=list)
    map_additions: list[LiveChange] = field(default_factory=list)
    map_deletions: list[LiveChange] = field(default_factory=list)
    removals: list[LiveChange] = field(default_factory=list)
    deletions: list[LiveChange] = field(default_factory=list)
    reloads: list[str] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.in_order or self.reloads)

    @property
    def in_order(self) -> tuple[LiveChange, ...]:
        return (*self.additions, *self.map_additions, *self.map_deletions, *self.removals, *self.deletions)

    def extend(self, other: "_Steps") -> None:
        self.additions += other.additions
        self.map_additions += other.map_additions
        self.map_deletions += other.map_deletions
        self.removals += other.removals
        self.deletions += other.deletions
        self.reloads += other.reloads


@dataclass(frozen=True, slots=True)
class _Ground:
    """What a structure says that plans need: computed once per structure."""

    structure: Structure
    names: frozenset[str]
    fixed: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class _Gap:
    """What lies between the structure that runs, None where it is not known in words, and another: computed once.

    `abandoned` are an app's backends that the other one no longer has. Shared ones are not among them: a worker that
    stops hands its last requests on through one of these.
    """

    runs: Structure | None
    wanted: Structure
    reasons: tuple[Reason, ...]
    abandoned: tuple[Section, ...]


def plan(desired: Desired, actual: Actual) -> Plan:
    """What leads from `actual` to `desired`, by a planner that remembers nothing."""
    return Planner().plan(desired, actual)


class Planner:
    """Plans, and remembers what needs no look: pools and maps that were found settled and are the same objects still.

    With that a pass costs what changed since the one before. It also remembers the words of the structure that runs,
    for the reasons of a reload, which servers HAProxy refused to add, and since when each that is unwanted is so: after
    `tunnel_limit_s` (0: never) its sessions are cut.
    """

    def __init__(self, tunnel_limit_s: float = 0.0) -> None:
        self._tunnel_limit_s = tunnel_limit_s
        self._left: dict[tuple[str, str], float] = {}  # since when a server (backend, name) is seen to be unwanted
        self._wanted: Mapping[str, tuple[Server, ...]] = {}  # what the plan before has seen
        self._pools: Mapping[str, Mapping[str, ActualServer]] = {}
        self._open: set[str] = set()  # the backends in which it found something to do
        self._settled_maps: dict[str, tuple[object, object]] = {}
        self._ground: _Ground | None = None
        self._runs: Structure | None = None
        self._gap: _Gap | None = None
        self._refused: dict[tuple[str, Server], str] = {}
        self._refused_certificates: dict[CertificateChange, str] = {}
        self._asked = ""  # by whom a reload was asked for that nothing else needs

    def ask_reload(self, words: str) -> None:
        """Have the next plan need a reload, and each until there was one; `words` tell why."""
        self._asked = words

    def refuse_certificate(self, change: CertificateChange, words: str) -> None:
        """HAProxy did not carry it out, in its own `words`: it needs a reload."""
        self._refused_certificates[change] = words

    def refuse(self, backend: str, server: Server, words: str) -> None:
        """HAProxy did not take `server` at run time, in its own `words`: it needs a reload."""
        self._refused[backend, server] = words
        self._open.add(backend)

    def restructured(self) -> None:
        """A new structure runs: what was refused at run time is in it."""
        self._refused.clear()
        self._refused_certificates.clear()
        self._left.clear()
        self._asked = ""
        self._forget_settled()

    def plan(self, desired: Desired, actual: Actual, now_s: float = 0.0) -> Plan:
        """See `Proxy.plan`. Servers of backends that do not run yet come with the structure, not live.

        `now_s`: seconds of any one monotonic clock.
        """
        if not actual.digest:
            return _plan_of_reload((_no_structure(actual),))
        ground = self._ground_of(desired.structure)
        reasons: tuple[Reason, ...] = ()
        steps = _Steps()
        if actual.digest == desired.structure.digest:
            self._runs, self._gap = desired.structure, None
        else:
            gap = self._gap_to(ground, actual)
            reasons = gap.reasons
            steps.removals += _abandonment(actual, gap.abandoned)
        self._plan_pools(desired, actual, ground, steps)
        self._cut_sessions(steps, now_s)
        self._plan_maps(desired, actual, ground, steps)
        certificates, reloads = self._plan_certificates(desired, actual)
        reasons = (*reasons, *(Reason(ReloadKind.SERVER, words) for words in steps.reloads), *reloads)
        reasons += (Reason(ReloadKind.ASKED, self._asked),) if self._asked else ()
        return _plan_of_reload(reasons, (*steps.in_order, *certificates))

    def _ground_of(self, structure: Structure) -> _Ground:
        if self._ground is None or self._ground.structure is not structure:
            names = frozenset(section.name for section in structure.sections)
            self._ground = _Ground(structure, names, fixed_backends(structure))
            self._settled_maps.clear()  # a map may lead to a backend that is to come; a pool that is settled stays so
        return self._ground

    def _gap_to(self, ground: _Ground, actual: Actual) -> _Gap:
        known = self._runs if self._runs and self._runs.digest == actual.digest else None
        gap = self._gap
        if gap is None or gap.runs is not known or gap.wanted is not ground.structure:
            sections = known.sections if known else ()
            backends = [section for section in sections if section.keyword == "backend" and section.app_id]
            abandoned = tuple(section for section in backends if section.name not in ground.names)
            reasons = reasons_between(known, ground.structure)
            gap = self._gap = _Gap(known, ground.structure, reasons, abandoned)
        return gap

    def _forget_settled(self) -> None:
        self._wanted, self._pools = {}, {}
        self._settled_maps.clear()

    def _plan_pools(self, desired: Desired, actual: Actual, ground: _Ground, steps: _Steps) -> None:
        wanted, pools = desired.servers, actual.servers
        unsettled = {*changed(self._wanted, wanted), *changed(self._pools, pools), *self._open}
        still_open = set()
        for backend in sorted(unsettled & wanted.keys() & pools.keys()):
            found = self._plan_pool(backend, wanted[backend], pools[backend], desired, actual, ground)
            if found:
                steps.extend(found)
                still_open.add(backend)
        self._wanted, self._pools, self._open = wanted, pools, still_open

    def _plan_pool(
        self,
        backend: str,
        wanted: tuple[Server, ...],
        pool: Mapping[str, ActualServer],
        desired: Desired,
        actual: Actual,
        ground: _Ground,
    ) -> _Steps:
        app_id, steps = desired.apps.get(backend, ""), _Steps()
        holders = {server.id: server.name for server in pool.values()}
        for server in wanted:
            there = pool.get(server.name)
            if there is not None:
                _keep(backend, server, there, app_id, steps)
                continue
            hurdle = (
                ground.fixed.get(backend)
                or hindrance(server, _numbers(actual.version))
                or self._refused.get((backend, server))
                or _collision(server, holders)
            )
            if hurdle:
                steps.reloads.append(f"{app_id}: server {server.name}: {hurdle}")
            else:
                steps.additions.append(AddServer(backend, server, app_id, "a task to serve is not in HAProxy"))
        _remove_others(backend, {server.name for server in wanted}, pool, app_id, steps)
        return steps

    def _cut_sessions(self, steps: _Steps, now_s: float) -> None:
        """Of servers that are unwanted for too long. All that are unwanted are in `steps`, on each pass."""
        before, self._left = self._left, {}
        for number, step in enumerate(steps.deletions):
            if isinstance(step, DeleteServer):
                since_s = self._left[step.backend, step.name] = before.get((step.backend, step.name), now_s)
                if 0.0 < self._tunnel_limit_s <= now_s - since_s:
                    steps.deletions[number] = replace(step, ends_sessions=True)

    def _plan_maps(self, desired: Desired, actual: Actual, ground: _Ground, steps: _Steps) -> None:
        for path, wanted in desired.maps.items():
            running = actual.maps.get(path)
            known = self._settled_maps.get(path)
            if running is None or (known is not None and known[0] is wanted and known[1] is running):
                continue
            missing = ground.names - actual.servers.keys()
            found = _plan_map(path, _reachable(wanted, missing), running, desired.apps)
            if found:
                steps.extend(found)
            else:
                self._settled_maps[path] = (wanted, running)

    def _plan_certificates(
        self, desired: Desired, actual: Actual
    ) -> tuple[tuple[CertificateChange, ...], tuple[Reason, ...]]:
        """What is done live, and why a reload must do the rest."""
        changes = plan_certificates(desired.certificates, actual.certificates)
        hurdles = {change: hurdle(change) or self._refused_certificates.get(change, "") for change in changes}
        reloads = (
            Reason(ReloadKind.CERTIFICATE, f"{change.reason}, and cannot be taken live: {words}")
            for change, words in hurdles.items()
            if words
        )
        return tuple(change for change in changes if not hurdles[change]), tuple(reloads)


def _plan_of_reload(reasons: tuple[Reason, ...], live: tuple[LiveChange, ...] = ()) -> Plan:
    kinds = tuple(sorted({reason.kind for reason in reasons}))
    return Plan(live, shortened(reason.words for reason in reasons), kinds)


def _no_structure(actual: Actual) -> Reason:
    if actual.pid:
        return Reason(ReloadKind.FOREIGN, "the configuration that runs is not milepost's")
    return Reason(ReloadKind.START, "first configuration")


def _keep(backend: str, server: Server, there: ActualServer, app_id: str, steps: _Steps) -> None:
    """A server that is there and wanted: the same, or to be made so."""
    if there.id != server.id:
        steps.reloads.append(f"{app_id}: server {server.name} runs with id {there.id} instead of {server.id}")
    elif there.options not in (None, " ".join(server.options)):
        steps.reloads.append(f"{app_id}: the options of server {server.name} changed")
    elif (there.address, there.port) != (server.address, server.port):
        steps.additions.append(SetAddress(backend, server, app_id, "the task's node has another address"))
    elif server.is_off:
        if not there.maint:
            steps.removals.append(RemoveServer(backend, server.name, app_id, "a deployment takes its traffic away"))
    elif there.maint or there.drain:
        steps.additions.append(ReadyServer(backend, server, app_id, "a task to serve is out of traffic"))
    elif there.reweighted:
        steps.additions.append(ReadyServer(backend, server, app_id, "a task to serve has another weight"))


def _remove_others(
    backend: str, wanted: set[str], pool: Mapping[str, ActualServer], app_id: str, steps: _Steps
) -> None:
    for name, there in pool.items():
        if name in wanted:
            continue
        reason = "no task to serve is behind it"
        if not there.maint:
            steps.removals.append(RemoveServer(backend, name, app_id, reason))
        steps.deletions.append(DeleteServer(backend, name, app_id, reason))


def _abandonment(actual: Actual, abandoned: tuple[Section, ...]) -> Iterator[RemoveServer]:
    """The servers of what the coming structure no longer has: out of traffic before the reload."""
    for section in abandoned:
        for name, there in actual.servers.get(section.name, _NO_POOL).items():
            if not there.maint:
                reason = f"backend {section.name} is no longer wanted"
                yield RemoveServer(section.name, name, section.app_id, reason)


def _collision(server: Server, holders: Mapping[int, str]) -> str:
    holder = holders.get(server.id)
    return f"its id {server.id} is the one of the running server {holder}" if holder else ""


def _reachable(wanted: tuple[tuple[str, str], ...], missing: frozenset[str]) -> Iterator[tuple[str, str]]:
    """The entries whose backend runs: one that leads to a backend to come would lead nowhere until the reload."""
    return ((key, value) for key, value in wanted if value not in missing)


def _plan_map(
    path: str, wanted: Iterator[tuple[str, str]], running: Mapping[str, str], apps: Mapping[str, str]
) -> _Steps:
    steps, kept = _Steps(), set()
    for key, value in wanted:
        if key in kept:
            continue  # of several entries with one key HAProxy takes the first
        kept.add(key)
        app_id, reason = apps.get(value, ""), f"{key} leads to {value}"
        if key not in running:
            steps.map_additions.append(AddMapEntry(path, key, value, app_id, reason))
        elif running[key] != value:
            steps.map_additions.append(SetMapEntry(path, key, value, app_id, reason))
    for key, value in running.items():
        if key not in kept:
            reason = f"{key} no longer leads to {value}"
            steps.map_deletions.append(DelMapEntry(path, key, apps.get(value, ""), reason))
    return steps


def _numbers(version: str) -> tuple[int, ...]:
    """The first two numbers of HAProxy's version ("2.6.12-1+deb12u4"); (0, 0) where it has none."""
    words = version.split(".")[:2]
    return tuple(int(word) for word in words) if len(words) == 2 and all(map(str.isdigit, words)) else (0, 0)

"""From a snapshot to the routing table: one global pass over definitions, and one small step per changed task."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from milepost.model.problem import Problem
from milepost.model.routing import Dropped, Endpoint, Holders, RoutingTable
from milepost.model.shared_map import SharedMap, changed, replaced
from milepost.model.snapshot import App, AppDefinition, Snapshot
from milepost.routing.endpoints import Placement, Route, place
from milepost.routing.groups import Groups
from milepost.routing.owners import Owned, Owners
from milepost.routing.policy import Policy
from milepost.routing.reading import AppReading, read_app
from milepost.routing.structure import RoutingStructure, structure_of

NOBODY = Holders()


def build_routing(snapshot: Snapshot, policy: Policy, holders: Holders = NOBODY) -> RoutingTable:
    """The table of one snapshot. Pure."""
    return Router(policy).build(snapshot, holders)


class Router:
    """Builds one table after another and remembers the parts that stay.

    A table equals the one built from nothing; what did not change is the very same object as in the table before.
    """

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._apps: Mapping[str, App] = {}
        self._readings: dict[str, tuple[AppDefinition, AppReading]] = {}
        self._placements: dict[str, tuple[App, tuple[Route, ...], Owned, Placement]] = {}
        self._drops: dict[str, tuple[Dropped, ...]] = {}  # by the id under which an app is routed
        self._owners = Owners()
        self._groups = Groups(policy)
        self._asked: Holders | None = None  # the holders that the last structure was decided with
        self._structure = RoutingStructure()
        self._table = RoutingTable()

    def build(self, snapshot: Snapshot, holders: Holders = NOBODY) -> RoutingTable:
        """The table of `snapshot`. `holders` are those of the table before, or what was kept over a restart."""
        before, self._apps = self._apps, self._groups.routed(snapshot.apps)
        touched = [self._apps[app_id] for app_id in changed(before, self._apps)]
        if self._is_structural(before, touched, holders):
            self._with_owners(touched, before.keys() - self._apps.keys())
            self._table = self._rebuilt(holders)
        elif touched:
            self._table = self._updated(before, self._with_owners(touched))
        return self._table

    def _with_owners(self, touched: Sequence[App], gone: Iterable[str] = ()) -> Sequence[App]:
        """The touched apps, and those with a task whose address one of them took or gave back."""
        if self._policy.exact:
            return touched
        found = self._owners.update(touched, gone) - {app.id for app in touched}
        return [*touched, *(self._apps[app_id] for app_id in sorted(found))]

    def _is_structural(self, before: Mapping[str, App], touched: Sequence[App], holders: Holders) -> bool:
        """Whether more than tasks changed. In the exact profile the order of the answer and the tasks count too."""
        if self._asked is None or len(before) != len(self._apps):
            return True
        if holders is not self._table.holders and holders not in (self._table.holders, self._asked):
            return True
        if self._policy.exact:
            return bool(touched) or list(before) != list(self._apps)
        return any(app.id not in before or before[app.id].definition != app.definition for app in touched)

    def _rebuilt(self, holders: Holders) -> RoutingTable:
        old = self._table
        structure = structure_of(self._apps, self._policy, holders, self._read)
        self._forget_gone_apps()
        self._asked, self._structure = holders, structure
        services = old.services if structure.services == old.services else structure.services
        placements = [self._place(app) for app in self._apps.values()]
        found = {name: pool for placement in placements for name, pool in placement.endpoints}
        endpoints = {s.name: _kept(old.endpoints.get(s.name), found[s.name]) for s in services}
        return RoutingTable(
            services=services,
            endpoints=SharedMap(endpoints, old.endpoints),
            dropped=_by_app(drop for app_id in self._apps for drop in self._dropped(app_id)),
            problems=self._problems(),
            holders=structure.holders,
            groups=self._groups.ids,
            drained=self._groups.drained,
        )

    def _updated(self, before: Mapping[str, App], touched: Iterable[App]) -> RoutingTable:
        old = self._table
        endpoints: dict[str, tuple[Endpoint, ...]] = {}
        dropped = dict(old.dropped)
        has_news = False
        for app in touched:
            known, placement = self._placements[app.id][3], self._place(app)
            for name, found in placement.endpoints:
                endpoints[name] = _kept(old.endpoints[name], found)
            for drop in self._drops.get(app.id, ()):
                dropped.pop(drop.app_id, None)
            dropped |= _by_app(self._dropped(app.id))
            has_news |= before[app.id].problems != app.problems or known.problems != placement.problems
        problems = self._problems() if has_news else old.problems
        return replace(
            old,
            endpoints=replaced(old.endpoints, endpoints),
            dropped=dropped,
            problems=problems,
            groups=self._groups.ids,
            drained=self._groups.drained,
        )

    def _read(self, definition: AppDefinition) -> AppReading:
        known = self._readings.get(definition.id)
        if known is not None and (known[0] is definition or known[0] == definition):
            return known[1]
        reading = read_app(definition, self._policy)
        self._readings[definition.id] = (definition, reading)
        return reading

    def _place(self, app: App) -> Placement:
        routes = self._structure.routes.get(app.id, ())
        owned = self._owners.of(app.id)
        known = self._placements.get(app.id)
        if known is not None and known[0] is app and known[1] == routes and known[2] == owned:
            return known[3]
        placement = self._groups.placed(app.id, place(app, routes, self._policy, owned))
        self._placements[app.id] = (app, routes, owned, placement)
        return placement

    def _dropped(self, app_id: str) -> tuple[Dropped, ...]:
        """What was left out of a routed app, by the ids of the apps that it is made of."""
        of_ports = self._groups.dropped(app_id, self._structure.dropped.get(app_id, ()))
        self._drops[app_id] = of_ports + self._placements[app_id][3].dropped
        return self._drops[app_id]

    def _problems(self) -> tuple[Problem, ...]:
        of_apps = (problem for app in self._apps.values() for problem in app.problems)
        of_tasks = (problem for *_, placement in self._placements.values() for problem in placement.problems)
        of_structure = map(self._groups.told, self._structure.problems)
        return tuple(sorted({*of_structure, *of_apps, *of_tasks, *self._groups.problems(), *self._policy.problems}))

    def _forget_gone_apps(self) -> None:
        for app_id in self._placements.keys() - self._apps.keys():
            del self._placements[app_id], self._drops[app_id]
            self._readings.pop(app_id, None)


def _by_app(dropped: Iterable[Dropped]) -> dict[str, tuple[Dropped, ...]]:
    found: dict[str, tuple[Dropped, ...]] = {}
    for drop in dropped:
        found[drop.app_id] = (*found.get(drop.app_id, ()), drop)
    return found


def _kept(old: tuple[Endpoint, ...] | None, new: tuple[Endpoint, ...]) -> tuple[Endpoint, ...]:
    """`old` itself where it says the same: its identity lets later stages skip work."""
    return old if old == new else new

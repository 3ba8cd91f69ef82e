"""Which apps are served as one, kept up to date: a change of one colour costs one merge, and nothing for the others."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from milepost.model.problem import Problem
from milepost.model.routing import Dropped, Endpoint
from milepost.model.shared_map import SharedMap, changed, replaced
from milepost.model.snapshot import App, AppDefinition
from milepost.routing import deployment_labels as table
from milepost.routing.blue_green import Merged, group_id, merge
from milepost.routing.claims import may_serve_as
from milepost.routing.endpoints import Placement
from milepost.routing.policy import Policy
from milepost.routing.reading import read_app

_DRAINED = "is drained: a deployment takes its traffic away, its sessions may finish"


class Groups:
    """Turns the apps of one snapshot after the other into those that are routed: each group of colours is one of them.

    What was routed before and did not change is the very same object, and without any group the apps are given back
    as they are. `ids` has the id under which each app of a group is served, `drained` the ids of all tasks from which
    traffic is taken.
    """

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._seen: Mapping[str, App] = {}
        self._routed: Mapping[str, App] = {}
        self._group_of: dict[str, str] = {}  # by app id
        self._refused: dict[str, str] = {}  # the groups of which an app may not be, by app id
        self._members: dict[str, set[str]] = {}  # ids of apps, by group
        self._merged: dict[str, Merged] = {}  # by group, but for those whose id is an app's
        self._read: dict[str, tuple[AppDefinition, tuple[Problem, ...]]] = {}  # by app id
        self.ids: Mapping[str, str] = {}
        self.drained: frozenset[str] = frozenset()

    def routed(self, seen: Mapping[str, App]) -> Mapping[str, App]:
        """The apps of `seen` as they are routed: those of no group in their order, then the groups."""
        before, self._seen = self._seen, seen
        touched = {*changed(before, seen), *changed(seen, before)}
        groups, has_moved = self._regroup(touched, before)
        if not self._members:
            self._merged, self._read, self.ids, self.drained, self._routed = {}, {}, {}, frozenset(), seen
            return seen
        for group in list(self._members) if self._policy.exact else groups:
            self._merge(group)
        if groups:
            self.drained = frozenset().union(*(merged.drained for merged in self._merged.values()))
        if has_moved or self._policy.exact:
            self.ids = {app_id: group for app_id, group in self._group_of.items() if group in self._merged}
            self._routed = SharedMap(dict(self._all()), self._routed)
        else:
            news = {app_id: seen[app_id] for app_id in touched if app_id not in self.ids}
            news |= {group: self._merged[group].app for group in groups if group in self._merged}
            self._routed = replaced(self._routed, news)
        return self._routed

    def placed(self, group: str, placement: Placement) -> Placement:
        """What became of the tasks of a routed app, by the ids that their owners know."""
        merged = self._merged.get(group)
        if merged is None:
            return placement
        endpoints = tuple(
            (service, tuple(_marked(endpoint, merged) for endpoint in found)) for service, found in placement.endpoints
        )
        dropped = [replace(drop, app_id=merged.owners[drop.task_id]) for drop in placement.dropped]
        left_out = {drop.task_id for drop in dropped if drop.index is None}
        drained = sorted(merged.drained - left_out)
        dropped += [Dropped(merged.owners[task_id], task_id, None, _DRAINED) for task_id in drained]
        return Placement(endpoints, tuple(dropped), tuple(map(self.told, placement.problems)))

    def dropped(self, group: str, dropped: Iterable[Dropped]) -> tuple[Dropped, ...]:
        """What was left out of a routed app: of a group each of its apps is told."""
        merged = self._merged.get(group)
        if merged is None:
            return tuple(dropped)
        of_all = (replace(drop, app_id=app_id) for drop in dropped for app_id in merged.members)
        return (*of_all, *merged.dropped)

    def told(self, problem: Problem) -> Problem:
        """A problem of a routed app, as one of the app whose definition holds."""
        merged = self._merged.get(problem.app_id)
        return problem if merged is None else replace(problem, app_id=merged.leader)

    def problems(self) -> Iterator[Problem]:
        """Groups that cannot be, since an app of no group has their id, and apps that may not be of theirs."""
        for app_id, group in self._refused.items():
            message = f"a rule of policy.claims for {group} does not fit this app's own id: it is served by itself"
            yield Problem(app_id, table.GROUP.key(None), message)
        for app_id, group in self._group_of.items():
            if group not in self._merged:
                message = f"there is an app {group}, of no group: this one is served by itself"
                yield Problem(app_id, table.GROUP.key(None), message)

    def _regroup(self, touched: Iterable[str], before: Mapping[str, App]) -> tuple[set[str], bool]:
        """The groups that are to be merged anew, and whether other apps are routed than before."""
        groups: set[str] = set()
        has_moved = False
        for app_id in touched:
            app, was_in = self._seen.get(app_id), self._group_of.pop(app_id, "")
            is_in = self._allowed_group(app_id, app)
            if was_in:
                self._members[was_in].discard(app_id)
            if is_in:
                self._group_of[app_id] = is_in
                self._members.setdefault(is_in, set()).add(app_id)
            groups |= {was_in, is_in, app_id} & self._members.keys()
            has_moved |= was_in != is_in or (app_id in before) != (app is not None)
        return groups, has_moved

    def _allowed_group(self, app_id: str, app: App | None) -> str:
        """Its group, "" for none."""
        self._refused.pop(app_id, None)
        group = group_id(app.definition) if app else ""
        if not group or self._policy.exact or may_serve_as(app_id, group, self._policy.grants):
            return group
        self._refused[app_id] = group
        return ""

    def _merge(self, group: str) -> None:
        known = self._merged.pop(group, None)
        if not self._members[group]:
            del self._members[group]
        elif group not in self._seen or group in self._group_of:
            apps = [self._seen[app_id] for app_id in self._in_order(self._members[group])]
            merged = merge(group, apps, self._policy)
            if not self._policy.exact:
                merged = replace(merged, app=replace(merged.app, problems=self._all_problems(merged)))
            self._merged[group] = known if known == merged else merged

    def _in_order(self, app_ids: Iterable[str]) -> Iterable[str]:
        """As in the answer where that matters."""
        return [app_id for app_id in self._seen if app_id in app_ids] if self._policy.exact else sorted(app_ids)

    def _all_problems(self, merged: Merged) -> tuple[Problem, ...]:
        """With those that the other colours will have as soon as one of them leads."""
        others = (app_id for app_id in merged.members if app_id != merged.leader)
        return (*merged.app.problems, *(problem for app_id in others for problem in self._problems_to_come(app_id)))

    def _problems_to_come(self, app_id: str) -> tuple[Problem, ...]:
        definition = self._seen[app_id].definition
        known = self._read.get(app_id)
        if known is None or known[0] != definition:
            known = self._read[app_id] = definition, read_app(definition, self._policy).problems
        return known[1]

    def _all(self) -> Iterator[tuple[str, App]]:
        yield from ((app_id, app) for app_id, app in self._seen.items() if app_id not in self.ids)
        yield from ((group, merged.app) for group, merged in self._merged.items())


def _marked(endpoint: Endpoint, merged: Merged) -> Endpoint:
    return replace(endpoint, is_drained=True) if endpoint.task_id in merged.drained else endpoint

"""Several sources' snapshots as one. Pure; what one source changes costs that, however much the others have."""

from collections.abc import Mapping

from milepost.model.shared_map import SharedMap, changed, replaced
from milepost.model.snapshot import App, Cause, Share, Snapshot
from milepost.model.source_name import prefix_of


class Merge:
    """The newest snapshot of each source, and all of them as one, in the order of `prefixes` (those of app ids, by
    source). No app id is in two of them.
    """

    def __init__(self, prefixes: Mapping[str, str]) -> None:
        self._prefixes = prefixes
        self._parts: dict[str, Snapshot] = {}
        self._apps: Mapping[str, App] = SharedMap({})

    @property
    def heard(self) -> frozenset[str]:
        """The sources of which a snapshot is in."""
        return frozenset(self._parts)

    def take(self, name: str, snapshot: Snapshot) -> None:
        """`snapshot` is the newest of the source `name`."""
        before = self._parts.get(name)
        self._parts[name] = snapshot
        changes = self._changes(before, snapshot)
        self._apps = self._joined() if changes is None else replaced(self._apps, changes)

    def snapshot(self, causes: tuple[Cause, ...]) -> Snapshot:
        """All that is in. It shares each app, and wherever possible more, with the one before."""
        parts = self._ordered()
        shares = tuple(self._share(name, part) for name, part in parts.items())
        aging = [share for share in shares if not share.is_lasting]
        return Snapshot(
            apps=self._apps,
            source=", ".join(part.source for part in parts.values()),
            read_at_s=min(share.read_at_s for share in aging or shares),
            problems=tuple(problem for part in parts.values() for problem in part.problems),
            causes=causes,
            is_saved=bool(aging) and all(share.is_saved for share in aging),
            shares=shares,
        )

    def _changes(self, before: Snapshot | None, after: Snapshot) -> Mapping[str, App] | None:
        """The apps that changed, None where the source has others now than before."""
        if before is None or len(before.apps) != len(after.apps):
            return None
        changes = {app_id: after.apps[app_id] for app_id in changed(before.apps, after.apps)}
        return changes if changes.keys() <= before.apps.keys() else None

    def _joined(self) -> Mapping[str, App]:
        apps: dict[str, App] = {}
        for part in self._ordered().values():
            apps |= part.apps
        return SharedMap(apps, self._apps)

    def _ordered(self) -> dict[str, Snapshot]:
        return {name: self._parts[name] for name in self._prefixes if name in self._parts}

    def _share(self, name: str, part: Snapshot) -> Share:
        prefix = self._prefixes[name]
        return Share(part.source, prefix, part.read_at_s, len(part.apps), part.is_saved, part.is_lasting)


def share_of(kept: Snapshot, source: str, prefix: str) -> Snapshot:
    """What the source whose apps begin with `prefix` has in `kept`."""
    apps = {app_id: app for app_id, app in kept.apps.items() if prefix_of(app_id) == prefix}
    problems = tuple(problem for problem in kept.problems if problem.app_id and prefix_of(problem.app_id) == prefix)
    return Snapshot(SharedMap(apps), source, kept.read_at_s, problems, is_saved=kept.is_saved)

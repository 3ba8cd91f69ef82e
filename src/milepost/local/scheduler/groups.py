"""What a change of a group means for the apps and groups below it (marathon-api 6.12)."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field

from msgspec import structs

from milepost.local.apps import app_id as ids
from milepost.local.apps.definition import Definition
from milepost.local.apps.group_update import GroupUpdate
from milepost.local.apps.refusal import Refused, invalid
from milepost.local.apps.validation import violations
from milepost.local.scheduler.cluster import Cluster
from milepost.local.scheduler.tree import Dependencies, Tree


@dataclass(slots=True)
class Wish:
    """Definitions and groups as they are to be; None takes one away."""

    apps: dict[str, Definition | None] = field(default_factory=dict)
    groups: dict[str, Dependencies | None] = field(default_factory=dict)


def changed(cluster: Cluster, update: GroupUpdate) -> Wish:
    """Carry `update` out over what exists. Raises Refused: 404 for a version that is not kept, 422 for a
    scale that an app cannot have."""
    tree = cluster.tree()
    if update.version is not None:
        return _rolled_back(tree, version(cluster, update.id, update.version), update.id)
    if update.scale_by is not None:
        return _scaled(tree, update.id, update.scale_by)
    wish = Wish()
    _update(wish, tree, update)
    return wish


def removed(cluster: Cluster, group_id: str) -> Wish:
    """Take the group away with all that lies in it."""
    wish = Wish()
    _remove(wish, cluster.tree(), group_id)
    return wish


def versions(cluster: Cluster, group_id: str) -> list[Tree]:
    """The kept states in which the group existed, the newest first."""
    return [tree for tree in cluster.history if group_id == "/" or group_id in tree.groups]


def version(cluster: Cluster, group_id: str, wanted: str) -> Tree:
    """The state of that version. Raises Refused (404) if it is not kept or did not have the group."""
    for tree in versions(cluster, group_id):
        if tree.version == wanted:
            return tree
    raise Refused(404, f"Group '{group_id}' does not exist in version {wanted}")


def _update(wish: Wish, tree: Tree, update: GroupUpdate) -> None:
    """Lists that are given replace those of this level; what is not given stays."""
    if update.id != "/":
        kept = tree.groups.get(update.id, ())
        wish.groups[update.id] = kept if update.dependencies is None else update.dependencies
    if update.apps is not None:
        wish.apps.update({app_id: None for app_id in tree.apps if ids.parent(app_id) == update.id})
        wish.apps.update({app.id: app for app in update.apps})
    if update.groups is not None:
        named = {child.id for child in update.groups}
        for group_id in tree.groups:
            if ids.parent(group_id) == update.id and group_id not in named:
                _remove(wish, tree, group_id)
        for child in update.groups:
            _update(wish, tree, child)


def _remove(wish: Wish, tree: Tree, group_id: str) -> None:
    wish.apps.update(dict.fromkeys(_below(tree, group_id)))
    wish.groups.update({each: None for each in tree.groups if each == group_id or ids.is_below(each, group_id)})


def _scaled(tree: Tree, group_id: str, factor: float) -> Wish:
    apps = (tree.apps[each] for each in _below(tree, group_id))
    scaled = [structs.replace(app, instances=math.ceil(app.instances * factor)) for app in apps]
    found = [("/scaleBy", f"{app.id}: {text}") for app in scaled for _, text in violations(app)]
    if found:
        raise invalid(found)
    return Wish({app.id: app for app in scaled})


def _rolled_back(now: Tree, then: Tree, group_id: str) -> Wish:
    wish = Wish()
    _remove(wish, now, group_id)
    wish.apps.update({each: then.apps[each] for each in _below(then, group_id)})
    wish.groups.update(
        {each: found for each, found in then.groups.items() if each == group_id or ids.is_below(each, group_id)}
    )
    return wish


def _below(tree: Tree, group_id: str) -> Iterator[str]:
    return (app_id for app_id in tree.apps if ids.is_below(app_id, group_id))

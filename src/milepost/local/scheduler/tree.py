"""All apps and groups at one moment: what a version of a group shows, and what an event's plan carries."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from milepost.local.apps import app_id as ids
from milepost.local.apps.definition import Definition

Dependencies = tuple[str, ...]
GroupChanges = Mapping[str, Dependencies | None]
NO_GROUPS: GroupChanges = {}


@dataclass(frozen=True, slots=True)
class Tree:
    """`groups` names every group but the root, with the ids it depends on."""

    version: str
    apps: Mapping[str, Definition]
    groups: Mapping[str, Dependencies]


@dataclass(frozen=True, slots=True)
class Trees:
    """Before and after a change (marathon-api 11.4)."""

    original: Tree
    target: Tree


def changes_of_groups(before: Mapping[str, Dependencies], after: Mapping[str, Dependencies]) -> GroupChanges:
    """What leads from `before` to `after`."""
    gone: dict[str, Dependencies | None] = dict.fromkeys(before.keys() - after.keys())
    return gone | {group_id: found for group_id, found in after.items() if before.get(group_id) != found}


def regrouped(
    groups: Mapping[str, Dependencies], changes: GroupChanges, apps: Collection[str], new_apps: Iterable[str]
) -> dict[str, Dependencies]:
    """`groups` after the changes. One that still holds one of `apps` stays; new apps bring their groups along."""
    found = dict(groups)
    for group_id, dependencies in changes.items():
        if dependencies is not None:
            found[group_id] = dependencies
        elif not any(ids.is_below(app_id, group_id) for app_id in apps):
            found.pop(group_id, None)
    for name in (*new_apps, *found):
        for group_id in ids.ancestors(name):
            found.setdefault(group_id, ())
    return found

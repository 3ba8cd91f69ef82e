"""All apps and groups at one moment: what a version of a group shows, and what an event's plan carries."""

from collections.abc import Mapping
from dataclasses import dataclass

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

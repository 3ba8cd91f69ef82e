"""From the JSON of a group to what it asks for (marathon-api 6.12)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec
from msgspec import UNSET, Struct, UnsetType

from milepost.local.apps import app_id as ids
from milepost.local.apps import intake
from milepost.local.apps.definition import Definition
from milepost.local.apps.legacy import Document
from milepost.local.apps.refusal import Violation, invalid, violations_of
from milepost.local.apps.validation import out_of_range

PartT = TypeVar("PartT", Definition, "GroupUpdate")
MAX_FACTOR = 1_000_000
ALONE = "not allowed in conjunction with other properties."


@dataclass(frozen=True, slots=True)
class GroupUpdate:
    """None stands for what the document does not say. `scale_by` and `version` stand alone."""

    id: str
    apps: tuple[Definition, ...] | None = None
    groups: tuple["GroupUpdate", ...] | None = None
    dependencies: tuple[str, ...] | None = None
    scale_by: float | None = None
    version: str | None = None


class _Input(Struct, kw_only=True, rename="camel"):
    id: str = ""
    apps: list[dict[str, Any]] | UnsetType = UNSET
    groups: list[dict[str, Any]] | UnsetType = UNSET
    dependencies: list[str] | UnsetType = UNSET
    scale_by: float | UnsetType = UNSET
    version: str | UnsetType = UNSET


def read(document: object, base: str) -> GroupUpdate:
    """The update of the group at `base`, or of the one that the document names relative to it. Raises Refused (422)."""
    bare = intake.without_nulls(document)
    given = _typed(bare)
    group_id = _identity(given, base)
    alone = {key: bare[key] for key in ("version", "scaleBy") if key in bare}
    if alone and len(set(bare) & {"apps", "groups", "dependencies", "version", "scaleBy"}) > 1:
        raise invalid([(f"/{key}", ALONE) for key in alone])
    return GroupUpdate(
        group_id,
        _each(given.apps, "apps", lambda app: _app(app, group_id)),
        _each(given.groups, "groups", lambda group: _child(group, group_id)),
        None if isinstance(given.dependencies, UnsetType) else _dependencies(given.dependencies, group_id),
        _scale(given.scale_by),
        given.version or None,
    )


def named_id(document: object, base: str) -> str:
    """The id of the group that `read` gives the update of. Raises Refused (422) for one that breaks the rules."""
    return _identity(_typed(intake.without_nulls(document)), base)


def _typed(bare: object) -> _Input:
    try:
        return msgspec.convert(bare, _Input)
    except msgspec.ValidationError as error:
        raise invalid([intake.type_violation(str(error))], "Invalid JSON") from None


def _identity(given: _Input, base: str) -> str:
    group_id = ids.absolute(given.id, base)
    problem = ids.problem(group_id) if group_id != "/" else None
    if problem:
        raise invalid([("/id", problem)])
    return group_id


def _each(found: Sequence[Document] | UnsetType, name: str, read_one: Callable[[Document], PartT]) -> Any:
    """All parts, read; what is wrong is told with the place in the whole document."""
    if isinstance(found, UnsetType):
        return None
    parts: list[PartT] = []
    for index, document in enumerate(found):
        with violations_of(f"/{name}({index})"):
            parts.append(read_one(document))
    if len({part.id for part in parts}) < len(parts):
        raise invalid([(f"/{name}", "each must have an id of its own")])
    return tuple(parts)


def _app(document: Document, group_id: str) -> Definition:
    checked = intake.checked(document)
    app_id = intake.named_id(checked, group_id)
    _refuse_strangers(app_id, group_id)
    return intake.create(checked, app_id)


def _child(document: Document, group_id: str) -> GroupUpdate:
    if not document.get("id"):
        raise invalid([("/id", "error.path.missing")], "Invalid JSON")
    child = read(document, group_id)
    _refuse_strangers(child.id, group_id)
    if child.version or child.scale_by is not None:
        raise invalid([("/", "version and scaleBy belong to the outermost group")])
    return child


def _refuse_strangers(app_or_group_id: str, group_id: str) -> None:
    if not ids.is_below(app_or_group_id, group_id):
        hint = "Hint: use relative paths."
        violation: Violation = ("/id", f"Identifier is not child of '{group_id}'. {hint}")
        raise invalid([violation])


def _dependencies(given: Sequence[str], group_id: str) -> tuple[str, ...]:
    return tuple(ids.absolute(each, ids.parent(group_id)) for each in given)


def _scale(factor: float | UnsetType) -> float | None:
    if isinstance(factor, UnsetType):
        return None
    found = list(out_of_range([("/scaleBy", factor, 0, MAX_FACTOR)]))
    if found:
        raise invalid(found)
    return factor

"""Marathon's JSON schemas of an app and a group: what they describe is taken, other types and values are not."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from milepost.local.apps import group_update
from milepost.local.apps.definition import Definition
from milepost.local.apps.refusal import Refused
from support.local_world import definition
from support.normal_form import Document
from support.shared import SHARED, needs_shared

pytestmark = needs_shared

APP: Mapping[str, Any] = {"id": "/web", "cmd": "sleep 1000"}
OF_NO_TYPE: Mapping[str, Any] = {
    "string": 1,
    "integer": "many",
    "number": "many",
    "boolean": "yes",
    "array": "one",
    "object": "one",
}
# What is no part of an app any more: ignored whatever it is, as any unknown member (marathon-api 2).
GIVEN_UP = ("/storeUrls", "/container/appc", "/ipAddress/groups")
# Places that a rule names in the new form (marathon-api 5.1).
NEW_PLACES: Mapping[str, str] = {
    "/container/docker/portMappings(0)": "/container/portMappings(0)",
    "/ipAddress/discovery/ports(0)": "/container/portMappings(0)",
}
# What makes the objects on the way to a place right but for it.
WHOLE: Mapping[str, Document] = {
    "/container": {"docker": {"image": "own", "network": "BRIDGE"}},
    "/container/docker": {"image": "own", "network": "BRIDGE"},
    "/container/docker/parameters(0)": {"key": "a", "value": "b"},
    "/container/docker/credential": {"principal": "a"},
    "/container/volumes(0)": {"containerPath": "data"},
    "/container/volumes(0)/persistent": {"size": 1},
    "/ipAddress": {"networkName": "own"},
    "/ipAddress/discovery/ports(0)": {"number": 80},
}


def schema(name: str) -> Document:
    path = SHARED / f"marathon/schema/{name}.json"
    return dict(json.loads(path.read_text())) if path.exists() else {"properties": {}}


def properties(described: Document, place: str = "") -> Iterator[tuple[str, Document]]:
    """Every member that the schema describes, at every depth of objects: ("/container/docker/image", ...)."""
    for name, member in described.get("properties", {}).items():
        yield f"{place}/{name}", member
        yield from properties(member, f"{place}/{name}")
        items = member.get("items")
        if isinstance(items, dict) and member.get("type") == "array":
            yield from properties(items, f"{place}/{name}(0)")


PROPERTIES = {place: member for place, member in properties(schema("AppDefinition")) if not place.startswith(GIVEN_UP)}


def with_value(place: str, value: object) -> Document:
    """An app that is right but for this value at this place."""
    app: Document = dict(APP)
    inner, so_far = app, ""
    *outer, last = place.strip("/").split("/")
    for name in outer:
        so_far += f"/{name}"
        child = dict(WHOLE.get(so_far, {}))
        inner[name.removesuffix("(0)")] = [child] if name.endswith("(0)") else child
        inner = child
    inner[last] = value
    return app


def refused_places(app: Document) -> set[str]:
    with pytest.raises(Refused) as refused:
        definition(app)
    assert refused.value.status == 422
    return {each["path"] for each in refused.value.body["details"]}


def places(place: str) -> set[str]:
    """Where a rule about it may speak: at the place, or at the object or list that it is in."""
    new = next((place.replace(old, now) for old, now in NEW_PLACES.items() if place.startswith(old)), place)
    parents = [name.rpartition("/")[0] for name in (place, new)]
    return {place, new, *parents, *(parent.removesuffix("(0)") for parent in parents)}


TYPED = {place: OF_NO_TYPE[member["type"]] for place, member in PROPERTIES.items() if member.get("type") in OF_NO_TYPE}
LISTED = [place for place, member in PROPERTIES.items() if "enum" in member]
BOUNDED = {place: member["minimum"] for place, member in PROPERTIES.items() if "minimum" in member}


@pytest.mark.parametrize("place", TYPED)
def test_a_member_of_another_type_is_refused_at_its_place(place: str) -> None:
    assert place in refused_places(with_value(place, TYPED[place]))


@pytest.mark.parametrize("place", LISTED)
def test_a_word_that_the_schema_does_not_list_is_refused(place: str) -> None:
    assert refused_places(with_value(place, "OTHER")) & places(place)


@pytest.mark.parametrize("place", BOUNDED)
def test_a_number_below_the_least_is_refused(place: str) -> None:
    assert refused_places(with_value(place, BOUNDED[place] - 1)) & places(place)


@pytest.mark.parametrize("place", GIVEN_UP)
def test_what_is_no_part_of_an_app_any_more_is_ignored(place: str) -> None:
    assert definition(with_value(place, 1)).id == "/web"


@pytest.mark.parametrize("name", list(schema("Group")["properties"]))
def test_a_groups_member_of_another_type_is_refused_at_its_place(name: str) -> None:
    with pytest.raises(Refused) as refused:
        group_update.read({"id": "/shop", name: 1}, "/")
    assert refused.value.body["details"][0]["path"] == f"/{name}"


def test_every_member_that_the_schema_names_is_kept_or_has_a_new_form() -> None:
    old = {"ipAddress": "networks", "ports": "portDefinitions", "uris": "fetch"}
    kept = set(Definition.__struct_encode_fields__)
    assert {old.get(name, name) for name in schema("AppDefinition")["properties"]} - kept == {"storeUrls"}

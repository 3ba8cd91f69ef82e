"""docs/local.md: every field of an app is taken, and shown, as the page says; and every field is there."""

import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from msgspec import Struct
from msgspec.structs import fields

from milepost.local.apps import intake
from milepost.local.apps.definition import (
    Container,
    Docker,
    Fetch,
    HealthCheck,
    Network,
    PortDefinition,
    PortMapping,
    UpgradeStrategy,
)
from milepost.local.apps.readiness import ReadinessCheck
from support.local_server import Api, local_api
from support.shared import ROOT
from support.tables import Row, tables

pytestmark = pytest.mark.anyio

PAGE = tables(ROOT / "docs" / "local.md")
Document = dict[str, Any]
BRIDGED = {"networks": [{"mode": "container/bridge"}]}
IMAGE = {"docker": {"image": "nginx"}}


@dataclass(frozen=True)
class Place:
    """Where the fields of one table lie: `put` makes an app's members of them, `find` looks them up in the answer.
    `types` read them, if any do."""

    types: tuple[type[Struct], ...]
    put: Callable[[Document], Document]
    find: Callable[[Document], Document]


PLACES = {
    "Fields of an app": Place((intake._Input,), dict, dict),
    "Container": Place(
        (Container, intake._InputContainer),
        lambda sent: {**BRIDGED, "container": IMAGE | sent},
        lambda app: app["container"],
    ),
    "Docker": Place(
        (Docker, intake._InputDocker),
        lambda sent: {"container": {"docker": {"image": "nginx"} | sent}},
        lambda app: app["container"]["docker"],
    ),
    "Port mapping": Place(
        (PortMapping,),
        lambda sent: {**BRIDGED, "container": {**IMAGE, "portMappings": [sent]}},
        lambda app: app["container"]["portMappings"][0],
    ),
    "Port definition": Place(
        (PortDefinition,), lambda sent: {"portDefinitions": [sent]}, lambda app: app["portDefinitions"][0]
    ),
    "Network": Place(
        (Network,),
        lambda sent: {"networks": [sent if "mode" in sent else {"name": "n"} | sent]},
        lambda app: app["networks"][0],
    ),
    "Health check": Place(
        (HealthCheck,),
        lambda sent: {"healthChecks": [{"protocol": "COMMAND"} | sent if "command" in sent else sent]},
        lambda app: app["healthChecks"][0],
    ),
    "Readiness check": Place(
        (ReadinessCheck,),
        lambda sent: {"portDefinitions": [{"name": "http-api"}, {"name": "web"}], "readinessChecks": [sent]},
        lambda app: app["readinessChecks"][0],
    ),
    "Upgrade strategy": Place(
        (UpgradeStrategy,), lambda sent: {"upgradeStrategy": sent}, lambda app: app["upgradeStrategy"]
    ),
    "Unreachable strategy": Place(
        (), lambda sent: {"unreachableStrategy": sent}, lambda app: app["unreachableStrategy"]
    ),
    "Fetch": Place((Fetch,), lambda sent: {"fetch": [{"uri": "http://h/a"} | sent]}, lambda app: app["fetch"][0]),
}
ROWS = [pytest.param(heading, row, id=f"{heading}-{row['field']}") for heading in PLACES for row in PAGE[heading]]


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[Api]:
    async with local_api(tmp_path) as api:
        yield api


async def shown(api: Api, place: Place, sent: Document) -> Document:
    """What GET shows at the place of an app that was created with this there."""
    app = {"id": "/web", "cmd": "sleep 1000"} | place.put(sent)
    if "args" in app:
        del app["cmd"]
    answer = await api.client.post("/v2/apps", json=app)
    assert answer.status_code == 201, answer.text
    return place.find(await api.app(answer.headers["location"]))


@pytest.mark.parametrize(("heading", "row"), ROWS)
async def test_a_field_is_shown_as_the_page_says(api: Api, heading: str, row: Row) -> None:
    sent = json.loads(row["sent"])
    found = (await shown(api, PLACES[heading], {row["field"]: sent})).get(row["field"], "-")
    expected = row["shown"]
    if expected == "*":
        assert found not in ("-", sent)
    else:
        assert found == ("-" if expected == "-" else json.loads(expected) if expected else sent)
    assert row["state"] != "absent" or found == "-"


@pytest.mark.parametrize("heading", PLACES)
async def test_what_is_not_sent_is_shown_with_the_pages_default(api: Api, heading: str) -> None:
    found = await shown(api, PLACES[heading], {})
    for row in PAGE[heading]:
        value, default = found.get(row["field"], "-"), row["default"]
        assert value != "-" if default == "*" else value == (json.loads(default) if default else "-"), row


@pytest.mark.parametrize("heading", [heading for heading, place in PLACES.items() if place.types])
def test_every_field_that_is_read_has_a_row(heading: str) -> None:
    read = {field.encode_name for kind in PLACES[heading].types for field in fields(kind)}
    assert read == {row["field"] for row in PAGE[heading] if row["state"] != "absent"}

"""Any body and any order of calls: each answer is one that Marathon could give, and an error changes nothing."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import run_state_machine_as_test

from support import fuzz_documents as documents
from support.fuzz_claims import asked, can_be_put_back, comes_to_rest
from support.fuzz_machine import LocalMarathon
from support.local_world import World
from support.shared import needs_shared
from support.still_api import StillApi

PLACES = (
    ("POST", "/v2/apps"), ("PUT", "/v2/apps"), ("PATCH", "/v2/apps"), ("PUT", "/v2/apps/a"), ("PATCH", "/v2/apps/a"),
    ("PUT", "/v2/apps/a?partialUpdate=false"), ("POST", "/v2/groups"), ("PUT", "/v2/groups"), ("PUT", "/v2/groups/g"),
    ("POST", "/v2/groups/g"), ("PUT", "/v2/groups/g?dryRun=true"), ("POST", "/v2/tasks/delete"),
    ("POST", "/v2/apps/a/restart"), ("DELETE", "/v2/apps/a/tasks"), ("DELETE", "/v2/groups/g"),
)  # fmt: skip


def example_api() -> StillApi:
    """An API with an app on which a change can go wrong."""
    api = StillApi(World())
    assert api.ask("POST", "/v2/apps", {"id": "/a", "cmd": "sleep 1"}).status == 201
    return api


@given(st.sampled_from(PLACES), documents.any_body)
def test_any_body_is_taken_or_refused_as_marathon_would(place: tuple[str, str], body: bytes) -> None:
    api = example_api()
    asked(api, *place, body)
    can_be_put_back(api)


@needs_shared
@pytest.mark.parametrize("name", ["AppDefinition", "Group"])
@given(data=st.data())
def test_any_document_of_the_published_schema_is_taken_or_refused(name: str, data: st.DataObject) -> None:
    schema = documents.by_schema(name)
    body: Any = data.draw(st.one_of(schema, documents.spoilt(schema)))
    api = example_api()
    asked(api, "PUT", f"/v2/{'apps/b' if name == 'AppDefinition' else 'groups'}", body)
    can_be_put_back(api)
    comes_to_rest(api)


def test_any_order_of_calls_leaves_a_sound_cluster() -> None:
    few = settings.default.max_examples // 2 if settings.default else 50
    wish = settings(max_examples=few, stateful_step_count=30, suppress_health_check=list(HealthCheck))
    run_state_machine_as_test(LocalMarathon, settings=wish)

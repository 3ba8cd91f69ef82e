"""Any body and any order of calls: each answer is one that Marathon could give, and an error changes nothing."""

import itertools

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import run_state_machine_as_test

from support import fuzz_documents as documents
from support.fuzz_bodies import PLACES, Place, sent
from support.fuzz_claims import asked, comes_to_rest
from support.fuzz_machine import LocalMarathon
from support.local_world import World
from support.shared import needs_shared
from support.still_api import StillApi


@given(st.sampled_from(PLACES), documents.any_body)
def test_any_body_is_taken_or_refused_as_marathon_would(place: Place, body: bytes) -> None:
    sent(place, body)


@needs_shared
@pytest.mark.parametrize("name", ["AppDefinition", "Group"])
@given(data=st.data())
def test_any_document_of_the_published_schema_is_taken_or_refused(name: str, data: st.DataObject) -> None:
    schema = documents.by_schema(name)
    body = data.draw(st.one_of(schema, documents.spoilt(schema)))
    sent(("PUT", "/v2/apps/b" if name == "AppDefinition" else "/v2/groups"), body)


@pytest.mark.parametrize("member", documents.REFUSED)
def test_a_value_of_a_wrong_type_or_size_is_refused_wherever_it_is_sent(member: str) -> None:
    api = StillApi(World())
    asked(api, "POST", "/v2/apps", {"id": "/a", "cmd": "sleep 1"})
    for target, value in itertools.product(("/v2/apps", "/v2/apps/a", "/v2/apps/b"), documents.REFUSED[member]):
        body = {"id": "/a", "cmd": "sleep 1", member: value}
        answer = asked(api, "PUT", target, [body] if target == "/v2/apps" else body)
        assert answer.status == 422, (target, value)


def test_an_app_that_goes_in_a_deployment_that_waits_for_another_app_is_no_defect() -> None:
    api = StillApi(World())
    asked(api, "PUT", "/v2/groups/g", {"apps": [{"id": "a", "cmd": "sleep 1"}]})
    comes_to_rest(api)
    nowhere = {"id": "b", "cmd": "sleep 1", "constraints": [["hostname", "LIKE", "nothing"]]}
    asked(api, "PUT", "/v2/groups/g", {"apps": [nowhere]})
    comes_to_rest(api)
    assert [each.definition for each in api.world.cluster.records.values() if each.id == "/g/a"] == [None]


def test_any_order_of_calls_leaves_a_sound_cluster() -> None:
    few = max(5, settings().max_examples // 2)
    wish = settings(max_examples=few, stateful_step_count=30, suppress_health_check=list(HealthCheck))
    run_state_machine_as_test(LocalMarathon, settings=wish)

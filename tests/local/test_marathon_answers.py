"""Answers have every member that Marathon's own examples show, but those in the tables below."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from support.local_server import Api, local_api, until
from support.shapes import lacking
from support.shared import SHARED, needs_shared

pytestmark = [pytest.mark.anyio, needs_shared]

OLD_FORM = "Marathon 1.5 and later write the new form only (marathon-api 1)"
IF_ANY = "written only where there is something in it (marathon-api 4.2)"
NO_REGIONS = "written only where they are known (marathon-api 9.1)"
NO_ROLES = "from 1.9 on; there are no roles"
NO_PODS = "there are no pods"
NO_SUCH_SETTING = "the local scheduler has no such setting"
ONE_KIND = "a resource is a number here"
NO_ATTRIBUTES = "only of nodes that have some"
SETTINGS = (
    "access_control_allow_origin checkpoint decline_offer_duration default_network_name env_vars_prefix "
    "failover_timeout launch_token launch_token_refresh_interval leader_proxy_connection_timeout_ms "
    "leader_proxy_read_timeout_ms master max_instances_per_offer mesos_bridge_name "
    "mesos_heartbeat_failure_threshold mesos_heartbeat_interval mesos_leader_ui_url mesos_role mesos_user "
    "min_revive_offers_interval offer_matching_timeout on_elected_prepare_timeout reconciliation_initial_delay "
    "reconciliation_interval revive_offers_for_new_apps revive_offers_repetitions scale_apps_initial_delay "
    "scale_apps_interval store_cache task_launch_confirm_timeout task_launch_timeout "
    "task_lost_expunge_initial_delay task_lost_expunge_interval task_reservation_timeout "
)
ZOOKEEPER = (
    "zk zk_compression zk_compression_threshold zk_connection_timeout zk_max_node_size zk_session_timeout zk_timeout"
)
TASK = {"region": NO_REGIONS, "zone": NO_REGIONS, "role": NO_ROLES}

# For each example the outermost places that our answer does without, and why.
APART: Mapping[str, Mapping[str, str]] = {
    "app_list.json": {
        "apps[].uris": OLD_FORM,
        "apps[].storeUrls": OLD_FORM,
        "apps[].healthChecks": IF_ANY,
        "apps[].dependencies": IF_ANY,
    },
    "app_task.json": {
        **{f"task.{name}": reason for name, reason in TASK.items()},
        "task": "1.4's example has a list there; one task is an object (marathon-api 6.9)",
    },
    "app_tasks.json": {f"tasks[].{name}": reason for name, reason in TASK.items()},
    "tasks.json": {f"tasks[].{name}": reason for name, reason in TASK.items()},
    "deployments.json": {"[].affectedPods[]": NO_PODS, "[].steps[].actions[].pod": NO_PODS},
    "deployments_result.json": {},
    "deployment_steps.json": {},
    "info.json": {
        **{f"marathon_config.{name}": NO_SUCH_SETTING for name in SETTINGS.split()},
        **{f"zookeeper_config.{name}": NO_SUCH_SETTING for name in ZOOKEEPER.split()},
    },
    "queue.json": {
        "queue[].role": NO_ROLES,
        "queue[].app.uris": OLD_FORM,
        "queue[].app.container.docker.network": OLD_FORM,
        "queue[].lastUnusedOffers[].offer.resources[].set": ONE_KIND,
        "queue[].lastUnusedOffers[].offer.attributes[]": NO_ATTRIBUTES,
    },
}
WEB: dict[str, Any] = {
    "id": "/web",
    "cmd": "sleep 1000",
    "user": "root",
    "env": {"A": "b"},
    "constraints": [["hostname", "LIKE", "127.*"]],
    "ports": [0, 0],
    "fetch": [{"uri": "http://127.0.0.1/README.md"}],
}
CROWDED: dict[str, Any] = {
    **WEB,
    "id": "/crowded",
    "instances": 3,
    "constraints": [["hostname", "UNIQUE"]],
    "container": {"type": "DOCKER", "docker": {"image": "own", "network": "HOST"}},
}
SLOW: dict[str, Any] = {
    "id": "/slow",
    "cmd": "sleep 1000",
    "portDefinitions": [{"name": "http"}],
    "readinessChecks": [{"name": "up", "portName": "http", "preserveLastResponse": True}],
}


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[Api]:
    """An app that runs, one that waits for a third node, and one that never is ready."""
    async with local_api(tmp_path) as api:
        await api.call("POST", "/v2/apps", WEB, expect=201)
        await api.deployed()
        await api.call("POST", "/v2/apps", CROWDED, expect=201)
        await api.call("POST", "/v2/apps", SLOW, expect=201)
        await until(lambda: api.call("GET", "/v2/tasks"), lambda found: len(found["tasks"]) == 4)
        yield api


async def killed(api: Api) -> Any:
    (task,) = (await api.call("GET", "/v2/apps/web/tasks"))["tasks"]
    return await api.call("DELETE", f"/v2/apps/web/tasks/{task['id']}")


async def asked(api: Api) -> Any:
    """The deployments, once the task that is not ready has been asked."""
    return await until(
        lambda: api.call("GET", "/v2/deployments"),
        lambda found: any(action["readinessCheckResults"] for each in found for action in each["currentActions"]),
    )


ANSWERS: Mapping[str, Callable[[Api], Awaitable[Any]]] = {
    "app_list.json": lambda api: api.call("GET", "/v2/apps"),
    "app_task.json": killed,
    "app_tasks.json": lambda api: api.call("GET", "/v2/apps/web/tasks"),
    "tasks.json": lambda api: api.call("GET", "/v2/tasks"),
    "deployments.json": asked,
    "deployments_result.json": lambda api: api.call("PUT", "/v2/apps/web", {"instances": 2}),
    "deployment_steps.json": lambda api: api.call("PUT", "/v2/groups?dryRun=true", {"apps": [{**WEB, "id": "/new"}]}),
    "info.json": lambda api: api.call("GET", "/v2/info"),
    "queue.json": lambda api: api.call("GET", "/v2/queue?embed=lastUnusedOffers"),
}


EXAMPLES = sorted(path for path in (SHARED / "marathon").glob("docs-examples-*/*.json") if path.name in ANSWERS)


def sample(path: Path) -> Any:
    return json.loads(path.read_text())


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: f"{path.parent.name}/{path.name}")
async def test_an_answer_has_the_members_of_the_example(api: Api, path: Path) -> None:
    assert lacking(sample(path), await ANSWERS[path.name](api)) <= APART[path.name].keys()


@pytest.mark.parametrize("name", ANSWERS)
async def test_what_is_told_apart_is_missing_indeed(api: Api, name: str) -> None:
    answer = await ANSWERS[name](api)
    found = [lacking(sample(path), answer) for path in EXAMPLES if path.name == name]
    assert set().union(*found) == APART[name].keys()

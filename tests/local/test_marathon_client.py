"""The public client library `marathon` takes `milepost local` for a Marathon: it is answered in its own terms."""

from collections.abc import Callable, Iterator
from datetime import UTC

import pytest
from marathon.exceptions import ConflictError, MarathonHttpError, NotFoundError
from marathon.models import MarathonApp, MarathonConstraint, MarathonGroup
from marathon.models.app import MarathonUpgradeStrategy, PortDefinition, ReadinessCheck
from marathon.models.container import MarathonContainer, MarathonContainerPortMapping, MarathonDockerContainer

from support.marathon_client import NEVER, OLD_LOGGING, PASSING, Local, local_process

pytestmark = [pytest.mark.system, OLD_LOGGING]


@pytest.fixture(scope="module")
def shared() -> Iterator[Local]:
    with local_process() as local:
        yield local


@pytest.fixture
def local(shared: Local) -> Iterator[Local]:
    """One scheduler for all tests that leave it running; each finds it empty."""
    yield shared
    shared.client.delete_group("/", force=True)
    shared.at_rest()


def test_it_says_who_it_is(local: Local) -> None:
    address = local.url.removeprefix("http://")
    assert local.client.ping() == b'"pong"'
    assert local.client.get_leader() == {"leader": address}
    info = local.client.get_info()
    assert (info.name, info.version, info.elected, info.leader) == ("marathon", "1.8.222", True, address)
    assert (info.marathon_config.local_port_min, info.marathon_config.local_port_max) == (10000, 20000)
    assert f"{info.marathon_config.hostname}:{info.http_config.http_port}" == address
    assert set(local.client.get_metrics()) >= {"version", "counters", "gauges", "meters", "timers"}


def test_a_created_app_is_answered_as_it_was_described(local: Local) -> None:
    described = MarathonApp(
        cmd="sleep 1000",
        cpus=0.1,
        mem=16,
        instances=2,
        env={"LEVEL": "1"},
        labels={"HAPROXY_GROUP": "external"},
        constraints=[MarathonConstraint("hostname", "LIKE", "127.*")],
        health_checks=[PASSING],
        port_definitions=[PortDefinition(port=0, name="http", protocol="tcp", labels={"a": "b"})],
        readiness_checks=[ReadinessCheck(name="up", port_name="http", protocol="HTTP", path="/")],
        upgrade_strategy=MarathonUpgradeStrategy(minimum_health_capacity=0.5, maximum_over_capacity=0.5),
    )
    created = local.client.create_app("/shop/web", described)
    assert [each.id for each in created.deployments] == [each.id for each in local.client.list_deployments()]
    found = local.client.get_app("/shop/web")
    assert found.id == "/shop/web"
    assert found.version == created.version
    for name in ("cmd", "cpus", "mem", "instances", "env", "labels", "constraints", "upgrade_strategy"):
        assert getattr(found, name) == getattr(described, name), name
    assert found.health_checks[0].command == {"value": "true"}
    assert (found.port_definitions[0].name, found.port_definitions[0].port) == ("http", 10000)
    assert found.version_info.last_config_change_at.tzinfo is UTC
    (check,) = found.readiness_checks
    assert (check.name, check.port_name) == ("up", "http")


def test_a_container_in_either_form_is_answered_in_the_new_one(local: Local) -> None:
    mapping = MarathonContainerPortMapping(container_port=80, host_port=0, protocol="tcp")
    old = MarathonContainer(docker=MarathonDockerContainer(image="own", network="BRIDGE", port_mappings=[mapping]))
    new = MarathonContainer(docker=MarathonDockerContainer(image="own"), port_mappings=[mapping])
    local.create("/old", container=old)
    local.create("/new", container=new, networks=[{"mode": "container/bridge"}])
    for app_id in ("/old", "/new"):
        app = local.client.get_app(app_id)
        assert app.networks == [{"mode": "container/bridge"}]
        assert [each.container_port for each in app.container.port_mappings] == [80]
        assert app.container.docker.image == "own"


def test_the_list_is_filtered_and_shows_what_is_embedded(local: Local) -> None:
    local.create("/shop/web", instances=2, labels={"tier": "front"}, health_checks=[PASSING])
    local.create("/shop/db", cmd="sleep 2000")
    assert local.ids() == ["/shop/db", "/shop/web"]
    assert local.ids(cmd="2000") == ["/shop/db"]
    assert local.ids(app_id="WEB") == ["/shop/web"]
    assert local.ids(label="tier==front") == ["/shop/web"]
    assert local.ids(label="tier!=front") == []
    assert local.ids(instances=2) == ["/shop/web"]
    (bare,) = local.client.list_apps(app_id="web")
    assert (bare.tasks, bare.tasks_running) == ([], 2)
    (whole,) = local.client.list_apps(
        app_id="web",
        embed_tasks=True,
        embed_counts=True,
        embed_deployments=True,
        embed_readiness=True,
        embed_last_task_failure=True,
        embed_failures=True,
        embed_task_stats=True,
    )
    assert whole.task_stats.total_summary.stats.counts.healthy == 2
    assert (len(whole.tasks), whole.tasks_running, whole.tasks_healthy, whole.tasks_staged) == (2, 2, 2, 0)
    assert [each.alive for task in whole.tasks for each in task.health_check_results] == [True, True]


def test_every_port_of_every_task_is_an_endpoint(local: Local) -> None:
    local.create("/web", instances=2, port_definitions=[PortDefinition(port=0), PortDefinition(port=9090)])
    endpoints = local.client.list_endpoints()
    assert sorted(each.service_port for each in endpoints) == [9090, 9090, 10000, 10000]
    tasks = {task.id: task for task in local.client.list_tasks()}
    assert all(each.task_port in tasks[each.task_id].ports for each in endpoints)
    assert {each.host for each in endpoints} == {task.host for task in tasks.values()}


def test_an_app_is_scaled_to_a_number_and_by_a_difference(local: Local) -> None:
    before = local.create("/web")
    for change, instances in (({"instances": 3}, 3), ({"delta": -1}, 2), ({"delta": 1}, 3), ({"instances": 0}, 0)):
        answer = local.client.scale_app("/web", **change)
        assert set(answer) == {"version", "deploymentId"}
        local.at_rest()
        app = local.client.get_app("/web")
        assert (app.instances, len(local.running("/web"))) == (instances, instances)
        assert app.version_info.last_config_change_at == before.version_info.last_config_change_at
        assert app.version_info.last_scaling_at > before.version_info.last_scaling_at


def test_an_update_replaces_every_task_and_never_has_too_few(local: Local) -> None:
    kept = MarathonUpgradeStrategy(minimum_health_capacity=1.0, maximum_over_capacity=0.5)
    local.create("/web", instances=2, upgrade_strategy=kept, health_checks=[PASSING])
    old = {task.id for task in local.running("/web")}
    answer = local.client.update_app("/web", MarathonApp(cmd="sleep 2000"))
    (deployment,) = local.client.list_deployments()
    assert (deployment.id, deployment.version) == (answer["deploymentId"], answer["version"])
    assert deployment.affected_apps == ["/web"]
    assert (deployment.current_step, deployment.total_steps) == (1, 1)
    assert [(each.action, each.app) for each in deployment.current_actions] == [("RestartApplication", "/web")]
    while local.client.list_deployments():
        assert len(local.running("/web")) >= 2
    app = local.client.get_app("/web")
    assert (app.cmd, app.version, app.tasks_running) == ("sleep 2000", answer["version"], 2)
    assert {task.version for task in app.tasks} == {app.version}
    assert not old & {task.id for task in app.tasks}


def test_an_app_that_was_read_can_be_sent_back(local: Local) -> None:
    local.create("/web", health_checks=[PASSING], labels={"a": "b"})
    app = local.client.get_app("/web")
    app.labels["a"] = "c"
    local.client.update_app("/web", app, minimal=False)
    local.at_rest()
    assert local.client.get_app("/web").labels == {"a": "c"}


def test_an_app_goes_back_to_an_earlier_version(local: Local) -> None:
    first = local.create("/web").version
    second = local.client.update_app("/web", MarathonApp(cmd="sleep 2000"))["version"]
    local.at_rest()
    assert local.client.list_versions("/web") == [second, first]
    assert local.client.get_version("/web", first).cmd == "sleep 1000"
    local.client.rollback_app("/web", first)
    local.at_rest()
    assert local.client.get_app("/web").cmd == "sleep 1000"
    assert len(local.client.list_versions("/web")) == 3


def test_several_apps_change_and_come_to_be_in_one_deployment(local: Local) -> None:
    local.create("/a")
    changed = MarathonApp(id="/a", cmd="sleep 2000", cpus=0.1, mem=16)
    answer = local.client.update_apps([changed, MarathonApp(id="/b", cmd="sleep 3000", cpus=0.1, mem=16)])
    (deployment,) = local.client.list_deployments()
    assert (deployment.id, deployment.affected_apps) == (answer["deploymentId"], ["/a", "/b"])
    local.at_rest()
    assert {app.id: (app.cmd, app.version) for app in local.client.list_apps()} == {
        "/a": ("sleep 2000", answer["version"]),
        "/b": ("sleep 3000", answer["version"]),
    }


def test_a_restart_replaces_tasks_of_an_unchanged_app(local: Local) -> None:
    before = local.create("/web")
    answer = local.client.restart_app("/web")
    local.at_rest()
    after = local.client.get_app("/web")
    assert (after.cmd, after.version) == (before.cmd, answer["version"])
    assert {task.id for task in before.tasks}.isdisjoint(task.id for task in after.tasks)


@pytest.mark.parametrize("wipe", [False, True])
def test_a_killed_task_is_answered_and_replaced(local: Local, wipe: bool) -> None:
    (task,) = local.create("/web").tasks
    killed = local.client.kill_task("/web", task.id, wipe=wipe)
    assert (killed.id, killed.app_id, killed.host) == (task.id, "/web", task.host)
    (other,) = local.until(lambda: [each for each in local.running("/web") if each.id != task.id])
    assert (other.id.partition("._app.")[0] == task.id.partition("._app.")[0]) is not wipe


def test_a_task_that_is_killed_with_scale_is_not_replaced(local: Local) -> None:
    first, second = local.create("/web", instances=2).tasks
    assert set(local.client.kill_task("/web", first.id, scale=True)) == {"version", "deploymentId"}
    local.at_rest()
    assert local.client.get_app("/web").instances == 1
    assert [task.id for task in local.running("/web")] == [second.id]


def test_tasks_are_killed_by_app_by_host_and_by_name(local: Local) -> None:
    tasks = local.create("/web", instances=4).tasks
    hosts = {task.host for task in tasks}
    assert len(hosts) == 2
    host = min(hosts)
    assert {task.id for task in local.client.kill_tasks("/web", host=host)} == {t.id for t in tasks if t.host == host}
    local.until(lambda: len(local.running("/web")) == 4)
    first, *others = local.running("/web")
    assert local.client.kill_given_tasks([first.id], scale=True)
    local.at_rest()
    assert {task.id for task in local.running("/web")} == {task.id for task in others}
    assert set(local.client.kill_tasks("/web", scale=True)) == {"version", "deploymentId"}
    local.at_rest()
    assert local.client.list_tasks() == []


def test_a_deployment_is_undone_or_left_where_it_is(local: Local) -> None:
    local.create("/web")
    update = MarathonApp(cmd="sleep 2000", health_checks=[NEVER])
    stuck = local.client.update_app("/web", update)["deploymentId"]
    undoing = local.client.delete_deployment(stuck)
    assert set(undoing) == {"version", "deploymentId"}
    local.at_rest()
    assert local.client.get_app("/web").cmd == "sleep 1000"
    stuck = local.client.update_app("/web", update)["deploymentId"]
    assert local.client.delete_deployment(stuck, force=True) == {}
    assert local.client.list_deployments() == []
    assert local.client.get_app("/web").cmd == "sleep 2000"


def test_groups_are_created_changed_scaled_and_deleted(local: Local) -> None:
    app = MarathonApp(id="web", cmd="sleep 1000", cpus=0.1, mem=16)
    inner = MarathonGroup(id="inner", apps=[MarathonApp(id="db", cmd="sleep 1000", cpus=0.1, mem=16)])
    created = local.client.create_group(MarathonGroup(id="/shop", apps=[app], groups=[inner]))
    assert set(created) == {"version", "deploymentId"}
    local.at_rest()
    group = local.client.get_group("/shop")
    assert [each.id for each in group.apps] == ["/shop/web"]
    assert [each.id for each in group.groups] == ["/shop/inner"]
    assert [each.id for each in group.groups[0].apps] == ["/shop/inner/db"]
    assert [each.id for each in local.client.list_groups()] == ["/shop"]
    local.client.scale_group("/shop", 2)
    local.at_rest()
    assert {each.id: each.instances for each in local.client.list_apps()} == {"/shop/web": 2, "/shop/inner/db": 2}
    local.client.update_group("/shop", MarathonGroup(apps=[MarathonApp(id="api", cmd="sleep 1", cpus=0.1, mem=16)]))
    local.at_rest()
    assert sorted(each.id for each in local.client.list_apps()) == ["/shop/api", "/shop/inner/db"]
    assert set(local.client.delete_group("/shop")) == {"version", "deploymentId"}
    local.at_rest()
    assert (local.client.list_groups(), local.client.list_apps()) == ([], [])


def test_what_waits_is_listed_and_its_delay_can_be_reset(local: Local) -> None:
    app = MarathonApp(cmd="exit 7", cpus=0.1, mem=16, backoff_seconds=3600, max_launch_delay_seconds=3600)
    local.client.create_app("/failing", app)
    (item,) = local.until(lambda: [each for each in local.client.list_queue() if each.delay.time_left_seconds])
    assert (item.app.id, item.count, item.delay.overdue) == ("/failing", 1, False)
    failure = local.client.get_app("/failing").last_task_failure
    assert (failure.app_id, failure.state) == ("/failing", "TASK_FAILED")
    assert failure.message.startswith("Command exited with status 7")
    local.client.reset_delay("/failing")
    local.until(lambda: local.client.get_app("/failing").last_task_failure.task_id != failure.task_id)


def test_a_task_that_no_node_takes_is_listed_with_the_reason(local: Local) -> None:
    nowhere = [MarathonConstraint("hostname", "IS", "nowhere")]
    local.client.create_app("/web", MarathonApp(cmd="sleep 1000", cpus=0.1, mem=16, constraints=nowhere))
    (item,) = local.client.list_queue(embed_last_unused_offers=True)
    reasons = {each["reason"] for each in item.processed_offers_summary["rejectSummaryLastOffers"] if each["declined"]}
    assert reasons == {"UnfulfilledConstraint"}


def test_a_deleted_app_is_gone_with_its_tasks(local: Local) -> None:
    local.create("/web", instances=2)
    assert set(local.client.delete_app("/web")) == {"version", "deploymentId"}
    assert local.client.list_apps() == []
    local.at_rest()
    assert local.client.list_tasks() == []


def test_what_is_not_there_is_a_not_found_error_with_marathons_words(local: Local) -> None:
    local.create("/web")
    version = "2020-01-01T00:00:00.000Z"
    gone: dict[str, Callable[[], object]] = {
        "App '/gone' does not exist": lambda: local.client.get_app("/gone"),
        "Group '/gone' does not exist": lambda: local.client.get_group("/gone"),
        "Task 'gone' does not exist": lambda: local.client.kill_task("/web", "gone"),
        "DeploymentPlan gone does not exist": lambda: local.client.delete_deployment("gone"),
        f"App '/web' does not exist in version {version}": lambda: local.client.get_version("/web", version),
        "Application /web not found in tasks queue.": lambda: local.client.reset_delay("/web"),
    }
    for message, call in gone.items():
        with pytest.raises(NotFoundError) as error:
            call()
        assert error.value.error_message == message
    assert local.client.scale_app("/gone", instances=2) is None


def test_what_stands_in_the_way_is_a_conflict_error(local: Local) -> None:
    local.client.create_app("/web", MarathonApp(cmd="sleep 1000", cpus=0.1, mem=16, health_checks=[NEVER]))
    with pytest.raises(ConflictError) as error:
        local.client.create_app("/web", MarathonApp(cmd="sleep 1000", cpus=0.1, mem=16))
    assert error.value.error_message == "An app with id [/web] already exists."
    with pytest.raises(ConflictError, match="App is locked by one or more deployments") as error:
        local.client.update_app("/web", MarathonApp(cmd="sleep 2000"))
    local.client.update_app("/web", MarathonApp(cmd="sleep 2000", health_checks=[PASSING]), force=True)
    local.at_rest()
    assert local.client.get_app("/web").cmd == "sleep 2000"


def test_what_breaks_a_rule_is_an_error_with_its_place(local: Local) -> None:
    with pytest.raises(MarathonHttpError) as error:
        local.client.create_app("/web", MarathonApp(cpus=0.1, mem=16))
    assert (error.value.status_code, error.value.error_message) == (422, "Object is not valid")
    assert error.value.error_details[0]["path"] == "/"
    assert local.client.list_apps() == []

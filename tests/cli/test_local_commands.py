"""`milepost local ps|logs|deployments|events`, over the API of a real local scheduler on loopback."""

import json
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from milepost.cli import main
from support.local_commands import Commands, local_commands

pytestmark = pytest.mark.system
SLEEPER = "exec sleep 1000"


@pytest.fixture
def local(tmp_path: Path) -> Iterator[Commands]:
    with local_commands(tmp_path, "127.0.66.") as commands:
        yield commands


def test_ps_shows_where_each_task_runs_and_how_it_is(local: Commands) -> None:
    check = {"protocol": "COMMAND", "command": {"value": "true"}}
    (task,) = local.deploy({"id": "/shop/web", "cmd": SLEEPER, "healthChecks": [check], "ports": [0]})
    local.deploy({"id": "/db", "cmd": SLEEPER})
    head, row = local.call("ps", "/shop/web").stdout.splitlines()
    assert head.split() == ["APP", "STATE", "HEALTH", "NODE", "PORTS", "SINCE", "TASK"]
    ports = ",".join(map(str, task["ports"]))
    assert row.split() == ["/shop/web", "running", "healthy", task["host"], ports, task["startedAt"], task["id"]]
    assert {each["appId"] for each in json.loads(local.call("ps", "--json").stdout)} == {"/shop/web", "/db"}


def test_an_app_or_a_task_that_is_not_there_is_a_mistake_in_the_call(local: Commands) -> None:
    for arguments, said in (
        (("ps", "web"), "app /web has no task"),
        (("logs", "/web"), "app /web has no task"),
        (("logs", "web.1"), "No stdout of task 'web.1' is kept"),
        (("logs", "../tasks"), "URI not found"),
    ):
        result = local.call(*arguments)
        assert result.exit_code == 2, arguments
        assert said in result.stderr


def test_nothing_there_is_no_mistake(local: Commands) -> None:
    assert (local.call("ps").stdout, local.call("ps").stderr) == ("", "there are no tasks\n")
    assert local.call("deployments").stderr == "nothing is being deployed\n"
    assert json.loads(local.call("deployments", "--json").stdout) == []


def test_logs_are_read_from_the_task_and_from_its_app(local: Commands) -> None:
    (task,) = local.deploy({"id": "/web", "cmd": f"echo one; echo two; echo bad >&2; touch done; {SLEEPER}"})
    local.until(lambda: local.call("logs", "/web").stdout == "one\ntwo\n")
    assert local.call("logs", task["id"], "-n", "1").stdout == "two\n"
    assert local.call("logs", task["id"], "--stderr").stdout == "bad\n"


def test_following_a_log_ends_with_its_task_and_has_all_it_wrote(local: Commands) -> None:
    script = "trap 'seq 1 50000; exit 0' TERM; echo began; while :; do sleep 0.05; done"
    (task,) = local.deploy({"id": "/web", "cmd": script})
    with local.follow("logs", "-f", task["id"]) as process:
        assert process.stdout
        assert process.stdout.readline() == "began\n"
        local.client.delete(f"/v2/apps/web/tasks/{task['id']}", params={"wipe": "true"})
        lines = process.stdout.read().splitlines()
        assert process.wait() == 0
    assert lines == [str(number) for number in range(1, 50001)]


def test_deployments_are_followed_to_their_end(local: Commands, tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    check = {"protocol": "COMMAND", "command": {"value": f"test -f {ready}"}, "gracePeriodSeconds": 300}
    created = local.client.post("/v2/apps", json={"id": "/web", "cmd": SLEEPER, "healthChecks": [check]}).json()
    (deployment,) = created["deployments"]
    with local.follow("deployments", "-f") as process:
        assert process.stdout
        assert process.stdout.readline().split()[0] == "DEPLOYMENT"
        row = process.stdout.readline().split()
        assert row[:4] == [deployment["id"], "/web", "2/2", "ScaleApplication"]
        ready.touch()
        assert "deployment_success" in process.stdout.read().splitlines()[-1]
        assert process.wait() == 0


def test_a_deployment_that_fails_shows_in_the_exit_status(local: Commands) -> None:
    check = {"protocol": "COMMAND", "command": {"value": "false"}, "gracePeriodSeconds": 300}
    created = local.client.post("/v2/apps", json={"id": "/web", "cmd": SLEEPER, "healthChecks": [check]}).json()
    with local.follow("deployments", "-f") as process:
        assert process.stdout
        process.stdout.readline()
        local.client.delete(f"/v2/deployments/{created['deployments'][0]['id']}", params={"force": "true"})
        assert "deployment_failed" in process.stdout.read()
        assert process.wait() == 1


def test_events_are_shown_as_they_come_and_only_those_asked_for(local: Commands) -> None:
    with local.follow("events", "--type", "event_stream_attached", "--type", "status_update_event", "-n", "3") as shown:
        assert shown.stdout
        assert "event_stream_attached 127.0.0.1" in shown.stdout.readline()
        (task,) = local.deploy({"id": "/web", "cmd": SLEEPER})
        staged, running = shown.stdout.read().splitlines()
        assert shown.wait() == 0
    assert "status_update_event /web staging" in staged
    assert f"running {task['host']}" in running
    assert task["id"] in running


def test_events_for_programs_are_one_json_a_line_until_interrupted(local: Commands) -> None:
    with local.follow("events", "--json") as process:
        assert process.stdout
        assert json.loads(process.stdout.readline())["eventType"] == "event_stream_attached"
        process.send_signal(signal.SIGINT)
        process.stdout.read()
        assert process.wait() == 0


def test_where_no_scheduler_answers_the_command_says_what_to_do() -> None:
    result = CliRunner().invoke(main, ["local", "ps"], env={"MILEPOST_LOCAL_URL": "127.0.0.1:1"})
    assert result.exit_code == 3
    assert "no scheduler answers at http://127.0.0.1:1" in result.stderr
    assert "--url says where it runs" in result.stderr


def test_an_option_of_the_scheduler_itself_is_refused_beside_a_command() -> None:
    result = CliRunner().invoke(main, ["local", "--nodes", "2", "ps"])
    assert result.exit_code == 2
    assert "--nodes starts a scheduler; ps asks one that runs" in result.stderr


def test_ps_tells_what_waits_for_a_place_and_why(local: Commands) -> None:
    everywhere = {"id": "/web", "cmd": SLEEPER, "instances": 3, "constraints": [["hostname", "UNIQUE"]]}
    local.client.post("/v2/apps", json=everywhere)
    local.until(lambda: local.call("ps", "/web").stdout.count("running") == 2)
    assert local.call("ps").stderr == "/web waits for 1 task: UnfulfilledConstraint on 2 nodes\n"


@pytest.mark.parametrize("attribute", ["rack", "=a", "rack=", "rack=a,,b"])
def test_an_attribute_without_name_or_values_is_refused(attribute: str) -> None:
    result = CliRunner().invoke(main, ["local", "--attribute", attribute])
    assert result.exit_code == 2
    assert f"expected NAME=VALUE,..., got {attribute}" in result.stderr

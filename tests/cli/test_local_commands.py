"""`milepost local ps|logs|deployments|events`, over the API of a real local scheduler on loopback."""

import json
import re
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


@pytest.mark.parametrize("ports", ["31000", "2-1", "0-9", "1-65536", "1-2,", "a-b"])
def test_a_range_of_ports_that_is_none_is_refused(ports: str) -> None:
    result = CliRunner().invoke(main, ["local", "--ports", ports])
    assert result.exit_code == 2
    assert "expected FIRST-LAST,... within 1 to 65535" in result.stderr


@pytest.mark.parametrize("amount", ["nan", "-1", "inf", "1e+13"])
def test_an_amount_that_is_none_is_refused(amount: str) -> None:
    result = CliRunner().invoke(main, ["local", "--cpus", amount])
    assert result.exit_code == 2
    assert f"expected a number from 0 on, got {amount}" in result.stderr


def test_a_partitioned_node_loses_its_tasks_from_sight_and_not_their_processes(local: Commands) -> None:
    app = {"id": "/web", "cmd": SLEEPER, "instances": 2, "unreachableStrategy": "disabled"}
    lost = next(task for task in local.deploy(app) if task["host"] == "127.0.66.2")
    assert local.call("node", "partition", "2").stdout.splitlines()[1].split()[:3] == ["127.0.66.2", "partitioned", "1"]
    assert "unreachable" in local.call("ps").stdout
    (found,) = json.loads(local.call("node", "start", "2", "--json").stdout)[:1]
    assert (found["state"], found["tasks"], found["limits"]) == ("up", 1, None)
    assert lost["id"] in {task["id"] for task in local.tasks("/web") if task["state"] == "TASK_RUNNING"}


def test_a_stopped_node_takes_its_tasks_processes_with_it(local: Commands, tmp_path: Path) -> None:
    app = {"id": "/web", "cmd": f"echo $$ > {tmp_path}/$HOST.pid; {SLEEPER}", "instances": 2}
    local.deploy(app)
    local.until((tmp_path / "127.0.66.3.pid").exists)
    pid = int((tmp_path / "127.0.66.3.pid").read_text())
    local.call("node", "stop", "127.0.66.3")
    local.until(lambda: not Path(f"/proc/{pid}").exists())
    local.until(lambda: [task["host"] for task in local.tasks("/web")] == ["127.0.66.2"] * 2)
    assert [row.split()[1] for row in local.call("node", "list").stdout.splitlines()] == ["STATE", "up", "stopped"]


def test_a_task_is_killed_or_made_to_fail(local: Commands) -> None:
    (task,) = local.deploy({"id": "/web", "cmd": SLEEPER, "backoffSeconds": 0})
    with local.follow("events", "--type", "event_stream_attached", "--type", "status_update_event") as shown:
        assert shown.stdout
        shown.stdout.readline()
        assert "is being killed" in local.call("kill", task["id"]).stderr
        assert [shown.stdout.readline().split()[3] for _ in range(4)] == ["killing", "killed", "staging", "running"]
        (task,) = local.tasks("/web")
        assert "has been made to fail" in local.call("kill", "--crash", task["id"]).stderr
        assert "failed" in (line := shown.stdout.readline())
        assert "signal Killed" in line
    assert "is being killed" in local.call("kill", "/web").stderr


def test_faults_of_tasks_are_made_shown_and_cleared(local: Commands) -> None:
    check = {"protocol": "COMMAND", "command": {"value": "true"}}
    (task,) = local.deploy({"id": "/web", "cmd": SLEEPER, "healthChecks": [check]})
    assert local.call("fault", "list").stderr == "there are no faults\n"
    local.call("fault", "unhealthy", task["id"])
    local.until(lambda: local.call("ps", "/web").stdout.splitlines()[1].split()[2] == "unhealthy")
    shown = local.call("fault", "slow-start", "web", "2.5", "--running").stdout.splitlines()
    assert [row.split()[:3] for row in shown] == [
        ["FAULT", "OF", "HOW"],
        ["slow-start", "/web", "running"],
        ["unhealthy", task["id"], "its"],
    ]
    (left,) = json.loads(local.call("fault", "clear", task["id"], "--json").stdout)
    assert (left["of"], left["seconds"]) == ("/web", 2.5)
    assert local.call("fault", "clear").stderr == "there are no faults\n"
    local.until(lambda: local.call("ps", "/web").stdout.splitlines()[1].split()[2] == "healthy")


def test_a_restart_cuts_streams_and_refuses_connections_while_tasks_run_on(local: Commands) -> None:
    (task,) = local.deploy({"id": "/web", "cmd": SLEEPER})
    with local.follow("events") as stream:
        assert stream.stdout
        stream.stdout.readline()
        assert "comes back after 1 s" in local.call("fault", "restart", "--seconds", "1").stderr
        assert stream.wait() == 3
    local.until(lambda: local.call("ps").exit_code == 3)
    local.until(lambda: local.call("ps").exit_code == 0)
    assert [each["id"] for each in local.tasks("/web")] == [task["id"]]
    assert "no leader for 0 s" in local.call("fault", "leader", "--seconds", "0").stderr
    local.call("fault", "restart", "--seconds", "0")  # not only once
    local.until(lambda: local.call("fault", "list").exit_code == 0)


def test_without_a_leader_the_commands_say_so(local: Commands) -> None:
    assert json.loads(local.call("fault", "leader", "--seconds", "60", "--json").stdout) == {
        "leader": None,
        "seconds": 60,
    }
    result = local.call("ps")
    assert (result.exit_code, result.stderr) == (3, "milepost: Could not determine the current leader\n")
    local.call("fault", "leader", "--seconds", "0")
    assert local.call("ps").exit_code == 0


def test_faults_of_what_is_not_there_are_mistakes_in_the_call(local: Commands) -> None:
    unknown = "web.instance-00000000-0000-1000-8000-000000000000._app.1"
    for arguments in (
        ("node", "stop", "9"),
        ("kill", unknown),
        ("kill", "--crash", unknown),
        ("kill", "/no-such-app"),
        ("fault", "unhealthy", unknown),
    ):
        result = local.call(*arguments)
        assert result.exit_code == 2, arguments
        assert re.search("does not exist|has no task", result.stderr)


def test_tasks_are_kept_in_a_folder_that_is_named() -> None:
    result = CliRunner().invoke(main, ["local", "--keep-tasks"])
    assert result.exit_code == 2
    assert "--keep-tasks needs --state" in result.stderr

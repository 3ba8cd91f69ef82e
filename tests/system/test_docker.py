"""The tutorial and what an operator relies on, with a real Docker engine, in a network namespace of its own."""

import json
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.docker_site import Asker, DockerSite, docker_site, needs_docker
from support.shared import ROOT

pytestmark = [pytest.mark.system, needs_docker]

MARATHON = "http://127.0.0.1:8080"
NGINX2 = "http://127.0.0.1:10000/"
SETTINGS = """\
state_dir = "{folder}/state"
[[sources.marathon]]
urls = ["http://127.0.0.1:8080"]
[routing]
groups = ["external"]
[haproxy]
allow_bundled = true
config = "{folder}/haproxy.cfg"
bind = ["127.0.0.1"]
http_port = 0
https_port = 0
appid_port = 0
stats_port = 0
[web]
listen = "127.0.0.1:9095"
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DockerSite]:
    with docker_site(tmp_path_factory.mktemp("docker")) as site:
        yield site


@pytest.fixture
def asker(site: DockerSite) -> Iterator[Asker]:
    with site.asker() as asker:
        yield asker
    for child in list(site.children):
        site.end(child)
    assert site.containers() == []  # whatever a test did, its schedulers have cleaned up


def scheduler(site: DockerSite, asker: Asker, folder: Path, *options: str) -> Any:
    child = site.milepost("local", "--docker", site.socket, *options, log=folder / "local.log")
    asker.until(f"{MARATHON}/ping", lambda status, _: status == 200)
    return child


def deployed(asker: Asker, app_id: str) -> Any:
    """The app, once no deployment is under way and all its tasks are healthy, as far as that is checked."""

    def is_so(_: int, text: str) -> bool:
        app = json.loads(text).get("app", {})
        good = app.get("tasksHealthy" if app.get("healthChecks") else "tasksRunning")
        return "deployments" in app and not app["deployments"] and good == app["instances"]

    return json.loads(asker.until(f"{MARATHON}/v2/apps/{app_id}", is_so))["app"]


def start(asker: Asker, app: Any) -> Any:
    status, text = asker.ask(f"{MARATHON}/v2/apps", "POST", app)
    assert status == 201, text
    return deployed(asker, app["id"].strip("/"))


def test_the_tutorial_is_run_by_docker_and_survives_a_redeployment_under_traffic(
    site: DockerSite, asker: Asker, tmp_path: Path
) -> None:
    scheduler(site, asker, tmp_path)
    (tmp_path / "milepost.toml").write_text(SETTINGS.format(folder=tmp_path))
    site.milepost("run", "--config", f"{tmp_path}/milepost.toml", "--stop-proxy", log=tmp_path / "run.log")
    for name in ("nginx1", "nginx2"):
        start(asker, json.loads((ROOT / f"examples/{name}.json").read_text()))
    asker.until(NGINX2, lambda status, text: status == 200 and text.startswith("served in container "))
    assert "image nginx:1.10 is run by Docker 20." in (tmp_path / "local.log").read_text()
    before = asker.ask(NGINX2)[1]
    answers: list[tuple[int, str]] = []
    is_over = threading.Event()

    def ask_on() -> None:
        with site.asker() as client:
            while not is_over.is_set():
                answers.append(client.ask(NGINX2))

    client = threading.Thread(target=ask_on)
    client.start()
    try:
        asker.ask(f"{MARATHON}/v2/apps/nginx2", "PUT", {"env": {"COLOUR": "blue"}})
        deployed(asker, "nginx2")
        after = asker.until(NGINX2, lambda status, text: status == 200 and text != before)
    finally:
        is_over.set()
        client.join()
    assert {status for status, _ in answers} == {200}
    assert {text for _, text in answers} <= {before, after}
    assert len(site.containers()) == 2


def test_a_command_and_its_check_run_inside_the_container_and_what_it_says_can_be_read(
    site: DockerSite, asker: Asker, tmp_path: Path
) -> None:
    scheduler(site, asker, tmp_path)
    app = {
        "id": "/talker",
        "cmd": "echo to stdout; echo to stderr >&2; echo kept > $MESOS_SANDBOX/ready; hostname; exec sleep 1000",
        "cpus": 0.1,
        "container": {
            "type": "DOCKER",
            "docker": {"image": "nginx:1.10", "parameters": [{"key": "hostname", "value": "talker"}]},
        },
        "networks": [{"mode": "container/bridge"}],
        "healthChecks": [
            {"protocol": "COMMAND", "command": {"value": "test -e /nginx.conf && grep kept $MESOS_SANDBOX/ready"}}
        ],
        "taskKillGracePeriodSeconds": 0,
    }
    start(asker, app)
    assert site.told("local", "logs", "/talker") == "to stdout\ntalker\n"
    assert site.told("local", "logs", "/talker", "--stderr") == "to stderr\n"


def test_what_the_engine_refuses_is_read_in_the_apps_last_failure(
    site: DockerSite, asker: Asker, tmp_path: Path
) -> None:
    scheduler(site, asker, tmp_path)
    app = {"id": "/lost", "container": {"type": "DOCKER", "docker": {"image": "nginx:1.10"}}, "cpus": 0.1}
    network = [{"mode": "container", "name": "nowhere"}]
    assert asker.ask(f"{MARATHON}/v2/apps", "POST", {**app, "networks": network})[0] == 201
    told = asker.until(f"{MARATHON}/v2/apps/lost", lambda _, text: "lastTaskFailure" in json.loads(text)["app"])
    assert "network nowhere not found" in json.loads(told)["app"]["lastTaskFailure"]["message"]


def test_containers_of_a_scheduler_that_was_killed_outright_are_gone_after_the_next_start(
    site: DockerSite, asker: Asker, tmp_path: Path
) -> None:
    first = scheduler(site, asker, tmp_path)
    start(asker, json.loads((ROOT / "examples/nginx2.json").read_text()))
    site.end(first, signal.SIGKILL)
    assert len(site.containers()) == 1
    scheduler(site, asker, tmp_path)
    assert site.containers() == []


def test_a_container_that_is_kept_goes_on_under_the_next_scheduler(
    site: DockerSite, asker: Asker, tmp_path: Path
) -> None:
    options = ("--state", str(tmp_path / "cluster"), "--keep-tasks")
    first = scheduler(site, asker, tmp_path, *options)
    before = start(asker, json.loads((ROOT / "examples/nginx2.json").read_text()))["tasks"]
    site.end(first, signal.SIGKILL)
    scheduler(site, asker, tmp_path, *options)
    after = deployed(asker, "nginx2")["tasks"]
    assert [task["id"] for task in after] == [task["id"] for task in before]
    assert "GET / " in site.told("local", "logs", "/nginx2")
    asker.ask(f"{MARATHON}/v2/apps/nginx2", "DELETE")
    asker.until(f"{MARATHON}/v2/deployments", lambda _, text: text == "[]")

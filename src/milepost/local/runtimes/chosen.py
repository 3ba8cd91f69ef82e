"""Which runtime runs a task: images are Docker's where there is an engine, all else are processes of this machine."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from milepost.errors import MilepostError
from milepost.local.runtimes.base import Control, Runtime
from milepost.local.runtimes.docker.api import EngineError, EngineGone
from milepost.local.runtimes.docker.containers import Containers
from milepost.local.runtimes.docker.owner import Owner
from milepost.local.runtimes.docker.where import find_engine
from milepost.local.runtimes.sandboxes import Sandboxes
from milepost.local.scheduler.effects import LaunchTask, PortTaken, Survivor, TaskEnded


@dataclass(frozen=True, slots=True)
class Images:
    """What runs images: `containers`, or the catalogue for the reason `why`.

    All tasks have their `sandboxes`. `survivors` are tasks that an earlier scheduler left in containers and that go on.
    """

    sandboxes: Sandboxes
    containers: Containers | None
    why: str
    survivors: tuple[Survivor, ...] = ()

    def __str__(self) -> str:
        return str(self.containers) if self.containers else f"the local catalogue: {self.why}"


@asynccontextmanager
async def images(docker: str, folder: Path, notice_s: float, *, keeps_tasks: bool) -> AsyncIterator[Images]:
    """Find the engine of the choice `docker` (see `find_engine`) and take stock of what earlier schedulers left there.

    It can be asked during the block. Raises MilepostError if a socket was named and its engine does not answer.
    """
    found, sandboxes = await find_engine(docker), Sandboxes(folder / "tasks")
    if isinstance(found, str):
        yield Images(sandboxes, None, found)
        return
    api, version = found
    containers = Containers(api, version, Owner(folder, keeps_tasks), sandboxes, notice_s)
    try:
        yield Images(sandboxes, containers, "", tuple(await _survivors(containers)))
    finally:
        await api.aclose()


async def _survivors(containers: Containers) -> list[Survivor]:
    try:
        return await containers.find()
    except (EngineError, EngineGone) as error:
        raise MilepostError(f"{error}; nothing was started") from error


@dataclass(frozen=True, slots=True)
class ChosenRuntime:
    """Hands each task to the runtime that runs its kind."""

    images: Images
    processes: Runtime

    async def run(self, launch: LaunchTask, control: Control) -> TaskEnded | PortTaken:
        """See `Runtime`."""
        return await self._for(launch).run(launch, control)

    async def check(self, launch: LaunchTask, command: str) -> int:
        """See `Runtime`."""
        return await self._for(launch).check(launch, command)

    def _for(self, launch: LaunchTask) -> Runtime:
        return (launch.definition.image and self.images.containers) or self.processes

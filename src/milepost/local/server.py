"""`milepost local`: the whole scheduler as one async function."""

import random
import uuid
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import anyio
import structlog

from milepost.controller.garbage import rare_searches
from milepost.errors import MilepostError
from milepost.local.api.application import application
from milepost.local.control.application import control
from milepost.local.engine import Engine
from milepost.local.folder import own_folder
from milepost.local.hub import KEEP_ALIVE_S, Hub
from milepost.local.listener import listening
from milepost.local.outages import Outages
from milepost.local.probes import Prober
from milepost.local.runtimes import nginx
from milepost.local.runtimes.base import Runtime
from milepost.local.runtimes.chosen import ChosenRuntime, Images, images
from milepost.local.runtimes.docker.where import OFF
from milepost.local.runtimes.guardian import Guardian
from milepost.local.runtimes.kept import KeptTasks
from milepost.local.runtimes.local import LocalRuntime
from milepost.local.runtimes.process import Processes
from milepost.local.scheduler.cluster import Chance, Cluster
from milepost.local.scheduler.effects import Survivor
from milepost.local.scheduler.nodes import Equipment, Node
from milepost.local.scheduler.restore import restore
from milepost.local.serving import serve
from milepost.local.state.store import Store, opened

NODE_PREFIX = "127.0.59."
NOTICE_S = 0.3
MAX_NODES = 254
PLAIN = Equipment()
_log = structlog.get_logger()


async def serve_local(
    listen_host: str,
    listen_port: int,
    *,
    nodes: int = 1,
    state_dir: Path | None = None,
    keeps_tasks: bool = False,
    equipment: Equipment = PLAIN,
    node_prefix: str = NODE_PREFIX,
    notice_s: float = NOTICE_S,
    docker: str = OFF,
    started: Callable[[str], None] | None = None,
) -> None:
    """Serve Marathon's API at `listen_host:listen_port` (port 0: any free one) and run the apps, until cancelled
    or until a client takes its leadership away.

    `nodes` addresses `<node_prefix>1` ... take tasks, the first only if it is alone: it is the balancer's. Those that
    do have their parts of `equipment`. The state is kept in `state_dir` and comes back from there; without one all is
    temporary. A task that is to end goes on serving for `notice_s` seconds after that was announced. Images are run as
    `docker` says: by the engine at this path of a socket, by one that is found ("auto"), or by the catalogue ("off").
    `started(url)` is called once the API answers. On leaving, all tasks are ended and only the state is left;
    with `keeps_tasks` they run on, however we end, until the next scheduler of this `state_dir` takes them over.

    Raises MilepostError if the address or `state_dir` is in use, `nodes` is not 1 to 254, the state cannot be used, or
    a named engine does not answer.
    """
    leaving = anyio.Event()
    addresses = _node_addresses(node_prefix, nodes)
    places = tuple(equipment.node(address, index) for index, address in enumerate(addresses))
    with (
        rare_searches(),
        listening(listen_host, listen_port) as listener,
        own_folder(state_dir, keeps_tasks=keeps_tasks) as folder,
        opened(folder if state_dir else None) as store,
    ):
        address = f"{listen_host}:{listener.getsockname()[1]}"
        saved = store.load()
        async with images(docker, folder, notice_s, keeps_tasks=keeps_tasks) as found:
            kept, survivors = _kept(folder, found.survivors, keeps_tasks=keeps_tasks)
            temporary = None if state_dir else folder
            async with (
                _runtime(folder, found, kept, temporary, notice_s) as runtime,
                _engine(places, runtime, store) as engine,
            ):
                engine.command(restore, saved, survivors)
                outages = Outages(engine.hub)
                app = application(engine, address, leaving.set)
                app.mount("/local", control(engine, found, outages))
                tell = partial(_tell, started, address, found)
                await serve(app, listener, listen_host, engine.hub, outages, leaving, tell)


def _tell(started: Callable[[str], None] | None, address: str, found: Images) -> None:
    if started:
        started(f"http://{address}")
    _log.info("images", run_by=str(found))


@asynccontextmanager
async def _runtime(
    folder: Path, found: Images, kept: KeptTasks | None, temporary: Path | None, notice_s: float
) -> AsyncIterator[Runtime]:
    """What runs the tasks; they are ended also if we are killed, unless they are `kept`, and their checks always."""
    with Guardian(folder / "sessions", temporary) as guardian:
        processes = Processes(None if kept else guardian, notice_s)
        nginx_here = await anyio.to_thread.run_sync(nginx.find)
        yield ChosenRuntime(found, LocalRuntime(found.sandboxes, processes, nginx_here, kept, guardian))


def _kept(
    folder: Path, in_containers: Sequence[Survivor], *, keeps_tasks: bool
) -> tuple[KeptTasks | None, list[Survivor]]:
    """Where processes are kept, if they are, and all tasks that still run; otherwise the processes are ended."""
    kept = KeptTasks(folder / "kept")
    survivors = kept.find(folder / "tasks", [each.task_id for each in in_containers])
    if keeps_tasks:
        return kept, [*survivors, *in_containers]
    kept.end()
    return None, []


@asynccontextmanager
async def _engine(nodes: tuple[Node, ...], runtime: Runtime, store: Store) -> AsyncIterator[Engine]:
    """An engine whose tasks all end with the block."""
    cluster = Cluster(nodes, Chance(lambda: str(uuid.uuid1()), random.randrange))
    prober = Prober()
    try:
        async with anyio.create_task_group() as tasks:
            engine = Engine(cluster, runtime, prober, store, Hub(), tasks)
            tasks.start_soon(_keep_alive, engine.hub)
            yield engine
            tasks.cancel_scope.cancel()
    finally:
        with anyio.CancelScope(shield=True):
            await prober.aclose()


async def _keep_alive(hub: Hub) -> None:
    while True:
        await anyio.sleep(KEEP_ALIVE_S)
        hub.keep_alive()


def _node_addresses(prefix: str, nodes: int) -> list[str]:
    if not 1 <= nodes <= MAX_NODES:
        raise MilepostError(f"there can be 1 to {MAX_NODES} nodes, not {nodes}")
    return [f"{prefix}{number}" for number in range(2 if nodes > 1 else 1, nodes + 1)]

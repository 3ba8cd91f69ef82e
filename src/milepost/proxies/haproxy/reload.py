"""A reload, and the earliest moment at which the new worker is seen to be there.

The new worker answers before the master does: 30 ms with a few backends, 150 ms with thousands. In that time it serves
with the servers that the file has, so each millisecond counts in which news could reach it already.
"""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import anyio

from milepost.errors import ConfigRefused, ProxyError, ProxyGone
from milepost.proxies.haproxy.actual import Actual
from milepost.proxies.haproxy.master import MasterSocket
from milepost.proxies.haproxy.observe import Info
from milepost.proxies.haproxy.process import wait_for_death
from milepost.proxies.haproxy.reader import read_info
from milepost.proxies.haproxy.runtime import AdminSocket

_POLL_S = 0.005
_WORKER_LIMIT_S = 10.0


async def reload(master: MasterSocket, admin: Path, worker: int, limit_s: float, *, mortal: int | None = None) -> int:
    """Let HAProxy read its file anew; returns the pid of the worker that replaces `worker`.

    `admin` is the path of the admin socket. `mortal` is the pid of the master where it runs among our processes: its
    death is seen at once.

    Raises ConfigRefused where the new worker did not start, ProxyGone where HAProxy died, ProxyError where nothing was
    seen within `limit_s` seconds. In all of them `worker` may still serve.
    """
    ways: list[Callable[[], Awaitable[int]]] = [partial(master.reload, limit_s), partial(_successor, admin, worker)]
    if mortal is not None:
        ways.append(partial(_death, mortal))
    return await _first(ways)


async def confirmed(admin: AdminSocket, runs: Actual, pid: int, config: Path) -> Actual:
    """`runs`, what the file `config` says, once the worker `pid` is seen to run it.

    Raises ConfigRefused where it runs another structure, ProxyError where it does not answer in time.
    """
    await admin.close()  # it leads to the worker that was replaced
    with anyio.move_on_after(_WORKER_LIMIT_S):
        while (info := await _info_of(admin, pid)) is None:
            await anyio.sleep(_POLL_S)
        if info.digest != runs.digest:
            raise ConfigRefused(f"HAProxy runs another configuration after its reload: is it started with {config}?")
        return replace(runs, pid=pid, version=info.version)
    raise ProxyError(f"the new HAProxy worker {pid} does not answer at {admin.path}")


async def _info_of(admin: AdminSocket, pid: int) -> Info | None:
    """What the worker `pid` says of itself, None while another one answers or none."""
    try:
        info = await read_info(admin)
    except ProxyGone:
        return None  # between two workers nobody may answer for an instant
    if info.pid == pid:
        return info
    await admin.close()
    return None


async def _successor(admin: Path, worker: int) -> int:
    """The pid of another worker than `worker`, once one answers."""
    while True:
        asked = AdminSocket(admin)  # a new connection each time: a kept one stays with the worker that took it
        try:
            info = await read_info(asked)
        except ProxyError:
            pass  # whether there will be one, the master tells
        else:
            if info.pid != worker:
                return info.pid
        finally:
            await asked.close()
        await anyio.sleep(_POLL_S)


async def _death(master: int) -> int:
    await wait_for_death(master)
    raise ProxyGone("HAProxy died during a reload")


async def _first(ways: list[Callable[[], Awaitable[int]]]) -> int:
    """What the first of them to end comes to; the others are let go."""
    results: list[int | ProxyError] = []

    async def go(way: Callable[[], Awaitable[int]]) -> None:
        try:
            results.append(await way())
        except ProxyError as error:
            results.append(error)
        tasks.cancel_scope.cancel()

    async with anyio.create_task_group() as tasks:
        for way in ways:
            tasks.start_soon(go, way)
    if isinstance(results[0], ProxyError):
        raise results[0]
    return results[0]

"""Clients that keep asking until they are cancelled, and write down what came of it."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence

from bench.soak.cells import Cell, Ledger
from bench.soak.h2 import Http2
from bench.soak.links import Door, Http1, Link, Lost, Post, Unheard, Websocket

PATIENCE_S = 20.0
CONNECT: Mapping[str, Callable[[Door], Awaitable[Link]]] = {
    "get": Http1.connect,
    "post": Post.connect,
    "tls": Http1.connect,
    "h2": Http2.connect,
    "websocket": Websocket.connect,
}
OVER_TLS = frozenset({"tls", "h2"})


async def keep_asking(cell: Cell, doors: Sequence[Door], ledger: Ledger, think_s: float) -> None:
    """Ask at one of `doors` after another, with a pause of `think_s` on average."""
    link: Link | None = None
    door = random.choice(doors)
    try:
        while True:
            if link is None or link.is_over or cell.connection == "new":
                if link:
                    link.close()
                door = random.choice(doors)
                link = await _connected(cell, door, ledger)
            if link and not await _ask(link, cell, door, ledger):
                link.close()
                link = None
            await asyncio.sleep(random.expovariate(1 / think_s))
    finally:
        if link:
            link.close()


async def _connected(cell: Cell, door: Door, ledger: Ledger) -> Link | None:
    try:
        async with asyncio.timeout(PATIENCE_S):
            return await CONNECT[cell.traffic](door)
    except (OSError, EOFError, TimeoutError) as error:
        ledger.failed(cell, door.app_id, 0, error)
        return None


async def _ask(link: Link, cell: Cell, door: Door, ledger: Ledger) -> bool:
    """Whether the connection may be used again."""
    number = ledger.number()
    try:
        async with asyncio.timeout(PATIENCE_S):
            answer = await link.ask(number)
    except Unheard:
        return False
    except (OSError, EOFError, TimeoutError, Lost) as error:
        ledger.failed(cell, door.app_id, link.number, error)
        return False
    ledger.answered(cell, door.app_id, answer)
    return True

"""The admin socket: prompts are counted, answers stay in order, and every failure says so and starts anew."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import pytest
from anyio.abc import SocketStream

from milepost.errors import ProxyError, ProxyGone
from milepost.proxies.haproxy.binary import Binary
from milepost.proxies.haproxy.runtime import AdminSocket
from support.haproxy import each_haproxy, free_ports, reach, stage, table_of

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def worker_that_sends(path: Path, *pieces: bytes | None) -> AsyncIterator[AdminSocket]:
    """Answers `prompt` and `set timeout cli`, then sends one piece per read; None closes the connection."""

    async def serve(stream: SocketStream) -> None:
        async with stream:
            for piece in (b"\n> ", b"\n> ", *pieces):
                await stream.receive()
                if piece is None:
                    return
                await stream.send(piece)
            await anyio.sleep_forever()

    async with anyio.create_task_group() as group, await anyio.create_unix_listener(path) as listener:
        group.start_soon(listener.serve, serve)
        admin = AdminSocket(path, timeout_s=0.2)
        yield admin
        await admin.close()
        group.cancel_scope.cancel()


async def test_answers_are_told_apart_by_their_prompts(tmp_path: Path) -> None:
    answers = b"New server registered.\n\n> \n> Server deleted.\n> one\ntwo > three\n\n> "
    async with worker_that_sends(tmp_path / "a.sock", answers) as admin:
        assert await admin.ask(["a", "b", "c", "d"]) == [
            "New server registered.",
            "",
            "Server deleted.",
            "one\ntwo > three",
        ]


async def test_no_answer_in_time_is_an_error(tmp_path: Path) -> None:
    async with worker_that_sends(tmp_path / "a.sock", b"half an answ") as admin:
        with pytest.raises(ProxyError, match=r"did not answer within 0\.2 s"):
            await admin.ask(["show info"])


async def test_a_worker_that_goes_is_an_error_and_the_next_question_asks_the_next_one(tmp_path: Path) -> None:
    async with worker_that_sends(tmp_path / "a.sock", None) as admin:
        with pytest.raises(ProxyGone, match="the connection was closed"):
            await admin.ask(["show info"])
    async with worker_that_sends(tmp_path / "b.sock", b"yes\n\n> ") as other:
        admin.path = other.path
        assert await admin.ask(["show info"]) == ["yes"]
        await admin.close()


@pytest.mark.parametrize("is_there", [False, True], ids=["no socket", "a socket that nobody has"])
async def test_where_nobody_listens_no_haproxy_runs(tmp_path: Path, is_there: bool) -> None:
    path = tmp_path / "a.sock"
    if is_there:
        async with await anyio.create_unix_listener(path):
            pass
    with pytest.raises(ProxyGone, match="no HAProxy answers at its admin socket"):
        await AdminSocket(path).ask(["show info"])


async def test_a_question_that_was_given_up_spoils_no_later_answer(tmp_path: Path) -> None:
    async with worker_that_sends(tmp_path / "a.sock", b"yes\n\n> ") as admin:
        with anyio.move_on_after(0):
            await admin.ask(["show info"])
        assert await admin.ask(["show info"]) == ["yes"]


@pytest.mark.system
@each_haproxy
@pytest.mark.parametrize("size", [10, 3_000])
async def test_thousands_of_commands_are_answered_in_order(binary: Binary, tmp_path: Path, size: int) -> None:
    (port,) = free_ports(1)
    async with stage(binary, tmp_path) as at:
        await reach(at.proxy(), table_of(("/web", port, ())))
        admin = AdminSocket(at.places.admin_socket)
        path = at.designer.map_path
        added = await admin.ask([f"add map {path} k{number} v{number}" for number in range(size)])
        asked = await admin.ask([f"get map {path} k{number}" for number in range(size)])
        await admin.close()
        assert added == [""] * size
        assert [f'value="v{number}"' in answer for number, answer in enumerate(asked)] == [True] * size


@pytest.mark.system
@each_haproxy
async def test_escaped_words_reach_haproxy_as_one(binary: Binary, tmp_path: Path) -> None:
    (port,) = free_ports(1)
    async with stage(binary, tmp_path) as at:
        proxy, table = at.proxy(), table_of(("/web", port, ()))
        await reach(proxy, table)
        at.designer.hosts = {"a;show\\info": f"web_{port}"}
        outcome = await reach(proxy, table)
        assert (await proxy.observe()).maps == outcome.actual.maps
        at.designer.hosts = {}
        await reach(proxy, table)
        assert (await proxy.observe()).maps == {at.designer.map_path: {}}

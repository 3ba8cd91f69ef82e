"""A task of the soak tells of each connection that its end cuts; one that it cannot tell of is never made."""

import asyncio
import errno
import select
import socket

import pytest

from bench.soak.tasks import SoakTask

HOST = "127.81.9.1"


def is_connected(client: socket.socket) -> bool:
    return bool(select.select([], [client], [], 0.05)[1])


async def connected_at_the_last_instant(monkeypatch: pytest.MonkeyPatch, *, ends: bool) -> bool:
    """Whether a client is connected that comes after the task's last look at its listener and before that is closed."""
    found: list[bool] = []
    with socket.socket() as free:
        free.bind((HOST, 0))
        port = free.getsockname()[1]
    task = SoakTask("web", HOST, port, set())
    look = task._accept
    with socket.socket() as client:
        client.settimeout(0)

        def then_connect() -> None:
            look()
            assert client.connect_ex((HOST, port)) == errno.EINPROGRESS
            found.append(is_connected(client))

        monkeypatch.setattr(task, "_accept", then_connect)
        if ends:
            task.kill()
        else:
            then_connect()
            monkeypatch.undo()
            task.kill()
        task.forget()
    return found[0]


def test_a_connection_after_the_last_look_is_not_made(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not asyncio.run(connected_at_the_last_instant(monkeypatch, ends=True))


def test_before_the_end_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    assert asyncio.run(connected_at_the_last_instant(monkeypatch, ends=False))

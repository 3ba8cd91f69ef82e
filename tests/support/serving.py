"""milepost's HTTP API over a board, served from a thread, for commands that ask a running milepost."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from anyio.from_thread import start_blocking_portal
from starlette.applications import Starlette

from milepost.controller.board import Board
from milepost.observability.metrics import Metrics
from milepost.web.app import Commands, Counted, make_app
from milepost.web.server import serve_web


@dataclass(frozen=True)
class TextView:
    """A proxy whose desired value is its own text and whose actual value is its own table of states."""

    def config_text(self, desired: Any) -> str:
        return str(desired)

    def structure_digest(self, desired: Any) -> str:
        return f"digest of {len(desired)}"

    def parts(self, desired: Any) -> Iterator[str]:
        yield str(desired)

    def server_states(self, actual: Any) -> Mapping[str, Mapping[str, str]]:
        states: Mapping[str, Mapping[str, str]] = actual
        return states

    def versions(self) -> Mapping[str, str]:
        return {"haproxy": "2.6.12", "openssl": "OpenSSL 3.0.17"}


async def no_servers(service: str) -> Sequence[Counted]:
    """Of a proxy without any server."""
    return ()


@contextmanager
def serving(board: Board) -> Iterator[str]:
    """ "host:port" where milepost's API over `board` answers inside the block."""
    with served(
        make_app(board, TextView(), Metrics(board), Commands(lambda: None, lambda: None, no_servers))
    ) as address:
        yield address


@contextmanager
def served(app: Starlette) -> Iterator[str]:
    """ "host:port" where `app` answers inside the block."""
    with start_blocking_portal() as portal:

        async def serve(*, task_status: Any) -> None:
            await serve_web(app, "127.0.0.1", 0, lambda host, port: task_status.started(f"{host}:{port}"))

        future, address = portal.start_task(serve)
        try:
            yield address
        finally:
            future.cancel()

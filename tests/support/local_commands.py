"""A running local scheduler, and `milepost local` commands that speak to it."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from subprocess import PIPE, Popen
from time import monotonic, sleep
from typing import Any

import httpx2
from anyio.from_thread import start_blocking_portal
from click.testing import CliRunner, Result
from structlog.testing import capture_logs

from milepost.cli import main
from support.local_server import DEADLINE_S, local_server


@dataclass(frozen=True)
class Commands:
    """`client` speaks to the scheduler at `url` directly."""

    url: str
    client: httpx2.Client

    def call(self, *arguments: str) -> Result:
        """One command, in this process."""
        return CliRunner().invoke(main, ["local", *arguments, "--url", self.url], catch_exceptions=False)

    @contextmanager
    def follow(self, *arguments: str) -> Iterator[Popen[str]]:
        """A command that goes on, as a process of its own."""
        argv = [sys.executable, "-m", "milepost", "local", *arguments, "--url", self.url]
        with Popen(argv, stdout=PIPE, text=True) as process:
            try:
                yield process
            finally:
                process.kill()

    def deploy(self, app: dict[str, Any]) -> list[dict[str, Any]]:
        """Create the app; its tasks, once all of them run."""
        answer = self.client.post("/v2/apps", json=app)
        assert answer.status_code == 201, answer.text
        self.until(lambda: not self.client.get("/v2/deployments").json())
        return self.tasks(app["id"])

    def tasks(self, app_id: str) -> list[dict[str, Any]]:
        return list(self.client.get(f"/v2/apps{app_id}/tasks").json()["tasks"])

    def until(self, holds: Callable[[], bool]) -> None:
        deadline = monotonic() + DEADLINE_S
        while not holds():
            assert monotonic() < deadline, "it did not come true in time"
            sleep(0.02)


@contextmanager
def local_commands(state_dir: Path, node_prefix: str) -> Iterator[Commands]:
    """Three nodes, of which two take tasks. What the scheduler logs, in this process, is no output of a command."""
    with (
        capture_logs(),
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(local_server(state_dir, 3, node_prefix)) as url,
        httpx2.Client(base_url=url, timeout=DEADLINE_S, trust_env=False) as client,
    ):
        yield Commands(url, client)

"""`milepost local` as a process of its own, and the public client library `marathon` that speaks to it."""

import collections.abc
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from subprocess import DEVNULL, PIPE, Popen
from threading import Event, Thread
from time import monotonic, sleep
from typing import Any

import marathon.util
import pytest
import requests
from marathon import MarathonClient
from marathon.models import MarathonApp, MarathonHealthCheck, MarathonTask

from support.local_server import DEADLINE_S

PASSING = MarathonHealthCheck(protocol="COMMAND", command="true")
NEVER = MarathonHealthCheck(protocol="COMMAND", command="false")
# The library logs by a name that Python has given up, also where it reads a COMMAND check.
OLD_LOGGING = pytest.mark.filterwarnings("ignore:The 'warn' (method|function) is deprecated:DeprecationWarning")

marathon.util.collections = collections.abc  # it looks for `Iterable` where Python before 3.10 had it


@dataclass(frozen=True)
class Stream:
    """The event objects that the library made of a stream."""

    events: list[Any] = field(default_factory=list)

    def told(self, kind: type) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]


@dataclass(frozen=True)
class Local:
    """A scheduler that runs, and the library's client for it."""

    url: str
    client: MarathonClient
    process: Popen[str]

    def until(self, holds: Callable[[], Any]) -> Any:
        """What `holds` gives once it is true."""
        deadline = monotonic() + DEADLINE_S
        while not (found := holds()):
            assert monotonic() < deadline, "it did not come true in time"
            sleep(0.02)
        return found

    def at_rest(self) -> None:
        """Wait until no deployment is under way."""
        self.until(lambda: not self.client.list_deployments())

    def create(self, app_id: str, **members: Any) -> MarathonApp:
        """The app once all its tasks run; it sleeps if nothing else is said."""
        described = MarathonApp(**{"cmd": "sleep 1000", "cpus": 0.1, "mem": 16, **members})
        assert self.client.create_app(app_id, described)
        self.at_rest()
        return self.client.get_app(app_id)

    def ids(self, **query: Any) -> list[str]:
        """Of the apps that the list has for this query."""
        return sorted(app.id for app in self.client.list_apps(**query))

    def running(self, app_id: str) -> list[MarathonTask]:
        return [task for task in self.client.list_tasks(app_id) if task.state == "TASK_RUNNING"]

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(DEADLINE_S)

    @contextmanager
    def listening(self, *types: type | str) -> Iterator[Stream]:
        """The library reads blocks of 512 bytes and waits for each without limit: what was told is whole only after the
        block, at whose end the scheduler is stopped, and the stream with it.
        """
        opened, found = Event(), Stream()
        with requests.Session() as session:
            session.trust_env = False
            session.hooks["response"].append(lambda *_, **__: opened.set())
            client = MarathonClient(self.url, sse_session=session)
            reader = Thread(target=lambda: found.events.extend(client.event_stream(event_types=types)), daemon=True)
            reader.start()
            assert opened.wait(DEADLINE_S), "the stream did not open in time"
            yield found
            self.stop()
            reader.join(DEADLINE_S)
            assert not reader.is_alive(), "the stream did not end with the scheduler"


@contextmanager
def local_process() -> Iterator[Local]:
    """The scheduler runs during the block. Two of its three nodes take tasks."""
    argv = [sys.executable, "-m", "milepost", "local", "--listen", "127.0.0.1:0"]
    with Popen(argv, stdout=DEVNULL, stderr=PIPE, text=True) as process, requests.Session() as session:
        session.trust_env = False
        try:
            assert process.stderr
            url = process.stderr.readline().split()[-1]
            Thread(target=process.stderr.read, daemon=True).start()  # its log must not fill the pipe
            yield Local(url, MarathonClient(url, timeout=DEADLINE_S, session=session), process)
        finally:
            process.terminate()

"""The running local scheduler, asked over HTTP."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar
from urllib.parse import quote

import click
import httpx2
import msgspec

from milepost.errors import MilepostError

CommandT = TypeVar("CommandT", bound=Callable[..., Any])
DEFAULT_URL = "http://127.0.0.1:8080"
_TIMEOUT_S = 20.0
_SILENCE_S = 30.0  # the stream carries a line every ten seconds, however quiet the cluster is
_NOT_FOUND = 404


class Unknown(MilepostError):
    """The app, task or node that was asked for is not there; a mistake in the call."""

    exit_code: ClassVar[int] = 2


@dataclass(frozen=True, slots=True)
class Output:
    """A piece of what a task wrote, and whether nothing will follow it because the task has ended."""

    data: bytes
    is_ended: bool


@dataclass(frozen=True, slots=True)
class LocalScheduler:
    """The scheduler at `url`. Methods raise MilepostError where none answers, Unknown for what it does not have."""

    url: str

    def tasks(self) -> list[dict[str, Any]]:
        return list(self._read("/v2/tasks")["tasks"])

    def task_named(self, name: str) -> str:
        """The id of a task: `name` itself or, where that is an app's (it begins with a slash), its latest task."""
        if not name.startswith("/"):
            return name
        of_app = [task for task in self.tasks() if task["appId"] == name]
        if not of_app:
            raise Unknown(f"app {name} has no task at {self.url}")
        return str(max(of_app, key=lambda task: task.get("stagedAt", ""))["id"])

    def deployments(self) -> list[dict[str, Any]]:
        return list(self._read("/v2/deployments"))

    def waiting(self, app_id: str = "") -> list[dict[str, Any]]:
        """The queue's entries: of one app, or of all."""
        return [each for each in self._read("/v2/queue")["queue"] if app_id in ("", each["app"]["id"])]

    def output(self, task_id: str, name: str, start: int) -> Output:
        """What the task wrote to `name` (stdout or stderr) from byte `start` on, at most a piece of it."""
        answer = self._ask("GET", f"/local/tasks/{quote(task_id, safe='')}/output/{name}", {"from": start})
        return Output(answer.content, answer.headers.get("Task-Ended") == "true")

    def kill(self, task_id: str) -> None:
        """Ask Marathon's way."""
        answer = self._ask("POST", "/v2/tasks/delete", body={"ids": [task_id]})
        if not msgspec.json.decode(answer.content)["tasks"]:
            raise Unknown(f"task {task_id} does not exist at {self.url}")

    def crash(self, task_id: str) -> None:
        self._ask("POST", f"/local/tasks/{quote(task_id, safe='')}/crash")

    def nodes(self) -> list[dict[str, Any]]:
        return list(self._read("/local/nodes")["nodes"])

    def change_node(self, name: str, act: str) -> list[dict[str, Any]]:
        """All nodes after `act`: stop, start or partition."""
        answer = self._ask("POST", f"/local/nodes/{quote(name, safe='')}/{act}")
        return list(msgspec.json.decode(answer.content)["nodes"])

    def faults(self) -> list[dict[str, Any]]:
        return list(self._read("/local/faults")["faults"])

    def make_fault(self, kind: str, **body: object) -> list[dict[str, Any]]:
        """Slow start or failing health, with what its path takes; all faults after it."""
        answer = self._ask("POST", f"/local/faults/{kind}", body=body)
        return list(msgspec.json.decode(answer.content)["faults"])

    def clear_faults(self, name: str | None) -> list[dict[str, Any]]:
        """Those of an app or a task, or all; what is left."""
        answer = self._ask("DELETE", "/local/faults", {"of": name} if name else None)
        return list(msgspec.json.decode(answer.content)["faults"])

    def make_outage(self, kind: str, seconds: float) -> dict[str, Any]:
        """Of the scheduler's API: by a restart, or for want of a leader."""
        return dict(msgspec.json.decode(self._ask("POST", f"/local/faults/{kind}", body={"seconds": seconds}).content))

    @contextmanager
    def events(self, types: Sequence[str] = ()) -> Iterator[Iterator[dict[str, Any]]]:
        """The bodies of all events from now on, plans without trees; only those of `types`, if any are named.

        The listener is known to the scheduler once the block begins.
        """
        query = {"plan-format": "light", "event_type": list(types)}
        headers = {"Accept": "text/event-stream"}
        timeout = httpx2.Timeout(_TIMEOUT_S, read=_SILENCE_S)
        with (
            self._telling(),
            httpx2.stream(
                "GET", f"{self.url}/v2/events", params=query, headers=headers, timeout=timeout, trust_env=False
            ) as stream,
        ):
            self._check(stream)
            yield self._bodies(stream)

    def _bodies(self, stream: httpx2.Response) -> Iterator[dict[str, Any]]:
        """Each event is one line of type and one of data."""
        for line in stream.iter_lines():
            if line.startswith("data:"):
                yield msgspec.json.decode(line[len("data:") :])
        raise MilepostError(f"the scheduler at {self.url} has ended the stream of events")

    def _read(self, path: str) -> Any:
        try:
            return msgspec.json.decode(self._ask("GET", path).content)
        except msgspec.DecodeError as error:
            raise MilepostError(f"{self.url}{path} answers with no JSON; is that a Marathon?") from error

    def _ask(self, method: str, path: str, query: dict[str, Any] | None = None, body: object = None) -> httpx2.Response:
        with self._telling():
            # Proxies of the environment are for the world outside; the local scheduler is asked directly.
            answer = httpx2.request(
                method, self.url + path, params=query, json=body, timeout=_TIMEOUT_S, trust_env=False
            )
        self._check(answer)
        return answer

    @contextmanager
    def _telling(self) -> Iterator[None]:
        try:
            yield
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            words = str(error) or type(error).__name__
            raise MilepostError(
                f"no scheduler answers at {self.url} ({words}): --url says where it runs, `milepost local` starts one"
            ) from error

    def _check(self, answer: httpx2.Response) -> None:
        if answer.is_success:
            return
        try:
            message = msgspec.json.decode(answer.read())["message"]
        except (msgspec.DecodeError, KeyError, TypeError):
            message = f"{answer.url} answered {answer.status_code}; is that a local scheduler?"
        raise (Unknown if answer.status_code == _NOT_FOUND else MilepostError)(message)


def scheduler_option(command: CommandT) -> CommandT:
    """Give a command `--url`; it gets `scheduler`."""
    return click.option(
        "--url",
        "scheduler",
        type=_At(),
        envvar="MILEPOST_LOCAL_URL",
        default=DEFAULT_URL,
        show_default=True,
        show_envvar=True,
        metavar="URL",
        help="Where the local scheduler answers.",
    )(command)


class _At(click.ParamType[LocalScheduler]):
    name = "url"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> LocalScheduler:
        if isinstance(value, LocalScheduler):
            return value
        return LocalScheduler((value if "://" in value else f"http://{value}").rstrip("/"))

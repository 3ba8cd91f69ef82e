"""The running milepost, asked through its HTTP API."""

import re
from dataclasses import dataclass
from typing import ClassVar, TypeVar

import httpx2
import msgspec

from milepost.controller.explain import Explanation
from milepost.controller.guard import Holding
from milepost.errors import MilepostError
from milepost.model.problem import Problem
from milepost.model.routing import RoutingTable
from milepost.model.snapshot import Snapshot
from milepost.settings.kinds import Listen
from milepost.web.answers import ApprovedAnswer, ErrorAnswer, PlanAnswer, ProblemsAnswer, StatusAnswer

T = TypeVar("T")
_NOT_FOUND = 404
_TIMEOUT_S = 20.0
_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  # where it listens everywhere, it is asked here


class UnknownApp(MilepostError):
    """The app that was asked for is not there; a mistake in the call."""

    exit_code: ClassVar[int] = 2


@dataclass(frozen=True, slots=True)
class Running:
    """Speaks to the milepost that listens at `listen`. Each method raises MilepostError where it does not answer so,
    `explain` UnknownApp for an app that it does not know.

    `advice` tells what else the caller could do then.
    """

    listen: Listen | None
    advice: str = ""

    def status(self) -> StatusAnswer:
        return self._read("/v1/status", StatusAnswer)

    def snapshot(self) -> Snapshot:
        return self._read("/v1/snapshot", Snapshot)

    def table(self) -> RoutingTable:
        return self._read("/v1/routing", RoutingTable)

    def problems(self) -> tuple[Problem, ...]:
        return self._read("/v1/problems", ProblemsAnswer).problems

    def explain(self, app_id: str) -> Explanation:
        return self._read(f"/v1/apps/{app_id.strip('/')}/explain", Explanation)

    def config(self) -> str:
        return self._ask("GET", "/v1/proxies/haproxy/config").text

    def plan(self) -> PlanAnswer:
        return self._read("/v1/proxies/haproxy/plan", PlanAnswer)

    def approve(self) -> Holding | None:
        return self._read("/v1/approve", ApprovedAnswer, method="POST").approved

    def reconcile(self) -> None:
        self._ask("POST", "/v1/reconcile")

    @property
    def url(self) -> str:
        if self.listen is None:
            raise MilepostError("web.listen is empty: the running milepost has no API that could be asked")
        host = _EVERYWHERE.get(self.listen.host, self.listen.host)
        return f"http://{Listen(host, self.listen.port)}"

    def _read(self, path: str, shape: type[T], method: str = "GET") -> T:
        answer = self._ask(method, path)
        try:
            return msgspec.json.decode(answer.content, type=shape)
        except msgspec.DecodeError as error:
            raise MilepostError(f"{self.url}{path} answers in another shape than this version's: {error}") from error

    def _ask(self, method: str, path: str) -> httpx2.Response:
        try:
            # Proxies of the environment are for the world outside; milepost is asked directly.
            answer = httpx2.request(method, self.url + path, timeout=_TIMEOUT_S, trust_env=False)
        except httpx2.HTTPError as error:
            raise MilepostError(
                f"no milepost answers at {self.url} ({_words(error)}): --web-listen says where it runs{self.advice}"
            ) from error
        if not answer.is_success:
            kind = UnknownApp if answer.status_code == _NOT_FOUND and path.endswith("/explain") else MilepostError
            raise kind(self._refusal(path, answer))
        return answer

    def _refusal(self, path: str, answer: httpx2.Response) -> str:
        try:
            return msgspec.json.decode(answer.content, type=ErrorAnswer).error.message
        except msgspec.DecodeError:
            return f"{self.url}{path} answered {answer.status_code}; is that a milepost?"


def _words(error: httpx2.HTTPError) -> str:
    """`[Errno 111] Connection refused` without the number."""
    return re.sub(r"^\[Errno \d+\] ", "", str(error)) or type(error).__name__

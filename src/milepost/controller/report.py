"""What a pass tells the outside: the board for those who look, notices for logs and metrics."""

import time
from collections.abc import Callable

from milepost.controller.board import Board, Reload
from milepost.errors import ConfigRefused, ProxyError
from milepost.model.notice import (
    ConfigurationRefused,
    HoldersNotKept,
    Notify,
    ProblemFound,
    ProxyFailed,
    ProxyReloaded,
    ServersChanged,
)
from milepost.model.problem import Problem
from milepost.model.routing import RoutingTable
from milepost.model.snapshot import Snapshot
from milepost.proxies.base import ActualT, Outcome, Plan


class Reporter:
    """Keeps the board up to date and sends notices. `clock` is the monotonic clock of `Cause.heard_at_s`."""

    def __init__(self, proxy: str, board: Board, notify: Notify, clock: Callable[[], float]) -> None:
        self._proxy, self._board, self._notify, self._clock = proxy, board, notify, clock
        self._heard: dict[
            str, float
        ] = {}  # by app as it is served, when the oldest cause was heard that no pass has answered yet
        self._forgetting = ""

    def accepted(self, snapshot: Snapshot, table: RoutingTable) -> None:
        """A new snapshot was routed. When its causes were heard is remembered until a pass comes to its end."""
        before = set(self._board.problems)
        self._board.snapshot, self._board.table = snapshot, table
        for cause in snapshot.causes:
            self._heard.setdefault(table.groups.get(cause.app_id, cause.app_id), cause.heard_at_s)
        self._tell_problems(before)

    def servers_changed(self, plan: Plan, outcome: Outcome[ActualT], took_s: float) -> None:
        self._board.leftovers = outcome.leftovers
        if not outcome.applied:
            return
        self._board.live_changes += outcome.applied
        self._board.last_applied_at_s = time.time()
        apps = tuple(dict.fromkeys(change.app_id for change in plan.live if change.app_id))
        self._notify(
            ServersChanged(
                proxy=self._proxy,
                apps=apps,
                reasons=tuple(dict.fromkeys(change.reason for change in plan.live)),
                changes=outcome.applied,
                latency_s=self._latency_s(frozenset(apps)),
                took_s=took_s,
            )
        )

    def _latency_s(self, apps: frozenset[str]) -> float:
        """From the oldest cause that concerns one of `apps` until now; 0 where nothing was heard of them."""
        heard = [heard_at_s for app_id, heard_at_s in self._heard.items() if not app_id or app_id in apps]
        return max(0.0, self._clock() - min(heard)) if heard else 0.0

    def restructured(self, plan: Plan, outcome: Outcome[ActualT], took_s: float) -> None:
        self._board.last_applied_at_s = time.time()
        if outcome.reloaded:
            self._board.reloads += 1
            self._board.reload_kinds.update(plan.kinds)
            self._board.last_reload = Reload(time.time(), took_s, plan.structure)
            self._notify(ProxyReloaded(self._proxy, plan.structure, took_s, plan.kinds))

    def refused(self, error: ConfigRefused) -> None:
        self._board.proxy_error = str(error)
        self._notify(ConfigurationRefused(self._proxy, str(error)))

    def failed(self, error: ProxyError, retry_s: float) -> None:
        self._board.proxy_error = str(error)
        self._notify(ProxyFailed(self._proxy, str(error), retry_s))

    def saved(self) -> None:
        self._board.file_error = ""

    def not_saved(self, error: ProxyError, retry_s: float) -> None:
        """The proxy serves on, but a crash would restart it from an older file."""
        self._board.file_error = str(error)
        self._notify(ProxyFailed(self._proxy, str(error), retry_s))

    def remembered(self, error: str) -> None:
        """Who holds what was kept for the next start, or could not be (`error`): told when it begins."""
        if error and error != self._forgetting:
            self._notify(HoldersNotKept(error))
        self._forgetting = error

    def passed(self, desired: object, actual: object, left: Plan, refused: tuple[Problem, ...]) -> None:
        """A pass came to its end; `left` is what it left for later, `refused` what the proxy does not take."""
        self._board.desired, self._board.actual, self._board.plan = desired, actual, left
        if refused != self._board.refused:
            before = set(self._board.problems)
            self._board.refused = refused
            self._tell_problems(before)
        self._heard.clear()  # also where a change of structure is left: it may wait for hours
        if not left.structure:
            self._board.proxy_error = ""

    def _tell_problems(self, before: set[Problem]) -> None:
        after = set(self._board.problems)
        for problem in sorted(after - before):
            self._notify(ProblemFound(problem.app_id, problem.subject, problem.message, solved=False))
        for problem in sorted(before - after):
            self._notify(ProblemFound(problem.app_id, problem.subject, problem.message, solved=True))

"""The latest value of every stage, for those who look: the HTTP API, `status`, `explain`.

Written by the loop only, read by everybody, all in one thread. It holds what was decided and seen, and
never takes part in deciding.
"""

from collections import Counter
from dataclasses import dataclass, field

from milepost.controller.guard import Holding, all_held
from milepost.model.problem import Problem
from milepost.model.reload import ReloadKind
from milepost.model.routing import RoutingTable
from milepost.model.snapshot import Share, Snapshot
from milepost.proxies.base import Plan


@dataclass(frozen=True, slots=True)
class Reload:
    """One reload: when (Unix seconds), how long it took (seconds) and why."""

    at_s: float
    took_s: float
    reasons: tuple[str, ...]


@dataclass(slots=True)
class Board:
    """`desired` and `actual` are the proxy's own values, None before the first pass.

    `reload_kinds` counts reloads by the kinds of their reasons: one that has several counts for each.
    `old_workers` are processes of the proxy that finish their sessions after a reload.
    `plan` is what was still to be done after the last pass. `proxy_error` and
    `file_error` (the file does not follow what runs) are "" while all is well. `sources` are the names of all sources;
    those that fail have an entry in `source_errors`, those of which the guard keeps something from being removed one in
    `holdings`. `draining_since_s` (Unix time) is None while the proxy is in service.
    """

    started_at_s: float
    snapshot: Snapshot | None = None
    table: RoutingTable | None = None
    desired: object = None
    actual: object = None
    plan: Plan = field(default_factory=Plan)
    refused: tuple[Problem, ...] = ()
    reloads: int = 0
    reload_kinds: Counter[ReloadKind] = field(default_factory=Counter)
    last_reload: Reload | None = None
    last_applied_at_s: float | None = None
    live_changes: int = 0
    leftovers: int = 0
    old_workers: int = 0
    oldest_worker_s: float = 0.0
    proxy_error: str = ""
    file_error: str = ""
    sources: tuple[str, ...] = ("marathon",)
    source_errors: dict[str, str] = field(default_factory=dict)
    holdings: dict[str, Holding] = field(default_factory=dict)
    draining_since_s: float | None = None

    @property
    def source_error(self) -> str:
        """What keeps sources from being read, "" while all answer. Each is named where there are several."""
        errors = self.source_errors.items()
        return "; ".join(f"{name}: {error}" if len(self.sources) > 1 else error for name, error in errors)

    @property
    def holding(self) -> Holding | None:
        """What the guards keep, of all sources."""
        return all_held(self.holdings.values())

    def share(self, source: str) -> Share | None:
        """What the source has in the snapshot, None where it has nothing there."""
        seen = self.snapshot
        if seen is None:
            return None
        if len(self.sources) == 1:
            return Share(seen.source, "", seen.read_at_s, len(seen.apps), seen.is_saved, seen.is_lasting)
        return next((share for share in seen.shares if share.source == source), None)

    @property
    def problems(self) -> tuple[Problem, ...]:
        """All problems known now: of the answer, of the labels, and of what the proxy refused."""
        found = list(self.snapshot.problems) if self.snapshot else []
        found += self.table.problems if self.table else ()
        return tuple(sorted({*found, *self.refused}))

"""The shapes of the HTTP API's answers that are not nouns of the model. The command line reads them back."""

from collections.abc import Mapping
from dataclasses import dataclass

from milepost import __version__
from milepost.controller.board import Board
from milepost.controller.guard import Holding
from milepost.model.problem import Problem, Severity
from milepost.proxies.base import Plan


@dataclass(frozen=True, slots=True)
class ErrorDetail:
    status: int
    message: str


@dataclass(frozen=True, slots=True)
class ErrorAnswer:
    """The one shape of every answer that is no success."""

    error: ErrorDetail


@dataclass(frozen=True, slots=True)
class Step:
    """One change of the running proxy: what, for which app, why."""

    step: str
    app_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class PlanAnswer:
    """What would change: live steps, and one reason for each cause of a needed reload."""

    live: tuple[Step, ...] = ()
    structure: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ServerAnswer:
    """A server of a service as HAProxy counts it now; `task_id` is "" where it is no task's any more.

    `status` is HAProxy's word (UP, MAINT, no check), `sessions` are under way, `queued` wait for it.
    """

    task_id: str
    name: str
    status: str
    sessions: int
    queued: int


@dataclass(frozen=True, slots=True)
class ServersAnswer:
    """`old_workers` still finish the sessions of before a reload, which nobody else counts."""

    service: str
    servers: tuple[ServerAnswer, ...]
    old_workers: int


@dataclass(frozen=True, slots=True)
class ProblemsAnswer:
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class ApprovedAnswer:
    """What an operator let pass; None where nothing was held."""

    approved: Holding | None = None


@dataclass(frozen=True, slots=True)
class SnapshotStatus:
    """`read_at_s` is the Unix time of the last full read, `age_s` how long ago that was.

    `is_saved`: it was kept from before the start, and no source has spoken since.
    """

    source: str
    read_at_s: float
    age_s: float
    error: str
    is_saved: bool = False


@dataclass(frozen=True, slots=True)
class SourceStatus:
    """One source. `read_at_s` and `age_s` as in `SnapshotStatus`, None while nothing of it is known and for what stands
    in the settings. `error` is "" while it answers, `held` what its guard keeps.
    """

    name: str
    apps: int
    read_at_s: float | None
    age_s: float | None
    error: str
    is_saved: bool = False
    held: Holding | None = None


@dataclass(frozen=True, slots=True)
class Counts:
    """How much there is now."""

    apps: int = 0
    tasks: int = 0
    services: int = 0
    endpoints: int = 0
    errors: int = 0
    warnings: int = 0


@dataclass(frozen=True, slots=True)
class ReloadStatus:
    """The last reload: Unix time, duration and reasons."""

    at_s: float
    took_s: float
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ProxyStatus:
    """What should run has two digests: `structure` of all that only a reload can change, `digest` of the whole, with
    servers and maps. `waiting` are reasons of a reload that is still to come.
    `reload_kinds` counts reloads by kind of reason; one of several kinds counts for each.

    `leftovers` counts servers that wait for their last session to end, `old_workers` the processes that do so after a
    reload; the oldest of these runs for `oldest_worker_s`. `error` and `file_error` (a crash of the proxy
    would restart it from an older file) are "" while all is well. `draining_since_s` (Unix time) is None while it is
    in service.
    """

    structure: str
    digest: str
    last_applied_at_s: float | None
    live_changes: int
    reloads: int
    reload_kinds: Mapping[str, int]
    last_reload: ReloadStatus | None
    waiting: tuple[str, ...]
    leftovers: int
    old_workers: int
    oldest_worker_s: float
    error: str
    file_error: str
    draining_since_s: float | None = None


@dataclass(frozen=True, slots=True)
class StatusAnswer:
    """Everything at a glance. `versions` names each program and library with its version, `guard` what is held.

    `snapshot` is of all `sources` together: as old as the oldest of them, with every error.
    """

    versions: Mapping[str, str]
    uptime_s: float
    snapshot: SnapshotStatus | None
    counts: Counts
    proxy: ProxyStatus
    guard: Holding | None = None
    sources: tuple[SourceStatus, ...] = ()


def plan_answer(plan: Plan) -> PlanAnswer:
    steps = tuple(Step(change.describe(), change.app_id, change.reason) for change in plan.live)
    return PlanAnswer(steps, plan.structure)


def status_answer(board: Board, versions: Mapping[str, str], structure: str, digest: str, now_s: float) -> StatusAnswer:
    """`versions` are the proxy's, `structure` and `digest` as in `ProxyStatus`, `now_s` the Unix time."""
    return StatusAnswer(
        versions={"milepost": __version__, **versions},
        uptime_s=now_s - board.started_at_s,
        snapshot=_snapshot_status(board, now_s),
        counts=_counts(board),
        proxy=_proxy_status(board, structure, digest),
        guard=board.holding,
        sources=tuple(_source_status(board, name, now_s) for name in board.sources),
    )


def _snapshot_status(board: Board, now_s: float) -> SnapshotStatus | None:
    snapshot = board.snapshot
    if snapshot is None:
        return None
    age_s = max(0.0, now_s - snapshot.read_at_s)
    return SnapshotStatus(snapshot.source, snapshot.read_at_s, age_s, board.source_error, snapshot.is_saved)


def _source_status(board: Board, name: str, now_s: float) -> SourceStatus:
    error, held = board.source_errors.get(name, ""), board.holdings.get(name)
    share = board.share(name)
    if share is None:
        return SourceStatus(name, 0, None, None, error, held=held)
    read_at_s = None if share.is_lasting else share.read_at_s
    age_s = None if read_at_s is None else max(0.0, now_s - read_at_s)
    return SourceStatus(name, share.apps, read_at_s, age_s, error, share.is_saved, held)


def _counts(board: Board) -> Counts:
    apps = board.snapshot.apps if board.snapshot else {}
    table, problems = board.table, board.problems
    errors = sum(problem.severity is Severity.ERROR for problem in problems)
    return Counts(
        apps=len(apps),
        tasks=sum(len(app.tasks) for app in apps.values()),
        services=len(table.services) if table else 0,
        endpoints=sum(map(len, table.endpoints.values())) if table else 0,
        errors=errors,
        warnings=len(problems) - errors,
    )


def _proxy_status(board: Board, structure: str, digest: str) -> ProxyStatus:
    last = board.last_reload
    return ProxyStatus(
        structure=structure,
        digest=digest,
        last_applied_at_s=board.last_applied_at_s,
        live_changes=board.live_changes,
        reloads=board.reloads,
        reload_kinds=dict(sorted(board.reload_kinds.items())),
        last_reload=ReloadStatus(last.at_s, last.took_s, last.reasons) if last else None,
        waiting=board.plan.structure,
        leftovers=board.leftovers,
        old_workers=board.old_workers,
        oldest_worker_s=board.oldest_worker_s,
        error=board.proxy_error,
        file_error=board.file_error,
        draining_since_s=board.draining_since_s,
    )


def health_reasons(board: Board) -> tuple[str, ...]:
    """Why milepost is not healthy; empty when a snapshot was applied, the proxy answers and is in service.

    A source that does not answer is no reason: the last snapshot serves, and its age stands in the status.
    """
    reasons = []
    if board.snapshot is None:
        reasons.append("no snapshot has been read yet" + (f": {board.source_error}" if board.source_error else ""))
    elif (board.desired is None or _waits_for_first_structure(board)) and not board.proxy_error:
        reasons.append("no snapshot has been applied yet")
    if board.proxy_error:
        reasons.append(board.proxy_error)
    if board.draining_since_s is not None:
        reasons.append("draining: an operator takes this balancer out of service")
    return tuple(reasons)


def health_remark(board: Board, now_s: float) -> str:
    """What is to be known of a milepost that is healthy all the same, "" where all is as it should be."""
    if board.holding is not None:
        return holding_text(board.holding)
    if board.snapshot is None or not board.snapshot.is_saved:
        return ""
    age_s = max(0.0, now_s - board.snapshot.read_at_s)
    return f"the source is silent since the start; a saved snapshot is served, {age_s:.0f} s old"


def holding_text(held: Holding) -> str:
    """What the guard holds, in one sentence."""
    until = "until an operator approves" if held.needs_approval else "until a second read says the same"
    apps = f"{len(held.apps)} apps" if len(held.apps) > 1 else held.apps[0]
    return f"{held.tasks} of {held.serving} serving tasks would go, of {apps}; they stay {until}"


def _waits_for_first_structure(board: Board) -> bool:
    """A start: what should run is decided but nothing of it was made so yet. Not so for a HAProxy that was adopted."""
    return board.last_applied_at_s is None and bool(board.plan.structure)

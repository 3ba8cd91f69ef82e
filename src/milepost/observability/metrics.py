"""Numbers about milepost in Prometheus' text form, from a registry of its own; the unit stands in the name."""

import time
from collections.abc import Callable, Iterator

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import generate_latest
from prometheus_client.registry import Collector

from milepost import __version__
from milepost.controller.board import Board
from milepost.model import notice as notices
from milepost.model.notice import Notice
from milepost.model.problem import Severity

# From event to applied is a matter of milliseconds; a reload of a large configuration takes seconds.
_SHORT_S = (0.001, 0.002, 0.003, 0.005, 0.0075, 0.01, 0.02, 0.03, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
_LONG_S = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class Metrics:
    """Counts what notices tell, and reads the board when asked. `clock` gives Unix seconds."""

    def __init__(self, board: Board, clock: Callable[[], float] = time.time) -> None:
        self._registry = registry = CollectorRegistry()
        registry.register(_BoardCollector(board, clock))

        def count(name: str, what: str, *labels: str) -> Counter:
            return Counter(f"milepost_{name}", what, labels, registry=registry)

        def spread(name: str, what: str, buckets: tuple[float, ...], *labels: str) -> Histogram:
            return Histogram(f"milepost_{name}", what, labels, buckets=buckets, registry=registry)

        self._source_failures = count("source_failures_total", "Reads and streams that failed.", "source")
        self._source_read_s = spread("source_read_seconds", "Time that one read took.", _LONG_S, "source")
        self._bad_news = count("bad_news_total", "Tasks taken out from an event alone.")
        self._live_changes = count("live_changes_total", "Changes applied to the running proxy.", "proxy")
        self._applied_s = spread(
            "event_to_applied_seconds", "From the oldest event heard to its changes being applied.", _SHORT_S, "proxy"
        )
        self._reloads = count("reloads_total", "Reloads of the proxy.", "proxy")
        self._reload_kinds = count("reload_reasons_total", "Reloads by the kinds of their reasons.", "proxy", "kind")
        self._reload_s = spread("reload_seconds", "Time that one reload took.", _LONG_S, "proxy")
        self._refusals = count(
            "configurations_refused_total", "Configurations that the proxy's check refused.", "proxy"
        )
        self._workers_ended = count(
            "old_workers_ended_total", "Old processes of the proxy that were ended since there were too many.", "proxy"
        )
        self._foreign_changes = count(
            "foreign_changes_total",
            "Times that somebody else was seen to have changed the proxy or its files.",
            "proxy",
        )
        self._certificates = count(
            "certificate_changes_total", "Certificates changed in the running proxy without a reload.", "proxy"
        )
        self._proxy_starts = count("proxy_starts_total", "Times that milepost started the proxy.", "proxy")
        self._proxy_failures = count("proxy_failures_total", "Times that the proxy failed milepost.", "proxy")

    def notice(self, notice: Notice) -> None:
        """Count one notice; kinds that carry no number of interest are passed over."""
        match notice:
            case notices.SourceFailed(source=source):
                self._source_failures.labels(source).inc()
            case notices.SourceRead(source=source, took_s=took_s):
                self._source_read_s.labels(source).observe(took_s)
            case notices.BadNews():
                self._bad_news.inc()
            case _:
                self._proxy_notice(notice)

    def _proxy_notice(self, notice: Notice) -> None:
        match notice:
            case notices.ServersChanged(proxy=proxy, changes=changes, latency_s=latency_s):
                self._live_changes.labels(proxy).inc(changes)
                if latency_s:  # 0 says that no event led here (a start, a read-back)
                    self._applied_s.labels(proxy).observe(latency_s)
            case notices.ProxyReloaded(proxy=proxy, took_s=took_s, kinds=kinds):
                self._reloads.labels(proxy).inc()
                for kind in kinds:
                    self._reload_kinds.labels(proxy, kind).inc()
                self._reload_s.labels(proxy).observe(took_s)
            case notices.CertificateChanged(proxy=proxy):
                self._certificates.labels(proxy).inc()
            case _:
                self._trouble(notice)

    def _trouble(self, notice: Notice) -> None:
        match notice:
            case notices.ConfigurationRefused(proxy=proxy):
                self._refusals.labels(proxy).inc()
            case notices.ForeignChanges(proxy=proxy):
                self._foreign_changes.labels(proxy).inc()
            case notices.ProxyStarted(proxy=proxy):
                self._proxy_starts.labels(proxy).inc()
            case notices.OldWorkerEnded(proxy=proxy, error=""):
                self._workers_ended.labels(proxy).inc()
            case notices.ProxyFailed(proxy=proxy):
                self._proxy_failures.labels(proxy).inc()

    def exposition(self) -> bytes:
        """All metrics as text (Prometheus' exposition format, version 0.0.4)."""
        return generate_latest(self._registry)


class _BoardCollector(Collector):
    """What can be read from the board at the moment of asking."""

    def __init__(self, board: Board, clock: Callable[[], float]) -> None:
        self._board, self._clock = board, clock

    def collect(self) -> Iterator[Metric]:
        board = self._board
        info = GaugeMetricFamily("milepost_build_info", "The version that runs; always 1.", labels=["version"])
        info.add_metric([__version__], 1)
        yield info
        yield from self._sources()
        yield _gauge("proxy_up", "1 once a snapshot was applied and while the proxy answers.", _proxy_is_up(board))
        yield _gauge("leftover_servers", "Servers that wait for their last session to end.", board.leftovers)
        yield _gauge("old_workers", "Processes that finish sessions after a reload.", board.old_workers)
        yield _gauge("oldest_worker_seconds", "For how long the oldest of them runs.", board.oldest_worker_s)
        yield _gauge("draining", "1 while clients are sent away.", board.draining_since_s is not None)
        if board.snapshot:
            yield _gauge("apps", "Apps of the last snapshot.", len(board.snapshot.apps))
            age_s = max(0.0, self._clock() - board.snapshot.read_at_s)
            yield _gauge("snapshot_age_seconds", "Time since the last full read.", age_s)
            told = "1 while a snapshot of before the start is served, since the source is silent."
            yield _gauge("snapshot_is_saved", told, board.snapshot.is_saved)
        held = board.holding.tasks if board.holding else 0
        yield _gauge("guard_held_tasks", "Tasks that a read would take out and that the guard keeps.", held)
        if board.table:
            yield _gauge("services", "Ports of apps that get traffic.", len(board.table.services))
            servers = sum(len(endpoints) for endpoints in board.table.endpoints.values())
            yield _gauge("servers", "Tasks in the pools of all services.", servers)
        yield self._problems()

    def _sources(self) -> Iterator[Metric]:
        board, source = self._board, ["source"]
        up = GaugeMetricFamily("milepost_source_up", "1 while the source answers.", labels=source)
        age = GaugeMetricFamily("milepost_source_age_seconds", "Time since its last full read.", labels=source)
        for name in board.sources:
            up.add_metric([name], not board.source_errors.get(name))
            share = board.share(name)
            if share is not None and not share.is_lasting:
                age.add_metric([name], max(0.0, self._clock() - share.read_at_s))
        yield up
        yield age

    def _problems(self) -> Metric:
        metric = GaugeMetricFamily("milepost_problems", "Mistakes of owners that are known now.", labels=["severity"])
        problems = self._board.problems
        for severity in Severity:
            metric.add_metric([severity], sum(problem.severity is severity for problem in problems))
        return metric


def _proxy_is_up(board: Board) -> bool:
    return board.desired is not None and not board.proxy_error


def _gauge(name: str, what: str, value: float) -> Metric:
    return GaugeMetricFamily(f"milepost_{name}", what, value=float(value))

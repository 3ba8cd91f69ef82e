"""Numbers as Prometheus would read them."""

import pytest
from prometheus_client.parser import text_string_to_metric_families

from milepost.controller.board import Board
from milepost.model import notice as notices
from milepost.model.reload import ReloadKind
from milepost.observability.metrics import Metrics
from support import scene

KINDS = notices.ProxyReloaded("h", ("/a: frontend a added",), 0.1, (ReloadKind.APP, ReloadKind.OTHER_RUN))


def value(metrics: Metrics, name: str, **labels: str) -> float | None:
    for family in text_string_to_metric_families(metrics.exposition().decode()):
        for sample in family.samples:
            if sample.name == name and sample.labels == labels:
                return sample.value
    return None


def test_the_board_is_read_at_the_moment_of_asking() -> None:
    board = scene.board()
    metrics = Metrics(board, clock=lambda: 1012.0)
    assert value(metrics, "milepost_apps") == 2
    assert value(metrics, "milepost_services") == 2
    assert value(metrics, "milepost_servers") == 3
    assert value(metrics, "milepost_problems", severity="error") == 1
    assert value(metrics, "milepost_problems", severity="warning") == 1
    assert value(metrics, "milepost_snapshot_age_seconds") == 12
    board.leftovers = 4
    assert value(metrics, "milepost_leftover_servers") == 4
    board.old_workers, board.oldest_worker_s = 2, 90.0
    assert value(metrics, "milepost_old_workers") == 2
    assert value(metrics, "milepost_oldest_worker_seconds") == 90
    assert value(metrics, "milepost_draining") == 0
    board.draining_since_s = 1000.0
    assert value(metrics, "milepost_draining") == 1


def test_before_a_snapshot_no_number_is_made_up() -> None:
    metrics = Metrics(Board(started_at_s=0.0))
    assert value(metrics, "milepost_apps") is None
    assert value(metrics, "milepost_snapshot_age_seconds") is None
    assert value(metrics, "milepost_proxy_up") == 0


def test_up_follows_errors() -> None:
    board = scene.board()
    board.desired = "applied"
    metrics = Metrics(board)
    assert (value(metrics, "milepost_proxy_up"), value(metrics, "milepost_source_up", source="marathon")) == (1, 1)
    board.proxy_error, board.source_errors["marathon"] = "gone", "refused"
    assert (value(metrics, "milepost_proxy_up"), value(metrics, "milepost_source_up", source="marathon")) == (0, 0)


@pytest.mark.parametrize(
    ("notice", "name", "labels", "counted"),
    [
        (notices.SourceFailed("m", "http://m1", "refused", 1.0), "source_failures_total", {"source": "m"}, 1),
        (notices.SourceRead("m", "/a", 1, 0.1), "source_read_seconds_count", {"source": "m"}, 1),
        (notices.BadNews("/a", "a.1", "TASK_KILLING"), "bad_news_total", {}, 1),
        (notices.ServersChanged("h", (), (), 3, 0.004, 0.0), "live_changes_total", {"proxy": "h"}, 3),
        (notices.ServersChanged("h", (), (), 3, 0.004, 0.0), "event_to_applied_seconds_count", {"proxy": "h"}, 1),
        (notices.ProxyReloaded("h", (), 0.1), "reloads_total", {"proxy": "h"}, 1),
        (notices.ProxyReloaded("h", (), 0.1), "reload_seconds_sum", {"proxy": "h"}, 0.1),
        (KINDS, "reload_reasons_total", {"proxy": "h", "kind": "app"}, 1),
        (KINDS, "reload_reasons_total", {"proxy": "h", "kind": "other_run"}, 1),
        (KINDS, "reloads_total", {"proxy": "h"}, 1),
        (notices.ConfigurationRefused("h", "line 7"), "configurations_refused_total", {"proxy": "h"}, 1),
        (notices.ProxyStarted("h", 1, 0.1, "first"), "proxy_starts_total", {"proxy": "h"}, 1),
        (notices.ForeignChanges("h", ("file /h.cfg was changed",)), "foreign_changes_total", {"proxy": "h"}, 1),
        (notices.OldWorkerEnded("h", 7, 9.0, 8, ""), "old_workers_ended_total", {"proxy": "h"}, 1),
        (notices.ProxyFailed("h", "gone", 1.0), "proxy_failures_total", {"proxy": "h"}, 1),
    ],
)
def test_notices_are_counted(notice: notices.Notice, name: str, labels: dict[str, str], counted: float) -> None:
    metrics = Metrics(scene.board())
    metrics.notice(notice)
    assert value(metrics, f"milepost_{name}", **labels) == counted


def test_an_old_worker_that_could_not_be_ended_is_not_counted_as_ended() -> None:
    metrics = Metrics(scene.board())
    metrics.notice(notices.OldWorkerEnded("h", 7, 9.0, 8, "it runs as another user"))
    assert value(metrics, "milepost_old_workers_ended_total", proxy="h") is None


def test_a_millisecond_can_be_told_from_ten() -> None:
    metrics = Metrics(scene.board())
    metrics.notice(notices.ServersChanged("h", (), (), 1, 0.0009, 0.0))
    assert value(metrics, "milepost_event_to_applied_seconds_bucket", proxy="h", le="0.001") == 1
    metrics.notice(notices.ServersChanged("h", (), (), 1, 0.009, 0.0))
    assert value(metrics, "milepost_event_to_applied_seconds_bucket", proxy="h", le="0.001") == 1


def test_a_change_that_no_event_led_to_says_nothing_about_the_latency() -> None:
    metrics = Metrics(scene.board())
    metrics.notice(notices.ServersChanged("h", (), (), 3, latency_s=0.0, took_s=0.1))
    assert value(metrics, "milepost_live_changes_total", proxy="h") == 3
    assert value(metrics, "milepost_event_to_applied_seconds_count", proxy="h") is None


def test_two_metrics_do_not_share_a_registry() -> None:
    first, second = Metrics(scene.board()), Metrics(scene.board())
    first.notice(notices.BadNews("/a", "a.1", "TASK_KILLING"))
    assert value(second, "milepost_bad_news_total") == 0

"""The log as a program and as a person reads it."""

import dataclasses
import io
import json
import logging
import re
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import pytest
import structlog

from milepost.model import notice as notices
from milepost.model.reload import ReloadKind
from milepost.observability.logs import event_name, log_notice, set_up_logs


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def as_it_was() -> Iterator[None]:
    """The log is the process's own: each test leaves it as it found it."""
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    yield
    root.handlers = handlers
    root.setLevel(level)
    structlog.reset_defaults()


CHANGED = notices.ServersChanged("haproxy", ("/shop/web",), ("task started",), 2, latency_s=0.00456, took_s=0.001)


ONE_OF_EACH = (
    CHANGED,
    notices.MilepostStarted("0.1.0", "haproxy", "2.6.12", "/etc/h.cfg", "/var/lib/milepost", "127.0.0.1:9095"),
    notices.MilepostStopping("haproxy", proxy_goes_on=True),
    notices.SourceConnected("marathon", "http://m1"),
    notices.CertificateUnchecked("marathon", "https://m1"),
    notices.SourceFailed("marathon", "http://m1", "refused", 0.5),
    notices.SourceRead("marathon", "/a", 1, 0.1),
    notices.BadNews("/a", "a.1", "TASK_KILLING"),
    notices.ProxyReloaded("haproxy", ("new app /a",), 0.2),
    notices.CertificateChanged("haproxy", "set certificate /etc/a.pem to F1", "/etc/a.pem has another content"),
    notices.DrainSeen("haproxy", 1764000000.0),
    notices.DrainEnded("haproxy"),
    notices.SessionsCut("haproxy", "/a", "a_1/s1", 60.0),
    notices.OldWorkersSeen("haproxy", 2, 30.0),
    notices.OldWorkerEnded("haproxy", 7, 30.0, 1, ""),
    notices.ConfigurationRefused("haproxy", "line 7"),
    notices.HoldersNotKept("holders.json cannot be written: No space left on device"),
    notices.RemovalsHeld(7, 20, ("/a",), needs_approval=True),
    notices.RemovalsReleased(7, by_operator=True),
    notices.SavedSnapshotServed("marathon", 1764000000.0, 60.5),
    notices.SavedSnapshotUnusable("snapshot.jsonl holds no snapshot"),
    notices.SnapshotNotSaved("snapshot.jsonl cannot be written"),
    notices.ProxyAdopted("haproxy", 7, reload_needed=False),
    notices.ForeignChanges("haproxy", ("server web/s1 was deleted",)),
    notices.ProxyStarted("haproxy", 7, 0.1, "it had died"),
    notices.ProxyFailed("haproxy", "gone", 1.0),
    notices.ProblemFound("/a", "app", "no port", solved=False),
)


@pytest.mark.parametrize("notice", ONE_OF_EACH, ids=lambda notice: type(notice).__name__)
def test_every_notice_is_logged_with_all_its_fields(notice: notices.Notice) -> None:
    out = io.StringIO()
    set_up_logs("json", "debug", out)
    log_notice(notice)
    line = json.loads(out.getvalue())
    assert line["event"] == event_name(type(notice))
    assert len(line) == 3 + len(dataclasses.fields(notice))  # timestamp, level, event


def test_these_tests_know_every_notice() -> None:
    kinds = {
        name for name, kind in vars(notices).items() if isinstance(kind, type) and issubclass(kind, notices.Notice)
    }
    assert {type(notice).__name__ for notice in ONE_OF_EACH} == kinds - {"Notice"}


def level_of(notice: notices.Notice) -> str:
    out = io.StringIO()
    set_up_logs("json", "debug", out)
    log_notice(notice)
    return str(json.loads(out.getvalue())["level"])


def test_the_page_for_operators_names_each_event_and_its_level() -> None:
    page = (Path(__file__).parents[2] / "docs" / "operations.md").read_text()
    told = dict(re.findall(r"^\| `([a-z_]+)` \| (debug|info|warning|error) \|", page, re.MULTILINE))
    assert told == {event_name(type(notice)): level_of(notice) for notice in ONE_OF_EACH}


def test_elsewhere_than_on_a_terminal_each_event_is_a_line_of_json() -> None:
    out = io.StringIO()
    set_up_logs(stream=out)
    log_notice(CHANGED)
    line = json.loads(out.getvalue())
    assert list(line)[:3] == ["timestamp", "level", "event"]
    assert line.pop("timestamp")
    assert line == {
        "event": "servers_changed",
        "level": "info",
        "proxy": "haproxy",
        "apps": ["/shop/web"],
        "reasons": ["task started"],
        "changes": 2,
        "latency_ms": 4.56,
        "took_ms": 1.0,
    }


@pytest.mark.parametrize(
    ("form", "stream", "is_coloured", "is_json"),
    [
        ("auto", Terminal(), True, False),
        ("auto", io.StringIO(), False, True),
        ("console", io.StringIO(), False, False),
        ("json", Terminal(), False, True),
    ],
)
def test_the_form_follows_the_setting_and_the_stream(
    form: str, stream: io.StringIO, is_coloured: bool, is_json: bool
) -> None:
    set_up_logs(form, stream=stream)
    log_notice(CHANGED)
    text = stream.getvalue()
    assert "servers_changed" in text
    assert ("\x1b[" in text) == is_coloured
    assert text.startswith("{") == is_json


@pytest.mark.parametrize(
    ("notice", "level"),
    [
        (notices.ProxyFailed("haproxy", "gone", 1.0), "error"),
        (notices.ConfigurationRefused("haproxy", "line 7"), "error"),
        (notices.SourceFailed("marathon", "http://m1", "refused", 0.5), "warning"),
        (notices.ProblemFound("/a", "app", "no port", solved=False), "warning"),
        (notices.ProblemFound("/a", "app", "no port", solved=True), "info"),
        (notices.SourceRead("marathon", "/a", 1, 0.1), "debug"),
    ],
)
def test_each_notice_has_the_level_of_its_weight(notice: notices.Notice, level: str) -> None:
    out = io.StringIO()
    set_up_logs("json", "debug", out)
    log_notice(notice)
    assert json.loads(out.getvalue())["level"] == level


def test_below_the_level_nothing_is_written() -> None:
    out = io.StringIO()
    set_up_logs("json", "warning", out)
    log_notice(CHANGED)
    assert out.getvalue() == ""


def test_a_library_s_warning_has_the_same_form_and_its_talk_is_left_out() -> None:
    out = io.StringIO()
    set_up_logs("json", "info", out)
    logging.getLogger("uvicorn.error").info("Started server process")
    logging.getLogger("uvicorn.error").warning("invalid request")
    line = json.loads(out.getvalue())
    assert (line["event"], line["level"]) == ("invalid request", "warning")


def test_an_exception_of_a_library_is_one_line_of_json_with_its_traceback() -> None:
    out = io.StringIO()
    set_up_logs("json", "info", out)
    try:
        raise RuntimeError("boom")
    except RuntimeError:
        logging.getLogger("uvicorn.error").exception("request failed")
    assert "RuntimeError: boom" in json.loads(out.getvalue())["exception"]


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        (notices.ServersChanged, "servers_changed"),
        (notices.ProxyReloaded, "proxy_reloaded"),
        (notices.BadNews, "bad_news"),
        (notices.Notice, "notice"),
    ],
)
def test_an_event_is_named_after_its_notice(kind: type[notices.Notice], name: str) -> None:
    assert event_name(kind) == name


def _example(kind: type[notices.Notice]) -> notices.Notice:
    """A notice of `kind` with some value in each field."""
    values = {"str": "some", "int": 1, "float": 0.5, "bool": True, "tuple[str, ...]": ("some",)}
    values["tuple[milepost.model.reload.ReloadKind, ...]"] = tuple(ReloadKind)
    named = {field.name: field.type if isinstance(field.type, str) else str(field.type) for field in fields(kind)}
    return kind(
        **{name: values[kind_of.removeprefix("<class '").removesuffix("'>")] for name, kind_of in named.items()}
    )


@pytest.mark.parametrize("kind", notices.Notice.__subclasses__(), ids=lambda kind: kind.__name__)
def test_every_notice_can_be_logged(kind: type[notices.Notice]) -> None:
    out = io.StringIO()
    set_up_logs(level="debug", stream=out)
    log_notice(_example(kind))
    assert json.loads(out.getvalue())["event"] == event_name(kind)

"""milepost's own log: a constant event with fields beside it, on standard error."""

import dataclasses
import logging
import re
import sys
from typing import TextIO

import structlog
from structlog.typing import EventDict, FilteringBoundLogger, Processor

from milepost.model import notice as notices
from milepost.model.notice import Notice

_LEVELS: dict[type[Notice], int] = {
    notices.SourceFailed: logging.WARNING,
    notices.BadNews: logging.INFO,
    notices.CertificateUnchecked: logging.WARNING,
    notices.ConfigurationRefused: logging.ERROR,
    notices.ForeignChanges: logging.WARNING,
    notices.HoldersNotKept: logging.WARNING,
    notices.DrainSeen: logging.WARNING,
    notices.SessionsCut: logging.WARNING,
    notices.OldWorkersSeen: logging.DEBUG,
    notices.OldWorkerEnded: logging.WARNING,
    notices.ProxyFailed: logging.ERROR,
    notices.RemovalsHeld: logging.WARNING,
    notices.SavedSnapshotServed: logging.WARNING,
    notices.SavedSnapshotUnusable: logging.ERROR,
    notices.SnapshotNotSaved: logging.WARNING,
    notices.SourceRead: logging.DEBUG,
}
_SHOWN_AS_MS = ("took_s", "latency_s")


def set_up_logs(form: str = "auto", level: str = "info", stream: TextIO | None = None) -> None:
    """Send milepost's log and that of its libraries to `stream` (standard error), one event a line.

    `form` is "console" (for people; colour on a terminal), "json", or "auto": console on a terminal, else JSON.
    Events below `level` (debug, info, warning, error) are left out; libraries only speak from warning on.
    """
    stream = stream or sys.stderr
    shared: list[Processor] = [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    on_terminal = stream.isatty()
    render: list[Processor]
    if form == "console" or (form == "auto" and on_terminal):
        render = [structlog.dev.ConsoleRenderer(colors=on_terminal)]
    else:
        render = [structlog.processors.format_exc_info, _what_first, structlog.processors.JSONRenderer()]
    threshold = logging.getLevelNamesMapping()[level.upper()]
    structlog.configure(
        processors=[*shared, *render],
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
        logger_factory=structlog.WriteLoggerFactory(file=stream),
        cache_logger_on_first_use=False,
    )
    _take_in_libraries(shared, render, stream, max(threshold, logging.WARNING))


def _take_in_libraries(shared: list[Processor], render: list[Processor], stream: TextIO, threshold: int) -> None:
    """Libraries log through the standard library; their lines get the same form."""
    handler = logging.StreamHandler(stream)
    drop = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=[drop, *render]))
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(threshold)


def _what_first(_logger: object, _method: str, event: EventDict) -> EventDict:
    """When, how grave and what, then the rest: so that lines can be read below each other."""
    first = {name: event[name] for name in ("timestamp", "level", "event") if name in event}
    return {**first, **event}


def log_notice(notice: Notice) -> None:
    """Write one notice: its class in snake case is the event, its fields stand beside it."""
    level = _LEVELS.get(type(notice), logging.INFO)
    if isinstance(notice, notices.ProblemFound) and not notice.solved:
        level = logging.WARNING
    logger: FilteringBoundLogger = structlog.get_logger().bind()
    if logger.is_enabled_for(level):  # a read of an app is told each time, and mostly to nobody
        logger.log(level, event_name(type(notice)), **_fields(notice))


def event_name(kind: type[Notice]) -> str:
    """`ServersChanged` gives `servers_changed`."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", kind.__name__).lower()


def _fields(notice: Notice) -> EventDict:
    """The fields; short durations in milliseconds, since that is the scale of what happens."""
    found: EventDict = {}
    for field in dataclasses.fields(notice):
        value = getattr(notice, field.name)
        if field.name in _SHOWN_AS_MS:
            found[field.name.removesuffix("_s") + "_ms"] = round(value * 1000, 2)
        elif isinstance(value, float):
            found[field.name] = round(value, 2)
        else:
            found[field.name] = value
    return found

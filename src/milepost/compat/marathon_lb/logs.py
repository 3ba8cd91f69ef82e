"""The log as marathon-lb's flags describe it: Python's logging, to standard error and to syslog."""

import logging
import logging.handlers
import stat
from pathlib import Path

from milepost.compat.marathon_lb.arguments import Arguments

NAME = "marathon_lb"
"""What `%(name)s` of a format shows, for whoever reads the lines by it."""

_NOWHERE = "/dev/null"
_TOP = "milepost"


def set_up_logs(arguments: Arguments) -> None:
    """Standard error, and the syslog socket where there is one: without it the start goes on (its Q4)."""
    formatter = logging.Formatter(arguments.log_format)
    handlers: list[logging.Handler] = [logging.StreamHandler()]
    missing = ""
    if arguments.syslog_socket != _NOWHERE:
        try:
            handlers.append(_syslog(Path(arguments.syslog_socket)))
        except OSError as error:
            missing = f"no syslog at {arguments.syslog_socket} ({error.strerror}): the log goes to standard error only"
    for handler in handlers:
        handler.setFormatter(formatter)
        handler.addFilter(_under_one_name)
    root = logging.getLogger()
    root.handlers = handlers
    root.setLevel(max(arguments.log_level, logging.WARNING))  # libraries only speak from here on
    logging.getLogger(_TOP).setLevel(arguments.log_level)
    logging.getLogger(NAME).setLevel(arguments.log_level)
    if missing:
        logging.getLogger(NAME).info(missing)


def log_notices_here() -> None:
    """Have milepost's notices go to this log, as `event name=value ...`."""
    import structlog  # a one-shot has no notices, and this takes it a tenth of its time

    structlog.configure(
        processors=[structlog.processors.LogfmtRenderer(key_order=["event"], drop_missing=True)],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLogger(NAME).level),
        logger_factory=lambda *_: logging.getLogger(NAME),
        cache_logger_on_first_use=False,
    )


def _syslog(socket: Path) -> logging.Handler:
    """Raises OSError where no socket is there: Python before 3.11 would, later ones complain at each line."""
    if not stat.S_ISSOCK(socket.stat().st_mode):
        raise OSError(0, "it is no socket")
    return logging.handlers.SysLogHandler(str(socket))


def _under_one_name(record: logging.LogRecord) -> bool:
    if record.name.startswith(_TOP):
        record.name = NAME
    return True

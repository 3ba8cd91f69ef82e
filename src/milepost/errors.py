"""What milepost raises on purpose. The CLI prints these without a traceback.

    MilepostError                exit 3
    ├── SettingsError            exit 2   the configuration cannot be used
    ├── SourceError              exit 5   a scheduler or a file of apps could not be read
    └── ProxyError               exit 4
        ├── ProxyGone                     nothing answers at the proxy's sockets
        ├── ConfigRefused                 the proxy's own check said no; the old one serves
        ├── CommandRefused                a runtime command was not carried out
        └── Overdue                       a program did not end in time, and was ended

Exit 1 says "differs" or "has problems" (`diff`, `lint`, `demo --once`), "clients are still there" (`proxy drain`) or
"it failed" (`local deployments -f`),
2 is a usage error.
"""

from typing import ClassVar


class MilepostError(Exception):
    """Base of all errors that milepost raises on purpose."""

    exit_code: ClassVar[int] = 3


class SettingsError(MilepostError):
    """A key, an environment variable or an option that cannot be used; the message names it and what would be right."""

    exit_code = 2


class SourceError(MilepostError):
    """A source could not be read. The message says which, what was wrong; the last snapshot stays."""

    exit_code = 5


class ProxyError(MilepostError):
    """A proxy could not be started, reached or changed; the message says what serves now."""

    exit_code = 4


class ProxyGone(ProxyError):
    """Nothing answers at the proxy's socket, or what answered has gone."""


class ConfigRefused(ProxyError):
    """The proxy's check refused a configuration; what ran before still runs."""


class CommandRefused(ProxyError):
    """The proxy answered a runtime command with something else than success."""


class Overdue(ProxyError):
    """A program that the proxy needs did not end in the time that it had, and was ended."""

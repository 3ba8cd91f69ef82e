"""An owner's mistake, as a value: it never stops the other apps."""

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """ERROR: something the owner asked for does not happen. WARNING: it happens, but differently."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """What is wrong, where it comes from, and what would be right.

    `subject` is the place inside the app: a label's name, `task <id>`, `port 10000`, `app`.
    `app_id` is empty for a problem of no single app.
    """

    app_id: str
    subject: str
    message: str
    severity: Severity = Severity.ERROR

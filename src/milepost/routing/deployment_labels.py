"""The labels of a deployment in two colours: who belongs together, and how far it has come.

`milepost zdd` writes them (marathon-lb-behaviour.md 18 and 19.2). Most are read only where two apps of one group meet.
"""

from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any

from milepost.routing.grammar import Wrong
from milepost.routing.label import Label, Scope


def _read_text(text: str) -> str | Wrong:
    return text


def read_group_id(text: str) -> str | Wrong:
    """The id under which the apps of a group are served, "" for none."""
    return text if text.startswith("/") or not text else f"/{text}"


def read_date(text: str) -> datetime | Wrong:
    """A date in ISO 8601, or as mails have it. Without a zone it stays without one."""
    for parse in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            return parse(text.strip())
        except ValueError:
            continue
    return Wrong("a date such as 2026-01-31T12:00:00")


def read_count(text: str) -> int | Wrong:
    digits = text.strip()
    if digits.isascii() and digits.removeprefix("-").isdecimal() and len(digits) <= 9:
        return int(digits)
    return Wrong("a whole number")


GROUP = Label(
    "DEPLOYMENT_GROUP",
    Scope.APP,
    read_group_id,
    read_group_id,
    "the app is served by itself",
    "The apps with one such name are one: they are served under it as if it were their app id, with the labels, ports "
    "and checks of the older one, and the tasks of both. See [zdd.md](zdd.md).",
)
STARTED_AT = Label(
    "DEPLOYMENT_STARTED_AT",
    Scope.APP,
    read_date,
    read_date,
    "older than any that has one",
    "When the deployment of this colour began: tells the older colour of a group from the newer one.",
)
NEW_INSTANCES = Label(
    "DEPLOYMENT_NEW_INSTANCES",
    Scope.APP,
    _read_text,
    _read_text,
    "the roles follow from the dates alone",
    "How many instances the newer colour is meant to have for good, 0 for all. With it, whatever its value, the colour "
    "that was scaled last counts as the newer one.",
)
TARGET_INSTANCES = Label(
    "DEPLOYMENT_TARGET_INSTANCES",
    Scope.APP,
    read_count,
    read_count,
    "1",
    "How many instances both colours are meant to have together: a task of the older one is drained where that many "
    "are left without it.",
)
COLOUR = Label(
    "DEPLOYMENT_COLOUR",
    Scope.APP,
    _read_text,
    _read_text,
    "none",
    "Which of the two this is, blue or green. For `milepost zdd` alone.",
)
ALT_PORT = Label(
    "DEPLOYMENT_ALT_PORT",
    Scope.APP,
    _read_text,
    _read_text,
    "none",
    "The service port that the second colour is given, since two apps cannot have one. For `milepost zdd` alone.",
)
APP_ID = Label(
    "APP_ID",
    Scope.APP,
    _read_text,
    _read_text,
    "none",
    "The app's id before it was given a colour. `milepost zdd` writes it; nothing reads it.",
)

DEPLOYMENT: tuple[Label[Any], ...] = (
    GROUP,
    STARTED_AT,
    NEW_INSTANCES,
    TARGET_INSTANCES,
    COLOUR,
    ALT_PORT,
    APP_ID,
)

"""Labels that look like ours but have no effect."""

import difflib
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from itertools import islice

from milepost.model.problem import Problem, Severity
from milepost.routing import marathon_lb
from milepost.routing.label import Scope
from milepost.routing.labels import TABLE

_MOST_WARNINGS = 20  # of one app
_KEY = re.compile(r"HAPROXY_(?:(0|[1-9][0-9]*)_)?(.+)", re.DOTALL)


def unused(app_id: str, labels: Mapping[str, str], ports: int) -> Iterator[Problem]:
    """A warning for each label that looks like one of ours but has no effect. `ports`: how many the app has.

    For the first of them only: an app with thousands would keep all others waiting.
    """
    ours = (key for key in labels if key.startswith("HAPROXY_"))
    reasons = ((key, message) for key in ours if (message := _why_unused(key, ports)))
    for key, message in islice(reasons, _MOST_WARNINGS):
        yield Problem(app_id, key, message, Severity.WARNING)


@lru_cache(maxsize=4096)  # most apps have the same few
def _why_unused(key: str, ports: int) -> str:
    match = _KEY.fullmatch(key)
    index, name = match.groups() if match else (None, "")
    scope = Scope.APP if index is None else Scope.PORT
    if scope is Scope.PORT and name in marathon_lb.WITHOUT_EFFECT:
        return "has no effect: hosts and app ids lead to apps through maps anyway"
    is_template = scope is Scope.PORT and name in marathon_lb.TEMPLATES  # who reads the port tells what comes of it
    if is_template or any(label.name == name and scope in label.scope for label in TABLE):
        is_beyond = index is not None and (len(index) > 5 or int(index) >= ports)
        return f"has no effect: the app has {ports} service ports, counted from 0" if is_beyond else ""
    return f"unknown label, ignored{_nearest(index, name)}"


def _nearest(index: str | None, name: str) -> str:
    found = _nearest_name(name.upper())
    if not found:
        return ""
    scope = next((label.scope for label in TABLE if label.name == found), Scope.PORT)
    is_of_app = scope == Scope.APP or (scope == Scope.APP | Scope.PORT and index is None)
    return f"; did you mean HAPROXY_{'' if is_of_app else f'{index or 0}_'}{found}?"


@lru_cache(maxsize=1024)  # a millisecond each, and many apps make one mistake
def _nearest_name(name: str) -> str:
    known = [label.name for label in TABLE] + sorted(marathon_lb.TEMPLATES)
    return next(iter(difflib.get_close_matches(name, known, n=1)), "")

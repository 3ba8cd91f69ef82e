"""Which actions of HAProxy's rules an owner may write (its manual, 4.2 `http-request` and the like). Default deny.

Refused on purpose: services and Lua, what reads a file, what writes outside the request or the connection (maps, ACLs,
process variables, captures, log levels, marks of packets), what changes where a connection goes.
"""

import re
from collections.abc import Mapping, Sequence
from enum import Enum, auto
from types import MappingProxyType

from milepost.proxies.haproxy.raw.expressions import check_condition, check_expression, check_format
from milepost.proxies.haproxy.raw.options import options_of
from milepost.proxies.haproxy.raw.refused import Refused


class Action(Enum):
    """What may stand between an action's name and its condition."""

    FORMATS = auto()  # words in which samples may stand
    SAMPLE = auto()  # an expression: set-var, track-sc
    ANSWER = auto()  # the parts of an answer: return, deny


_ANSWERS = frozenset({"return", "deny", "tarpit"})
_SAMPLED = frozenset({"set-var", "track-sc0", "track-sc1", "track-sc2"})
_REWRITES = ("add-header", "set-header", "del-header", "replace-header", "replace-value")
_PLAIN = ("allow", "silent-drop", "unset-var", "redirect")
_OF_REQUESTS = ("auth", "set-path", "set-pathq", "set-uri", "set-query", "set-method", "replace-path", "replace-pathq")
_MORE_OF_REQUESTS = ("replace-uri", "disable-l7-retry", "set-timeout", "reject", "wait-for-handshake")

HTTP_REQUEST: Mapping[str, Action] = MappingProxyType(
    {
        **dict.fromkeys((*_PLAIN, *_REWRITES, *_OF_REQUESTS, *_MORE_OF_REQUESTS), Action.FORMATS),
        **dict.fromkeys(_ANSWERS, Action.ANSWER),
        **dict.fromkeys(_SAMPLED, Action.SAMPLE),
    }
)
HTTP_RESPONSE: Mapping[str, Action] = MappingProxyType(
    {
        **dict.fromkeys((*_PLAIN, *_REWRITES, "set-status"), Action.FORMATS),
        **dict.fromkeys(("return", "deny"), Action.ANSWER),
        "set-var": Action.SAMPLE,
    }
)
TCP: Mapping[str, Action] = MappingProxyType(
    {
        **dict.fromkeys(("accept", "reject", "silent-drop", "close", "unset-var"), Action.FORMATS),
        **dict.fromkeys(_SAMPLED, Action.SAMPLE),
    }
)

_OF_ANSWERS: Mapping[str, int] = MappingProxyType(
    {
        **dict.fromkeys(("status", "deny_status", "content-type", "string", "lf-string"), 1),
        "hdr": 2,
    }
)
_VARIABLE = re.compile(r"(set-var|unset-var)\((sess|txn|req|res)\.[A-Za-z0-9_.]+\)")


def check_action(words: Sequence[str], allowed: Mapping[str, Action], userlist: str) -> None:
    """An action with its arguments and condition. Raises Refused."""
    name = words[0].partition("(")[0] if words else ""
    if name not in allowed:
        raise Refused(f"the action {name!r} is not among those that are allowed")
    if ("(" in words[0] or name in ("set-var", "unset-var")) and not _VARIABLE.fullmatch(words[0]):
        raise Refused(f"{words[0]}: only variables of a session or a request are allowed")
    at = next((number for number, word in enumerate(words) if word in ("if", "unless")), len(words))
    arguments = words[1:at]
    for word in arguments:
        check_format(word, userlist)
    if allowed[name] is Action.ANSWER:
        list(options_of(arguments, _OF_ANSWERS))
    elif allowed[name] is Action.SAMPLE:
        if len(arguments) != 1:
            raise Refused(f"{name}: expected one sample")
        check_expression(arguments[0], userlist)
    check_tail(words[at:], userlist)


def check_tail(words: Sequence[str], userlist: str) -> None:
    """Nothing, or `if` or `unless` and a condition. Raises Refused."""
    if not words:
        return
    if words[0] not in ("if", "unless"):
        raise Refused(f"expected if or unless, got {words[0]!r}")
    check_condition(words[1:], userlist)

"""How the text of a label is read: each parser gives a typed value, or says what would be right.

What passes here reaches a proxy's configuration, so nothing may: end a line, quote, start a comment, or add a word
where one is expected (haproxy-mechanics.md 11 tells what such text can do). Each parser therefore allows known
characters; none escapes. Those with `_as_written` keep marathon-lb's reading, odd but harmless values included.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address
from typing import TypeAlias, TypeVar

from milepost.model.routing import Retries

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Wrong:
    """The text cannot be read; `right` completes "expected ..."."""

    right: str


Parser: TypeAlias = Callable[[str], T | Wrong]


@dataclass(frozen=True, slots=True)
class Hosts:
    """The names of a VHOST label. `several` tells whether it was written as a list."""

    names: tuple[str, ...]
    several: bool


_TRUE = frozenset({"true", "t", "yes", "y"})
_FALSE = frozenset({"false", "f", "no", "n"})
_WORD_MARKS = frozenset("._:*-")
_WITHOUT_EXPRESSION_MARKS = str.maketrans("", "", "\\^$+?()[]|")
_PATH_MARKS = frozenset("/-._~!&()*+,;=:@%?")
_BALANCE = re.compile(
    r"roundrobin|static-rr|leastconn|first|source"
    r"|random(?:\([1-9][0-9]{0,3}\))?"
    r"|uri(?: whole| path-only| len [1-9][0-9]{0,4}| depth [1-9][0-9]{0,4}){0,4}"
    r"|url_param [A-Za-z0-9_.-]+(?: check_post(?: [0-9]{1,5})?)?"
    r"|hdr\([A-Za-z0-9_-]+\)(?: use_domain_only)?"
    r"|rdp-cookie(?:\([A-Za-z0-9_-]+\))?"
)
_SHARE = re.compile(r"0|1|0?\.[0-9]{1,9}|0\.|1\.0{0,9}", re.ASCII)
_BALANCE_WORDS = re.compile(r"[A-Za-z0-9_.,()-]+(?: [A-Za-z0-9_.,()-]+)*")
_FAILURES = frozenset(
    {"conn-failure", "empty-response", "junk-response", "response-timeout"}
    | {"404", "408", "425", "500", "501", "502", "503", "504"}
)
ANY_METHOD = "any-method"
_MOST_PATHS = 40  # HAProxy reads at most 64 words of a line


def read_truth(text: str) -> bool | Wrong:
    word = text.strip().lower()
    if word in _TRUE | {"1", "on"}:
        return True
    return False if word in _FALSE | {"0", "off"} else Wrong("true or false")


def read_truth_as_written(text: str) -> bool | Wrong:
    """marathon-lb-behaviour.md 10.1: whatever is not exactly a word for true is false."""
    return text.lower() in _TRUE


def read_groups(text: str) -> tuple[str, ...] | Wrong:
    return tuple(group.strip() for group in text.split(","))


def read_groups_as_written(text: str) -> tuple[str, ...] | Wrong:
    return tuple(text.split(","))


def read_port(text: str) -> int | Wrong:
    digits = text.strip()
    if digits.isascii() and digits.isdecimal() and len(digits) <= 5 and 1 <= int(digits) <= 65_535:
        return int(digits)
    return Wrong("a port, 1 to 65535")


def read_port_as_written(text: str) -> int | Wrong:
    """As Python's int() reads it, since that is what marathon-lb used."""
    try:
        return int(text)
    except ValueError:
        return Wrong("a number")


def read_share(text: str) -> float | Wrong:
    return float(text) if _SHARE.fullmatch(text.strip()) else Wrong("a number from 0 to 1, such as 0.5")


def read_mode(text: str) -> str | Wrong:
    mode = text.strip().lower()
    return mode if mode in ("http", "tcp") else Wrong("http or tcp")


def read_mode_as_written(text: str) -> str | Wrong:
    """Lowered, blanks around it kept: `http ` is not http (case mode-values), and neither is nothing."""
    word = text.strip(" ")
    return text.lower() if not word or _is_word(word) else Wrong("http or tcp")


def read_balance(text: str) -> str | Wrong:
    """An algorithm of HAProxy 2.6 with its arguments (configuration manual, `balance`)."""
    words = " ".join(text.split())
    right = "an algorithm of HAProxy's `balance`, such as leastconn, source, uri depth 3 or hdr(X-User)"
    return words if _BALANCE.fullmatch(words) else Wrong(right)


def read_balance_as_written(text: str) -> str | Wrong:
    """Without any word HAProxy takes its default."""
    words = " ".join(word for word in text.split(" ") if word)
    return words if not words or _BALANCE_WORDS.fullmatch(words) else Wrong("an algorithm of HAProxy's `balance`")


def read_retries(text: str) -> Retries | Wrong:
    """The failures that are known to both versions of HAProxy and mean one thing (its manual, `retry-on`)."""
    words = tuple(dict.fromkeys(text.replace(",", " ").lower().split()))
    failures = tuple(word for word in words if word != ANY_METHOD)
    if words == ("none",):
        return Retries(())
    if not failures or not _FAILURES.issuperset(failures):
        return Wrong(f"none, or some of {', '.join(sorted(_FAILURES))}, beside them {ANY_METHOD}")
    return Retries(failures, ANY_METHOD in words)


def read_bind_address(text: str) -> str | Wrong:
    """Never a socket: `unix@`, `fd@` and `abns@` reach what the balancer's operator alone may offer."""
    address = text.strip()
    if address == "*":
        return address
    try:
        found = ip_address("" if "%" in address else address.removeprefix("[").removesuffix("]"))
    except ValueError:
        return Wrong("an IP address, or * for all")
    mapped = found.ipv4_mapped if isinstance(found, IPv6Address) else None  # binds that very IPv4 address
    return str(mapped or found)


def read_bind_address_as_written(text: str) -> str | Wrong:
    bare = text.removeprefix("[").removesuffix("]")
    return text if text == "" or _is_word(bare) else Wrong("an IP address, a host name, or * for all")


def read_hosts_as_written(text: str) -> Hosts | Wrong:
    """Lowered, nothing else: blanks round a name, empty and repeated names stay (its Q48)."""
    names = tuple(text.lower().split(","))
    for name in names:
        if name.strip(" ") and not _is_expression(name.strip(" ")):
            return Wrong(f"host names, separated by commas ({name[:80]!r} is none)")
    return Hosts(names, several=len(names) > 1) if text else Hosts((), several=False)


def read_path(text: str) -> tuple[str, ...] | Wrong:
    """Words for HAProxy's `path_beg`: path prefixes, before them `-i` for any case."""
    words = tuple(text.split())
    right = "paths that begin with /, separated by blanks, before them -i for any case"
    if len(words) > _MOST_PATHS:
        return Wrong(f"at most {_MOST_PATHS} paths")
    paths = words[1:] if words[:1] == ("-i",) else words
    if not all(path.isascii() and is_path(path) for path in paths):
        return Wrong(right)
    return words if paths or not words else Wrong(right)


def read_path_as_written(text: str) -> tuple[str, ...] | Wrong:
    words = tuple(word for word in text.split(" ") if word)
    paths = words[1:] if words[:1] == ("-i",) else words
    return words if all(is_path(path) for path in paths) else Wrong("paths that begin with /")


def is_path(text: str) -> bool:
    """Whether `text` is one word that begins with "/", without anything that is special to HAProxy."""
    return text.startswith("/") and all(char.isalnum() or char in _PATH_MARKS for char in text)


def _is_word(text: str) -> bool:
    """One word that is no flag: letters and digits (of any script), dots, colons, underscores, dashes, asterisks."""
    return text[:1] not in ("", "-") and all(char.isalnum() or char in _WORD_MARKS for char in text)


def _is_expression(text: str) -> bool:
    """The same, or a regular expression: owners wrote them for templates of their own that look hosts up by one."""
    plain = text.translate(_WITHOUT_EXPRESSION_MARKS)
    return not text.endswith("\\") and not text.startswith("-") and (not plain or _is_word(plain.lstrip("-")))

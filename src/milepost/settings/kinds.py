"""The types of settings: how each is read from TOML, from a word (environment, option), and what it expects."""

import ipaddress
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Generic, TypeVar
from urllib.parse import urlsplit

from milepost.sources.addresses import is_dns_name, literal

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

_BARE = "/._-+@=~"  # what a path of HAProxy's may hold besides letters and digits
_BARE_WORDS = "/._-+@=:,[] "  # and what other words of it may

_SOURCE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,31}")
_APP_ID = re.compile(r"/?[A-Za-z0-9._-]+(?:/[A-Za-z0-9._-]+)*")
_LONGEST_TIMEOUT_S = 2_000_000


@dataclass(frozen=True, slots=True)
class Listen:
    """Where a listener of milepost's own stands. Port 0: any free one."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Kind(Generic[T_co]):
    """One type of setting.

    `word` reads a value from text; `toml` are the types in which TOML may hold it. What does not fit raises a
    ValueError; the message for people is then made of `expected`.
    """

    expected: str
    word: Callable[[str], T_co]
    toml: tuple[type, ...] = (str,)
    is_list: bool = False
    is_flag: bool = False
    is_secret: bool = False
    separator: str = ","

    def from_toml(self, value: object) -> T_co:
        """A value as `tomllib` gives it. TOML's types are kept apart: neither `"80"` nor `true` is a number."""
        if type(value) not in self.toml:
            raise ValueError
        if isinstance(value, list):
            return self.from_words(value)
        return self.word(str(value).lower() if isinstance(value, bool) else str(value))

    def from_words(self, words: list[object]) -> T_co:
        """A list from its members. None may be empty or hold the separator: in a variable that could not be written."""
        texts = [word for word in words if isinstance(word, str) and word.strip() and self.separator not in word]
        if len(texts) < len(words):
            raise ValueError
        return self.word(self.separator.join(texts))


@dataclass(frozen=True, slots=True)
class TableKind(Kind[Mapping[str, str]]):
    """A table of texts: the file alone can hold one."""

    def from_toml(self, value: object) -> Mapping[str, str]:
        if not isinstance(value, dict) or not all(isinstance(text, str) for text in value.values()):
            raise ValueError
        return value


def _no_word(_: str) -> Mapping[str, str]:
    raise ValueError


def listed(kind: Kind[T], expected: str, separator: str = ",") -> Kind[tuple[T, ...]]:
    """A list of `kind`: an array in TOML, separated in a variable, a repeated option."""

    def words(text: str) -> tuple[T, ...]:
        return tuple(kind.word(part.strip()) for part in text.split(separator)) if text.strip() else ()

    return Kind(expected, words, toml=(list,), is_list=True, separator=separator)


def one_of(*choices: str) -> Kind[str]:
    def choose(text: str) -> str:
        if text not in choices:
            raise ValueError
        return text

    return Kind("one of " + ", ".join(f'"{choice}"' for choice in choices), choose)


def or_none(kind: Kind[T]) -> Kind[T | None]:
    """`kind`, for a setting that has no value unless one is given; an empty text gives none."""
    word = kind.word
    return Kind(f'{kind.expected}, or ""', lambda text: word(text) if text else None, toml=kind.toml)


def _whole(low: int, high: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not (text.isascii() and text.isdecimal()) or not low <= int(text) <= high:
            raise ValueError
        return int(text)

    return read


def _seconds(text: str) -> float:
    value = float(text)
    if not 0.0 < value < 1e9:
        raise ValueError
    return value


def _timeout(text: str) -> float:
    """HAProxy counts milliseconds, in 31 bits."""
    value = _seconds(text)
    if not 0.001 <= value <= _LONGEST_TIMEOUT_S:
        raise ValueError
    return value


def _share(text: str) -> float:
    value = float(text)
    if not 0.0 <= value <= 1.0:
        raise ValueError
    return value


def _seconds_or_off(text: str) -> float:
    return 0.0 if float(text) == 0.0 else _timeout(text)


def _flag(text: str) -> bool:
    words = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
    if text.lower() not in words:
        raise ValueError
    return words[text.lower()]


def _url(text: str) -> str:
    parts = urlsplit(text)
    usable = parts.scheme in ("http", "https") and parts.hostname and "@" not in parts.netloc
    if not usable or parts.query or parts.fragment or parts.port == 0:
        raise ValueError
    return text.rstrip("/")


def _bind_address(text: str) -> str:
    """No zone behind it: what follows a `%` may be any text."""
    if "%" in text:
        raise ValueError
    return "*" if text == "*" else str(ipaddress.ip_address(text))


def _network(text: str) -> str:
    """In the form that HAProxy compares with; an address is a network of one."""
    return str(ipaddress.ip_network(text, strict=False))


def _networks(most: int) -> Callable[[str], tuple[str, ...]]:
    def read(text: str) -> tuple[str, ...]:
        found = tuple(_network(part.strip()) for part in text.split(",")) if text.strip() else ()
        if len(found) > most:
            raise ValueError
        return tuple(dict.fromkeys(found))

    return read


def _account(text: str) -> str:
    """A name that stands in HAProxy's text as it is; "" for none."""
    if text and not (text.isascii() and text.replace("-", "_").replace(".", "_").isidentifier()):
        raise ValueError
    return text


def _listen(text: str) -> Listen:
    host, colon, port = text.rpartition(":")
    bare = host.removeprefix("[").removesuffix("]")
    if not colon or not bare or (":" in bare) != host.startswith("["):
        raise ValueError
    return Listen(bare, _whole(0, 65535)(port))


def _server_address(text: str) -> Listen:
    address = _listen(text)
    if not address.port or (literal(address.host) is None and not is_dns_name(address.host)):
        raise ValueError
    return address


def _matching(pattern: re.Pattern[str]) -> Callable[[str], str]:
    def read(text: str) -> str:
        if not pattern.fullmatch(text):
            raise ValueError
        return text

    return read


def _source_name(text: str) -> str:
    """`static` names the services of the file itself, `marathon` the cluster without a name."""
    if text in ("static", "marathon") or (text and not _SOURCE_NAME.fullmatch(text)):
        raise ValueError
    return text


def _port_range(text: str) -> tuple[int, int]:
    low, _, high = text.partition("-")
    first, last = _whole(1, 65535)(low), _whole(1, 65535)(high)
    if first > last:
        raise ValueError
    return first, last


def _one_line(text: str) -> str:
    """HAProxy's text is made of lines: a line break or another control character is nowhere meant."""
    if not text.isprintable():
        raise ValueError
    return text


def _name(text: str) -> str:
    if not text.isidentifier() or not text.isascii():
        raise ValueError
    return text


def _file(text: str) -> Path:
    """Absolute: HAProxy and our own file name paths too, whatever directory they are read in."""
    if not text or not text.isprintable():
        raise ValueError
    return Path(text).absolute()


def _bare_file(text: str) -> Path:
    """A path that stands as it is in HAProxy's text and command line, where blanks and commas have a meaning."""
    path = _file(text)
    if not all(sign.isalnum() or sign in _BARE for sign in str(path)):
        raise ValueError
    return path


def _bare_words(text: str) -> str:
    """Words that stand in HAProxy's text as they are: no quotes, comments, variables or escapes."""
    words = " ".join(text.split())
    if not all(sign.isalnum() or sign in _BARE_WORDS for sign in words):
        raise ValueError
    return words


TEXT = Kind("a text on one line", _one_line)
BARE_WORDS = Kind(f'words of letters, digits and "{_BARE_WORDS.strip()}"', _bare_words)
SECRET_TEXT = Kind("a text", str, is_secret=True)
SECRET = replace(TEXT, is_secret=True)
FLAG = Kind("true or false", _flag, toml=(bool,), is_flag=True)
PORT = Kind("a port number 0..65535", _whole(0, 65535), toml=(int,))
SECONDS = Kind("seconds, a number above 0", _seconds, toml=(int, float))
SECONDS_OR_OFF = Kind(f"seconds up to {_LONGEST_TIMEOUT_S}; 0 switches it off", _seconds_or_off, toml=(int, float))
TIMEOUT = Kind(f"seconds, 0.001 to {_LONGEST_TIMEOUT_S}", _timeout, toml=(int, float))
SHARE = Kind("a number from 0 to 1", _share, toml=(int, float))
COUNT = Kind("a whole number from 1", _whole(1, 1_000_000_000), toml=(int,))
FILE = Kind("a path", _file)
BARE_FILE = Kind(f'a path of letters, digits and "{_BARE}"', _bare_file)
LISTEN = Kind('"host:port" ("[address]:port" for IPv6)', _listen)
PORT_RANGE = Kind('two ports "first-last"', _port_range)
TEXTS = listed(TEXT, "a list of texts without commas")
LINES = listed(TEXT, "a list of lines; in a variable each stands on a line of its own", separator="\n")
BARE_FILES = listed(BARE_FILE, f'a list of paths of letters, digits and "{_BARE}"')
URLS = listed(Kind("a URL", _url), 'a list of URLs "http://host:port" without credentials')
BIND_ADDRESSES = listed(Kind("an address", _bind_address), 'a list of IP addresses, or ["*"] for all')
FEW_NETWORKS = Kind("a list of at most 40 IP addresses and networks", _networks(40), toml=(list,), is_list=True)
NETWORKS = Kind("a list of at most 200 IP addresses and networks", _networks(200), toml=(list,), is_list=True)
LISTENERS = listed(one_of("http", "https", "appid", "services"), 'a list of "http", "https", "appid", "services"')
ACCOUNT = Kind('a name, or ""', _account)
NAMES = listed(Kind("a name", _name), "a list of names of environment variables")
SERVICE_PORT = Kind("a port number 1..65535", _whole(1, 65535), toml=(int,))
SOURCE_NAME = Kind('up to 32 letters, digits, "-" and "_", but not "static" or "marathon"', _source_name)
APP_ID = Kind('letters, digits, ".", "_" and "-", with "/" between parts', _matching(_APP_ID))
SERVER_ADDRESSES = listed(Kind("an address", _server_address), 'a list of "host:port", host a name or IP address')
LABELS = TableKind("a table of texts", _no_word, toml=(dict,))

"""The `server` line that an owner's templates make, as the parts of a `Server`: so a task can be added at run time."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from milepost.proxies.haproxy.raw.expressions import check_expression
from milepost.proxies.haproxy.raw.options import SERVER, options_of
from milepost.proxies.haproxy.raw.refused import Refused
from milepost.proxies.haproxy.raw.words import lines_of

# Such a word means the same in the file and in `add server`, where a `;` would begin another command.
_PLAIN = re.compile(r"[A-Za-z0-9_.,:/@%()\[\]=!+*<>-]+")


@dataclass(frozen=True, slots=True)
class ServerLine:
    """`host` and `port` as they stand there; each of `options` with its arguments."""

    host: str
    port: int
    options: tuple[str, ...]


def server_line(text: str, userlist: str, *, is_trusted: bool) -> ServerLine | None:
    """The one line of `text`, None where it has none. Raises Refused."""
    lines = list(lines_of(text))
    if not lines:
        return None
    words = lines[0].words
    if len(lines) > 1 or words[0] != "server" or len(words) < 3:
        raise Refused("expected one line: server, a name, an address and options")
    if any(line.expands for line in lines):
        raise Refused("variables of the environment are not allowed")
    host, _, port = words[2].rpartition(":")
    if not host or not port.isascii() or not port.isdecimal() or not 1 <= int(port) <= 65_535:
        raise Refused(f"{words[2]!r}: expected an address and a port")
    options = tuple(_options(words[3:], userlist, is_trusted=is_trusted))
    return ServerLine(host.removeprefix("[").removesuffix("]"), int(port), options)


def option_words(text: str, userlist: str, *, is_trusted: bool) -> str:
    """Words for a server that stand in a template of their own (the health check's). Raises Refused."""
    lines = list(lines_of(text))
    if any(line.expands for line in lines):
        raise Refused("variables of the environment are not allowed")
    words = [word for line in lines for word in line.words]
    return " ".join(_options(words, userlist, is_trusted=is_trusted))


def _options(words: Sequence[str], userlist: str, *, is_trusted: bool) -> Iterator[str]:
    odd = next((word for word in words if not _PLAIN.fullmatch(word)), None)
    if odd is not None:
        raise Refused(f"{odd!r}: expected words without blanks, quotes and signs that mean something to HAProxy")
    found = _as_they_are(words) if is_trusted else options_of(words, SERVER)
    for option in found:
        if option[0] == "sni" and not is_trusted:
            check_expression(option[1], userlist)
        if option[0] != "id":  # ours follows from the server's name
            yield " ".join(option)


def _as_they_are(words: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """What an operator who trusts owners lets through: an unknown word is an option without argument."""
    rest = list(words)
    while rest:
        count = 1 + SERVER.get(rest[0], 0)
        yield tuple(rest[:count])
        del rest[:count]

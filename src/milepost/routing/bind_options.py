"""How BIND_OPTIONS is read: words of HAProxy's `bind` that concern the one listener alone (its manual, 5.1).

Not among them: whatever names a socket, a user, a process or another file, or changes who is served first.
"""

import re
from collections.abc import Mapping

from milepost.model.routing import Binding
from milepost.routing.grammar import Wrong
from milepost.routing.grammar_lines import is_one_line

_NUMBER = re.compile(r"[1-9][0-9]{0,5}")
_TIME = re.compile(r"[1-9][0-9]{0,5}(?:ms|s|m)?")
_NAMES = re.compile(r"[A-Za-z0-9!+@:,._/=-]{1,1500}")
_FILE = re.compile(r"/[A-Za-z0-9._/+-]{1,255}")
_VERSION = re.compile(r"TLSv1\.[0-3]")

FLAGS = frozenset(
    {"accept-proxy", "defer-accept", "force-tlsv12", "force-tlsv13", "no-sslv3", "no-tls-tickets", "no-tlsv10"}
    | {"no-tlsv11", "no-tlsv12", "no-tlsv13", "prefer-client-ciphers", "ssl", "tfo", "v4v6", "v6only"}
)
WITH_VALUE: Mapping[str, re.Pattern[str]] = {
    "alpn": re.compile(r"(?:h2|http/1\.[01])(?:,(?:h2|http/1\.[01]))*"),
    "backlog": _NUMBER,
    "ciphers": _NAMES,
    "ciphersuites": _NAMES,
    "crt": _FILE,
    "curves": _NAMES,
    "ecdhe": _NAMES,
    "maxconn": _NUMBER,
    "mss": _NUMBER,
    "ssl-max-ver": _VERSION,
    "ssl-min-ver": _VERSION,
    "tcp-ut": _TIME,
}
SSL = "ssl"
KNOWN = ", ".join(f"`{word}`" for word in sorted(FLAGS | WITH_VALUE.keys()))

_MOST_WORDS = 40  # HAProxy reads at most 64 words of a line


def read_bind_options(text: str) -> Binding | Wrong:
    """The certificate that `crt` names, and all other words. `ssl` stays among them where `crt` is not."""
    words = text.split()
    if len(words) > _MOST_WORDS:
        return Wrong(f"at most {_MOST_WORDS} words")
    certificates: list[str] = []
    options: list[str] = []
    left = iter(words)
    for word in left:
        value = next(left, "") if word in WITH_VALUE else None
        if word not in FLAGS and (value is None or not WITH_VALUE[word].fullmatch(value)):
            return Wrong(f"only options of the listener itself ({word[:80]!r} is none, or its value is not)")
        if word == "crt" and value:
            certificates.append(value)
        else:
            options += [word] if value is None else [word, value]
    if len(certificates) > 1:
        return Wrong("one certificate at most")
    if not certificates:
        return Binding(None, " ".join(options))
    return Binding(certificates[0], " ".join(word for word in options if word != SSL))


def read_bind_options_as_written(text: str) -> Binding | Wrong:
    return Binding(None, text) if is_one_line(text) else Wrong("words in one line")

"""How labels are read that hold more than a word: credentials, networks, pieces of HAProxy's lines.

The rule of `grammar.py` holds: what passes cannot end a line, quote, start a comment or expand a variable. Those with
`_as_written` take any text of one line, since marathon-lb pasted it as it was.
"""

import re
from ipaddress import ip_network

from milepost.model.routing import Auth
from milepost.routing.grammar import Wrong

_REALM = re.compile(r"[A-Za-z0-9 ._/@()+,-]{0,128}")
_USER = re.compile(r"[A-Za-z0-9._@+-]{1,128}")
_HASH = re.compile(r"[A-Za-z0-9./$=,_-]{1,256}")
_REWRITTEN_PATH = re.compile(r"/[A-Za-z0-9/._~-]{0,255}")
_TARGET = re.compile(r"(?:https?://[A-Za-z0-9.:_-]{1,253})?/[A-Za-z0-9/._~!&()*+,;=:@?-]{0,255}")
_FILE = re.compile(r"/[A-Za-z0-9._/+-]{1,255}")
_MOST_NETWORKS = 60  # HAProxy reads at most 64 words of a line
_RIGHT_AUTH = "realm:user:password, the password as a crypt(3) hash"


def read_auth(text: str) -> Auth | Wrong:
    fields = text.split(":")
    if len(fields) != 3:
        return Wrong(_RIGHT_AUTH)
    realm, user, password = fields[0].strip(), fields[1].strip(), fields[2].strip()
    if realm and _REALM.fullmatch(realm) and _USER.fullmatch(user) and _HASH.fullmatch(password):
        return Auth(realm, user, password)
    return Wrong(f"{_RIGHT_AUTH}, none of them empty, no quotes")


def read_auth_as_written(text: str) -> Auth | Wrong:
    """Two colons, no more and no less; whatever stands between them."""
    fields = text.split(":")
    return Auth(*fields) if len(fields) == 3 and is_one_line(text) else Wrong(_RIGHT_AUTH)


def read_weight(text: str) -> int | Wrong:
    digits = text.strip()
    if digits.isascii() and digits.removeprefix("-").isdecimal() and len(digits) <= 9:
        return int(digits)
    return Wrong("a whole number")


def read_networks(text: str) -> tuple[str, ...] | Wrong:
    """Addresses and networks, as HAProxy's `src` takes them."""
    words = tuple(dict.fromkeys(text.replace(",", " ").split()))
    if len(words) > _MOST_NETWORKS:
        return Wrong(f"at most {_MOST_NETWORKS} networks")
    try:
        return tuple(str(ip_network(word, strict=False)) for word in words)
    except ValueError:
        return Wrong("networks such as 10.0.0.0/8, separated by blanks")


def read_networks_as_written(text: str) -> tuple[str, ...] | Wrong:
    return tuple(text.split()) if is_one_line(text) else Wrong("networks in one line")


def read_rewritten_path(text: str) -> str | Wrong:
    return _matched(_REWRITTEN_PATH, text, "a path that begins with /, of letters, digits and / . _ ~ -")


def read_redirect_target(text: str) -> str | Wrong:
    return _matched(_TARGET, text, "a path that begins with /, or a whole URL")


def read_certificate(text: str) -> str | Wrong:
    return _matched(_FILE, text, "the absolute path of a certificate file")


def read_line_as_written(text: str) -> str | Wrong:
    return text if is_one_line(text) else Wrong("a text of one line")


def is_one_line(text: str) -> bool:
    """Whether nothing in it ends a line for HAProxy, or for whoever reads its file."""
    return not text or (len(text.splitlines()) == 1 and text.splitlines()[0] == text and "\0" not in text)


def _matched(pattern: re.Pattern[str], text: str, right: str) -> str | Wrong:
    word = text.strip()
    return word if not word or pattern.fullmatch(word) else Wrong(right)

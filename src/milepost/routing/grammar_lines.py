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
_HASH = re.compile(
    r"\$1\$[./0-9A-Za-z]{1,8}\$[./0-9A-Za-z]{22}"
    r"|\$[56]\$(?:rounds=[0-9]{1,5}\$)?[./0-9A-Za-z]{1,16}\$(?:[./0-9A-Za-z]{43}|[./0-9A-Za-z]{86})"
    r"|\$2[abxy]\$(?:0[4-9]|1[0-2])\$[./0-9A-Za-z]{53}"
    r"|\$y\$j[0-9]T\$[./0-9A-Za-z]{1,86}\$[./0-9A-Za-z]{43}"
    r"|[./0-9A-Za-z]{13}"
)  # crypt(5); of those whose cost one may choose not the most costly, since HAProxy stands still meanwhile
_REWRITTEN_PATH = re.compile(r"/[A-Za-z0-9/._~-]{0,255}")
_PREFIX = re.compile(rf"({_REWRITTEN_PATH.pattern})(?:\\3)?")
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
    return Wrong(f"{_RIGHT_AUTH} ($5$, $6$ or the like, not too costly), none of them empty, no quotes")


def read_auth_as_written(text: str) -> Auth | Wrong:
    """Two colons, no more and no less; whatever stands between them."""
    fields = text.split(":")
    return Auth(fields[0], fields[1], fields[2]) if len(fields) == 3 and is_one_line(text) else Wrong(_RIGHT_AUTH)


def read_weight(text: str) -> int | Wrong:
    digits = text.strip()
    if digits.isascii() and digits.removeprefix("-").isdecimal() and len(digits) <= 9:
        return int(digits)
    return Wrong("a whole number")


def read_networks(text: str) -> tuple[str, ...] | Wrong:
    """Addresses and networks, as HAProxy's `src` takes them."""
    words = text.replace(",", " ").split()
    if len(words) > _MOST_NETWORKS:
        return Wrong(f"at most {_MOST_NETWORKS} networks")
    try:
        networks = [ip_network("" if "%" in word else word, strict=False) for word in words]
    except ValueError:
        return Wrong("networks such as 10.0.0.0/8, separated by blanks")
    return tuple(dict.fromkeys(map(str, networks)))


def read_networks_as_written(text: str) -> tuple[str, ...] | Wrong:
    return tuple(text.split()) if is_one_line(text) else Wrong("networks in one line")


def read_rewritten_path(text: str) -> str | Wrong:
    return _matched(_REWRITTEN_PATH, text, "a path that begins with /, of letters, digits and / . _ ~ -")


def read_redirect_prefix(text: str) -> str | Wrong:
    """The path alone: `\\3`, marathon-lb's sign for the path that follows, is put there in any case (its Q41)."""
    found = _PREFIX.fullmatch(text.strip())
    if found or not text.strip():
        return found[1] if found else ""
    return Wrong("a path that begins with /, of letters, digits and / . _ ~ -")


def read_redirect_target(text: str) -> str | Wrong:
    """Not / itself, which would lead back to where it comes from, for ever."""
    right = "a path that begins with / and has more, or a whole URL"
    return Wrong(right) if text.strip() == "/" else _matched(_TARGET, text, right)


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

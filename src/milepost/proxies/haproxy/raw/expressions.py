"""Which sample expressions, format strings and conditions an owner may write (HAProxy's manual, 7).

Default deny: what is not named here is refused. Refused on purpose: whatever reads a file or the environment, writes
outside the request (process variables, maps), runs code (Lua), or asks another app's list of users.
"""

import re
from collections.abc import Iterator, Sequence

from milepost.proxies.haproxy.raw.refused import Refused

_MATCHES = "beg|end|sub|dom|dir|len|reg|str|ip|val|cnt|names"
_FETCH = re.compile(
    rf"(?:(?:req|res)\.)?(?:hdr|fhdr|shdr|cook|scook)(?:_(?:{_MATCHES}))?"
    rf"|(?:path|pathq|base|url|urlp|url_param|query|req\.body|req\.body_param)(?:_(?:{_MATCHES}))?"
    r"|base32|url32|url_ip|url_port|method|status|req\.(?:ver|len|body_len|body_size|proto_http|rdp_cookie)|res\.(?:ver|len)"
    r"|req_ver|resp_ver|req_len|req_proto_http|req[._]ssl_(?:sni|hello_type|ver|alpn|st_ext|ec_ext)|rep_ssl_hello_type"
    r"|(?:src|dst)(?:_port|_is_local)?|fc_(?:rcvd_proxy|http_major|pp_authority)|(?:fe|be)_(?:name|id|conn|req_rate|sess_rate)"
    r"|ssl_fc(?:_(?:sni|protocol|cipher|alpn|has_sni|has_crt|has_early|is_resumed|use_keysize|alg_keysize))?(?:_(?:end|reg))?"
    r"|ssl_c_(?:verify|used|err|ca_err|s_dn|i_dn|serial|sha1|notafter|notbefore|version)"
    r"|nbsrv|connslots|queue|avg_queue|stopping|always_true|always_false|true|false|bool|int|str|ipv4|ipv6|rand|date|uuid"
    r"|http_first_req|wait_end|var|http_auth|http_auth_group"
    r"|(?:sc[012]?|src)_(?:conn_(?:cnt|cur|rate)|http_(?:req|err)_(?:cnt|rate)|sess_(?:cnt|rate)|bytes_(?:in|out)_rate|kbytes_(?:in|out))"
    r"|(?:sc[012]?)_tracked"
)
_CONVERTER = re.compile(
    r"lower|upper|field|word|regsub|hex|base64|b64dec|ub64enc|ub64dec|url_dec|url_enc|bytes|length|concat|cut_crlf|ltrim"
    r"|rtrim|crc32c?|djb2|sdbm|wt6|xxh32|xxh64|xxh3|sha1|sha2|add|sub|mul|div|mod|neg|not|and|or|xor|cpl|bool|even|odd"
    r"|ipmask|iif|json|json_query|language|http_date|utime|ltime|hex2i|strcmp|param|set-var|unset-var"
)
_NAME = re.compile(r"[A-Za-z0-9_.-]+")
_VARIABLE = re.compile(r"(?:sess|txn|req|res|check)\.[A-Za-z0-9_.]+")
_ACL_NAME = re.compile(r"[A-Za-z0-9_.:-]+")
_WITH_VARIABLE = frozenset({"var", "set-var", "unset-var", "strcmp"})
_WITH_USERS = frozenset({"http_auth", "http_auth_group"})


def check_expression(text: str, userlist: str) -> None:
    """A fetch and its converters: `req.hdr(host),lower`. Raises Refused."""
    for number, (name, arguments) in enumerate(_calls(text)):
        allowed = _CONVERTER if number else _FETCH
        if not allowed.fullmatch(name):
            raise Refused(f"{name!r} is not among the samples and converters that are allowed")
        if name in _WITH_VARIABLE and not _VARIABLE.fullmatch(arguments.partition(",")[0].strip()):
            raise Refused(f"{name}({arguments}): only variables of a session or a request are allowed")
        if name in _WITH_USERS and arguments != userlist:
            raise Refused(f"{name}({arguments}): only the app's own list of users, {userlist}, is allowed")


def _calls(text: str) -> Iterator[tuple[str, str]]:
    """Name and arguments of each part. Parentheses in arguments are counted, which finds at least as many parts."""
    at = 0
    while True:
        name = _NAME.match(text, at)
        if name is None:
            raise Refused(f"{text!r} is no sample expression")
        at, arguments = name.end(), ""
        if text[at : at + 1] == "(":
            end = _closing(text, at)
            arguments, at = text[at + 1 : end], end + 1
        yield name[0], arguments
        if at == len(text):
            return
        if text[at] != ",":
            raise Refused(f"{text!r} is no sample expression")
        at += 1


def _closing(text: str, at: int) -> int:
    """Where the arguments end that begin at `at`. Only the plain form is taken: HAProxy's own rules are finer."""
    end = text.find(")", at)
    if end < 0 or "(" in text[at + 1 : end] or "'" in text[at:end] or '"' in text[at:end] or "\\" in text[at:end]:
        raise Refused(f"{text!r}: parentheses, quotes and backslashes are not allowed in arguments")
    return end


def check_format(text: str, userlist: str) -> None:
    """A text with `%[expression]` in it; before the bracket may stand nothing else (`%{+Q}[...]`). Raises Refused."""
    if "%{" in text or "%(" in text:
        raise Refused(f"{text!r}: flags and names in a format are not allowed")
    at = text.find("%[")
    while at >= 0:
        end = text.find("]", at)
        if end < 0:
            raise Refused(f"{text!r}: %[ without ]")
        check_expression(text[at + 2 : end], userlist)
        at = text.find("%[", end)


def check_acl(words: Sequence[str], userlist: str) -> None:
    """A fetch, flags and patterns, as in `acl NAME ...` and between braces. Raises Refused."""
    if not words:
        raise Refused("an acl without a sample")
    check_expression(words[0], userlist)
    forbidden = next((word for word in words[1:] if word in ("-f", "-M")), "")
    if forbidden:
        raise Refused(f"{forbidden} reads a file")


def check_condition(words: Sequence[str], userlist: str) -> None:
    """What follows `if` or `unless`. Raises Refused."""
    rest = list(words)
    if not rest:
        raise Refused("a condition without a word")
    while rest:
        word = rest.pop(0).removeprefix("!")
        if word == "{":
            if "}" not in rest:
                raise Refused("a brace is not closed")
            end = rest.index("}")
            check_acl(rest[:end], userlist)
            del rest[: end + 1]
        elif word and word != "||" and not _ACL_NAME.fullmatch(word):
            raise Refused(f"{word!r} is no name of an acl")


def check_acl_name(name: str) -> None:
    """Raises Refused."""
    if not _ACL_NAME.fullmatch(name):
        raise Refused(f"{name!r} is no name of an acl")

"""Directives that HAProxy refuses today, most of them since 2.1, recognised in users' own templates.

Where a modern line does exactly the same it takes the place of the old one; else the line stays, and its author is
told what to write instead (configuration manuals of HAProxy 2.0, chapter 4.2, and 2.6, `http-request`).
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from milepost.proxies.haproxy.templates.words import joined, split_words

_METHOD = r"\^\(\[\^[\\ :]+\]\*"  # the beginning of the expressions that everybody copied: any method
_WHOLE_METHOD = re.compile(rf"{_METHOD}\)\\? (?P<path>.*)\(\.\*\)")
_METHOD_AND_PATH = re.compile(rf"{_METHOD}\\? (?P<start>[A-Za-z0-9/_-]*)\)(?P<path>.*)\(\.\*\)")
_HEADER = re.compile(
    r"\^(?P<name>[A-Za-z0-9-]+):(?P<blank>(?:\\? |\[ \]|\\s|\[\[:space:\]\])[*+]?)?(?P<value>.*)", re.DOTALL
)
_ADDED = re.compile(r"(?P<name>[A-Za-z0-9-]+): ?(?P<value>.*)", re.DOTALL)
_BEYOND_PATH = re.compile(r" |\\\?|\[\^?\?|\.[*+]")  # what may match in a query, or in the version behind it
_GROUP = re.compile(r"\\([0-9])")


@dataclass(frozen=True, slots=True)
class Modern:
    """A text in words that today's HAProxy knows; `advice` is about each line for which there are none."""

    text: str
    advice: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Old:
    """An old line: its arguments before the condition, the condition as it stands, what it is about."""

    keyword: str
    arguments: Sequence[str]
    condition: str

    @property
    def is_caseless(self) -> bool:
        return self.keyword[3:4] == "i"

    @property
    def side(self) -> str:
        return "http-request" if self.keyword.startswith("req") else "http-response"


_Translation = Callable[[_Old], str | None]


def modernised(text: str) -> Modern:
    """`text` with each old line in its modern form, as far as there is a faithful one."""
    if not any(keyword in text for keyword in _HINTS):
        return Modern(text)
    advice: list[str] = []
    lines = []
    for line in text.split("\n"):
        words = split_words(line)
        keyword = _keyword(words)
        if keyword not in _KNOWN:
            lines.append(line)
            continue
        translation, instead = _KNOWN[keyword]
        modern = translation(_old(words))
        if modern is None:
            advice.append(f"HAProxy refuses {keyword} today, and this line has no equal; use {instead}")
        lines.append(line if modern is None else f"  {modern}")
    return Modern("\n".join(lines), tuple(advice))


def _keyword(words: Sequence[str]) -> str:
    """What decides about the line: `option httpchk` is old only with headers behind its version."""
    if words[:2] == ["option", "httpchk"]:
        return _CHECK if any("\n" in word for word in words) else ""
    return words[0] if words else ""


def _old(words: Sequence[str]) -> _Old:
    end = next((at for at, word in enumerate(words) if word in ("if", "unless") and at > 1), len(words))
    condition = joined(words[end:])
    return _Old(words[0], words[1:end], f" {condition}" if condition else "")


def _adds(old: _Old) -> str | None:
    found = _ADDED.fullmatch(old.arguments[0]) if len(old.arguments) == 1 else None
    if found is None:
        return None
    return f"{old.side} add-header {found['name']} {joined([_literal(found['value'])])}{old.condition}"


def _deletes(old: _Old) -> str | None:
    """Only where every line of that header goes: there is no word for some of them that both versions know."""
    found = _header(old.arguments[0]) if len(old.arguments) == 1 else None
    if found is None or found["value"] not in ("", ".*"):
        return None
    return f"{old.side} del-header {found['name']}{old.condition}"


def _replaces(old: _Old) -> str | None:
    if len(old.arguments) != 2:
        return None
    search, text = old.arguments
    path = _replaces_path(search, text) if old.side == "http-request" else None
    if path is not None:
        expression, fmt = path
        return f"http-request replace-path {joined([_cased(old, expression), fmt])}{old.condition}"
    before, after = _header(search), _ADDED.fullmatch(text)
    if before is None or after is None or before["name"].lower() != after["name"].lower() or "\\0" in text:
        return None
    expression = _cased(old, f"^{before['value']}")
    value = joined([expression, _literal(after["value"].lstrip(" "))])
    return f"{old.side} replace-header {after['name']} {value}{old.condition}"


def _replaces_path(search: str, text: str) -> tuple[str, str] | None:
    """(expression, format) where the old line changed the beginning of a path and nothing behind it."""
    if (found := _WHOLE_METHOD.fullmatch(search)) and text.startswith(("\\1 ", "\\1\\ ")):
        path, new = found["path"], text.removeprefix("\\1").removeprefix("\\").removeprefix(" ")
    elif (found := _METHOD_AND_PATH.fullmatch(search)) and text.startswith("\\1"):
        path, new = found["start"] + found["path"], found["start"] + text.removeprefix("\\1")
    else:
        return None
    groups = re.compile(f"{path}(.*)").groups if _compiles(path) else 0
    used = [int(number) - 1 for number in _GROUP.findall(new)]
    if " " in new or _BEYOND_PATH.search(path) or not new.endswith(f"\\{groups + 1}"):
        return None
    if not all(0 < number <= groups for number in used):
        return None
    return f"^{path}(.*)", _GROUP.sub(lambda match: f"\\{int(match[1]) - 1}", _literal(new))


def _header(search: str) -> re.Match[str] | None:
    """An expression on one whole header. The blank behind its colon has to be in it: there was always one."""
    found = _HEADER.fullmatch(search)
    is_whole = found is not None and (found["blank"] or not found["value"] or found["value"].startswith("."))
    return found if is_whole else None


def _compiles(expression: str) -> bool:
    try:
        re.compile(expression)
    except re.error:
        return False
    return True


def _refuses(action: str) -> _Translation:
    def translation(old: _Old) -> str | None:
        """A header that fits: without a condition of its own, since two conditions do not add up in one line."""
        found = _header(old.arguments[0]) if len(old.arguments) == 1 else None
        if found is None or old.condition:
            return None
        fetch = "req.fhdr" if old.side == "http-request" else "res.fhdr"
        flag = "-i " if old.is_caseless else ""
        expression = joined([f"^{found['value']}"])
        return f"{old.side} {action} if {{ {fetch}({found['name']}) -m reg {flag}{expression} }}"

    return translation


def _blocks(old: _Old) -> str | None:
    """Its condition may stand first, since nothing comes before it."""
    condition = joined(old.arguments) + old.condition
    return f"http-request deny {condition}" if condition.startswith(("if ", "unless ")) else None


def _checks(old: _Old) -> str | None:
    """`option httpchk METHOD URI VERSION\\r\\nNAME: VALUE...`: the headers are words of their own now."""
    if len(old.arguments) != 4:
        return None
    _, method, uri, rest = old.arguments
    version, *lines = rest.replace("\r", "").rstrip("\n").split("\n")
    headers = [_ADDED.fullmatch(line) for line in lines]
    if "" in (method, uri, version):
        return None
    words = ["meth", method, "uri", uri, "ver", version]
    for found in headers:
        if found is None:
            return None
        words += ["hdr", found["name"], _literal(found["value"])]
    return f"option httpchk\n  http-check send {joined(words)}"


def _renamed(new: str) -> _Translation:
    return lambda old: f"{new} {joined(old.arguments)}".rstrip()


def _never(_: _Old) -> None:
    return None


def _cased(old: _Old, expression: str) -> str:
    return f"(?i){expression}" if old.is_caseless else expression


def _literal(text: str) -> str:
    """For where HAProxy expands `%`: the old directives did not."""
    return text.replace("%", "%%")


_CHECK = "option httpchk"
_DENY_ADVICE = "`http-request deny if { ... }` with a condition on path, method or header"
_DENY_ANSWER_ADVICE = "`http-response deny if { ... }`"
_REPLACE_ADVICE = "`http-request replace-path`, `replace-uri` or `replace-header`"
_ALLOW_ADVICE = "`http-request allow if { ... }`"

_KNOWN: Mapping[str, tuple[_Translation, str]] = {
    "reqadd": (_adds, "`http-request add-header NAME VALUE`"),
    "rspadd": (_adds, "`http-response add-header NAME VALUE`"),
    **dict.fromkeys(("reqdel", "reqidel"), (_deletes, "`http-request del-header NAME`")),
    **dict.fromkeys(("rspdel", "rspidel"), (_deletes, "`http-response del-header NAME`")),
    **dict.fromkeys(("reqrep", "reqirep"), (_replaces, _REPLACE_ADVICE)),
    **dict.fromkeys(("rsprep", "rspirep"), (_replaces, "`http-response replace-header NAME EXPRESSION TEXT`")),
    **dict.fromkeys(("reqdeny", "reqideny"), (_refuses("deny"), _DENY_ADVICE)),
    **dict.fromkeys(("rspdeny", "rspideny"), (_refuses("deny"), _DENY_ANSWER_ADVICE)),
    **dict.fromkeys(("reqtarpit", "reqitarpit"), (_refuses("tarpit"), "`http-request tarpit if { ... }`")),
    **dict.fromkeys(("reqallow", "reqiallow", "reqpass", "reqipass"), (_never, _ALLOW_ADVICE)),
    **dict.fromkeys(("reqsetbe", "reqisetbe"), (_never, "`use_backend NAME if { ... }` in the frontend")),
    _CHECK: (_checks, "`http-check send` with `meth`, `uri`, `ver`, `hdr` and `body`"),
    "block": (_blocks, "`http-request deny if CONDITION`"),
    "clitimeout": (_renamed("timeout client"), ""),
    "contimeout": (_renamed("timeout connect"), ""),
    "srvtimeout": (_renamed("timeout server"), ""),
    "redispatch": (_renamed("option redispatch"), ""),
}
_HINTS = ("req", "rsp", "block", "timeout", "redispatch", "httpchk")

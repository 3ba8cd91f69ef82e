"""The operator's templates: from the environment, or from files (marathon-lb-behaviour.md 16.1)."""

from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path

from milepost.errors import SettingsError
from milepost.proxies.haproxy.templates.defaults import BY_NAME
from milepost.proxies.haproxy.templates.template import Template, TemplateError, filled

HEAD = "HEAD"


def operator_templates(
    environment: Mapping[str, str], files: Mapping[str, str], *, head_is_whole: bool = True
) -> dict[str, str]:
    """By name, from `HAPROXY_<NAME>` of both; a variable that is not empty comes before a file.

    Only in a variable `\\n` stands for the end of a line. Names that are no template's are nobody's business here.
    Raises SettingsError for one that cannot be filled in: it would leave every app out; and, where the head is that
    template as a whole, for a HEAD that marathon-lb refused too.
    """
    found: dict[str, str] = {}
    for name in (HEAD, *BY_NAME):
        key = f"HAPROXY_{name}"
        text = environment.get(key, "").replace("\\n", "\n") or files.get(key)
        if text is None:
            continue
        found[name] = text
        if name != HEAD:
            _refuse(BY_NAME[name], text)
        elif head_is_whole:
            _refuse_head(text)
    return found


def template_files(folder: Path) -> dict[str, str]:
    """The files named `HAPROXY_...` of a folder, by name; without a folder, none. What cannot be read is not there."""
    found: dict[str, str] = {}
    for name in (HEAD, *BY_NAME):
        try:
            found[f"HAPROXY_{name}"] = (folder / f"HAPROXY_{name}").read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            continue
    return found


def _refuse(template: Template, text: str) -> None:
    if template.is_literal:
        return
    try:
        filled(template.name, text, dict.fromkeys(template.placeholders, ""))
    except TemplateError as error:
        raise SettingsError(str(error)) from error


def _refuse_head(text: str) -> None:
    """A HAProxy that leaves its supervisor, or hands no listener to the next one, cannot be reloaded (12)."""
    words = text.split()
    if "daemon" in words:
        raise SettingsError("template HEAD: the word daemon must not be in it; HAProxy stays with its supervisor")
    if ("expose-fd", "listeners") not in pairwise(words):
        raise SettingsError("template HEAD: expected `stats socket ... expose-fd listeners` in it; reloads need that")

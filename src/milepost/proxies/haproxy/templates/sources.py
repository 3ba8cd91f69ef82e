"""The operator's templates: from the environment, or from files (marathon-lb-behaviour.md 16.1)."""

from collections.abc import Mapping
from pathlib import Path

from milepost.errors import SettingsError
from milepost.proxies.haproxy.templates.defaults import BY_NAME
from milepost.proxies.haproxy.templates.template import Template, TemplateError, filled

HEAD = "HEAD"


def operator_templates(environment: Mapping[str, str], files: Mapping[str, str]) -> dict[str, str]:
    """By name, from `HAPROXY_<NAME>` of both; a variable that is not empty comes before a file.

    Only in a variable `\\n` stands for the end of a line. Names that are no template's are nobody's business here.
    Raises SettingsError for one that cannot be filled in: it would leave every app out.
    """
    found: dict[str, str] = {}
    for name in (HEAD, *BY_NAME):
        key = f"HAPROXY_{name}"
        text = environment.get(key, "").replace("\\n", "\n") or files.get(key)
        if text is not None:
            found[name] = text
            if name in BY_NAME:
                _check(BY_NAME[name], text)
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


def _check(template: Template, text: str) -> None:
    if template.is_literal:
        return
    try:
        filled(template.name, text, dict.fromkeys(template.placeholders, ""))
    except TemplateError as error:
        raise SettingsError(str(error)) from error

"""Where the operator's templates are read from, for a HAProxy of milepost's own (marathon-lb-behaviour.md 16.1)."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from milepost.errors import SettingsError
from milepost.proxies.haproxy.templates.defaults import BY_NAME
from milepost.proxies.haproxy.templates.sources import HEAD, operator_templates


@dataclass(frozen=True, slots=True)
class Given:
    """The text of a template, and the file or variable that holds it."""

    text: str
    where: str


def given_templates(environment: Mapping[str, str], folder: Path | None) -> dict[str, Given]:
    """By the names of templates; a variable that is not empty comes before a file.

    Raises SettingsError where the folder or a file in it cannot be read, or a template not be filled in.
    """
    if folder is not None and not folder.is_dir():
        raise SettingsError(f"haproxy.templates: {folder} is not a directory")
    found: dict[str, Given] = {}
    for name in (HEAD, *BY_NAME):
        key = f"HAPROXY_{name}"
        file = None if environment.get(key) or folder is None else folder / key
        files = {} if file is None or not file.exists() else {key: _text(file)}
        where = str(file) if files else key
        try:
            read = operator_templates({key: environment.get(key, "")}, files, head_is_whole=False)
        except SettingsError as error:
            raise SettingsError(f"{where}: {error}") from error
        found |= {name: Given(text, where) for name, text in read.items()}
    return found


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise SettingsError(f"{file} cannot be read: {reason}") from error

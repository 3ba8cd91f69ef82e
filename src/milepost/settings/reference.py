"""docs/settings.md, made from the table of keys: `python -m milepost.settings.reference > docs/settings.md`."""

import sys
from collections.abc import Iterator
from pathlib import Path

from milepost.settings.keys import ARRAYS, FILE_KEYS, KEYS, TABLES, Key
from milepost.settings.kinds import Listen

_HEAD = """# Settings

Every setting can be given in a TOML file (named by `--config` or `MILEPOST_CONFIG`), as an environment variable and as
an option. An option beats a variable, a variable beats the file, the file beats the default. Unknown keys are refused,
also those of variables. A path that is not absolute counts from the directory in which milepost is started.

In a variable a list is separated by commas (one of lines by line breaks); an option that takes a list is repeated. A
flag's option has a counterpart (`--routing-strict`, `--no-routing-strict`).
[`milepost.toml`](../examples/milepost.toml) is a file to start from.

This page is made from the table that milepost reads its settings by; `python -m milepost.settings.reference` prints it.
"""

_INTROS = {
    "": "## At the top of the file",
    "sources.marathon": "## `[[sources.marathon]]`\n\nAn array of tables, one for each Marathon cluster "
    "([several](operations.md#several-marathons)). Variables and options speak of the only one: where the file has "
    "several they are refused.",
    "sources.static": "## `[[sources.static]]`\n\nAn array of tables, one for each "
    "[service that no scheduler knows](operations.md#services-that-no-scheduler-knows). Only the file can hold them.",
}


_TABLES = ("", *ARRAYS, *(table for table in TABLES if table and table not in ARRAYS))


def reference_page() -> str:
    """The whole page as Markdown."""
    return "\n".join((_HEAD, *(_table(table) for table in _TABLES)))


def _table(table: str) -> str:
    intro = _INTROS.get(table, f"## `[{table}]`")
    entries = "\n".join(_entry(key) for key in (*KEYS, *FILE_KEYS) if key.table == table)
    return f"{intro}\n\n{entries}"


def _entry(key: Key) -> str:
    return "\n".join(_lines(key)) + "\n"


def _lines(key: Key) -> Iterator[str]:
    options = ", ".join(f"`{option}`" for option in key.options)
    yield f"### `{key.dotted}`\n"
    yield f"{key.help}\n"
    yield f"- expected: {key.kind.expected}"
    yield f"- default: {key.shown_default or _default(key.default)}{' s' if key.unit else ''}"
    if key not in FILE_KEYS:
        yield f"- variable `{key.variable}`, option {options}"


def _default(value: object) -> str:
    """A default as it would stand in the file."""
    match value:
        case None | "":
            return "none"
        case bool():
            return f"`{str(value).lower()}`"
        case (int(first), int(last)):
            return f'`"{first}-{last}"`'
        case tuple():
            return "`[" + ", ".join(f'"{member}"' for member in value) + "]`" if value else "none"
        case str() | Path() | Listen():
            return f'`"{value}"`'
        case _:
            return f"`{value}`"


if __name__ == "__main__":
    sys.stdout.write(reference_page())

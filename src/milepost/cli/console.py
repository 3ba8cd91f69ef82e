"""How results look: JSON for programs, aligned columns for people. Colours show on a terminal only."""

from collections.abc import Iterable, Sequence

import click
import msgspec

from milepost.model.problem import Problem, Severity
from milepost.web.encoding import to_json


def print_json(value: object) -> None:
    click.echo(msgspec.json.format(to_json(value), indent=2))


def print_table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Columns as wide as their widest cell."""
    cells = [tuple(head), *(tuple(str(cell) for cell in row) for row in rows)]
    widths = [max(_width(row[column]) for row in cells) for column in range(len(head))]
    for number, row in enumerate(cells):
        line = "  ".join(cell + " " * (width - _width(cell)) for cell, width in zip(row, widths, strict=True)).rstrip()
        click.echo(click.style(line, bold=True) if number == 0 else line)


def _width(cell: str) -> int:
    """Colours take no room."""
    return len(click.unstyle(cell))


def counted(number: int, noun: str) -> str:
    """`2` and `server` give `2 servers`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def talk(text: str) -> None:
    """What is no result: it goes to standard error, so that results can be piped on."""
    click.echo(text, err=True)


def severity(problem: Problem) -> str:
    colour = "red" if problem.severity is Severity.ERROR else "yellow"
    return click.style(str(problem.severity), fg=colour)


def age(seconds: float) -> str:
    """`73.4` gives `1 min 13 s`; only the two largest units are told."""
    rest, units = int(seconds), []
    for name, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if rest >= size:
            units.append(f"{rest // size} {name}")
            rest %= size
    units.append(f"{rest} s")
    return " ".join(units[:2])

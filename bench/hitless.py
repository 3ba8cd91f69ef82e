"""`./run bench hitless`: a short soak of a fixed form; what was lost under reloads and replacements, cell by cell."""

import asyncio
from typing import Any

import click

from bench.figures import noise_pct, shown
from bench.options import haproxy_option, json_option
from bench.reference import work_s
from bench.soak.cells import chosen
from bench.soak.run import Wish, soak

CELLS = ("get", "new", "keep-alive")
NOISE_ROUNDS = 20


@click.command()
@click.option("--reloads", default=20, show_default=True, help="About how many.")
@click.option("--reload-every", default=1.0, show_default=True, help="Seconds from one to the next.")
@click.option("--replace-every", default=0.1, show_default=True, help="Seconds from one replacement to the next.")
@click.option("--clients", default=3, show_default=True, help="Clients of each cell.")
@haproxy_option
@json_option
def hitless(
    reloads: int, reload_every: float, replace_every: float, clients: int, haproxy: str, *, as_json: bool
) -> None:
    """Requests lost while HAProxy reloads and tasks are replaced."""
    noise = noise_pct([work_s() for _ in range(NOISE_ROUNDS)])
    wish = Wish(
        chosen(CELLS),
        (reloads + 1) * reload_every,
        haproxy,
        clients,
        replace_every_s=replace_every,
        reload_every_s=reload_every,
    )
    report = asyncio.run(soak(wish))
    click.echo(shown([{**row, "noise_pct": noise} for row in _rows(report)], as_json=as_json))
    for line in report["failures"]:
        click.echo(line, err=True)


def _rows(report: dict[str, Any]) -> list[dict[str, object]]:
    """The cells of the soak and their sum, each beside what they went through."""
    common = {name: report[name] for name in ("haproxy", "reloads", "replacements")}
    total = {"grace": "all", "traffic": "all", "connection": "all", **report["total"]}
    return [{**cell, **common} for cell in (*report["cells"], total)]

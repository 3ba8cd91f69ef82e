"""`./run soak`."""

import asyncio
import json
import sys

import click

from bench.figures import table
from bench.soak.cells import chosen
from bench.soak.run import Wish, soak


@click.command()
@click.option("--seconds", default=120.0, show_default=True, help="How long.")
@click.option(
    "--cells",
    default="",
    help="Only these, separated by commas: no-event, 0, 0.5, 2 (seconds of grace); get, post, tls, h2, websocket; "
    "new, keep-alive. A group of which none is named stays whole.",
)
@click.option(
    "--haproxy", default="haproxy", show_default=True, help="The binary; the bundled one where it is missing."
)
@click.option("--clients", default=3, show_default=True, help="Clients of each cell.")
@click.option("--replace-every", default=0.1, show_default=True, help="Seconds from one replacement to the next.")
@click.option(
    "--reload-every", default=1.0, show_default=True, help="Seconds from one change of structure to the next."
)
@click.option("--kill-milepost-every", default=0.0, help="Seconds from one kill -9 of milepost to the next.")
@click.option("--marathon-down", default=0.0, help="The share of time (0..1) in which Marathon is away.")
@click.option("--log", default="", help="Keep milepost's log in this file.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
def main(
    seconds: float,
    cells: str,
    haproxy: str,
    clients: int,
    replace_every: float,
    reload_every: float,
    kill_milepost_every: float,
    marathon_down: float,
    log: str,
    *,
    as_json: bool,
) -> None:
    """Replace tasks and reload HAProxy under traffic; status 1 if a request was lost or answered by a wrong service.

    A request of which a task had heard a byte when it was killed is counted apart, as in flight.
    """
    try:
        which = chosen(word for word in cells.split(",") if word)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--cells") from error
    wish = Wish(
        which, seconds, haproxy, clients, 0.05, replace_every, reload_every, kill_milepost_every, marathon_down, log
    )
    report = asyncio.run(soak(wish))
    click.echo(json.dumps(report, indent=2) if as_json else _for_people(report))
    sys.exit(bool(report["total"]["avoidable"] or report["total"]["wrong"]))


def _for_people(report: dict[str, object]) -> str:
    cells, total, failures = report["cells"], report["total"], report["failures"]
    assert isinstance(cells, list)
    assert isinstance(total, dict)
    assert isinstance(failures, list)
    rows = [*cells, {"grace": "all", "traffic": "", "connection": "", **total}]
    facts = ", ".join(
        f"{name.replace('_', ' ')} {value}" for name, value in report.items() if not isinstance(value, list | dict)
    )
    return "\n".join([table(rows), facts, *failures])


main(prog_name="./run soak")

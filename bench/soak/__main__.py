"""`./run soak`."""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import click

from bench.figures import table
from bench.soak.cells import chosen
from bench.soak.chaos import ALL_FAULTS, ChaosWish, chaos
from bench.soak.run import Wish, soak

TESTS = Path(__file__).resolve().parents[2] / "tests"


@click.group(invoke_without_command=True)
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
@click.pass_context
def main(
    context: click.Context,
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
    if context.invoked_subcommand:
        return
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


def _for_people(report: dict[str, Any]) -> str:
    rows = [*report["cells"], {"grace": "all", "traffic": "", "connection": "", **report["total"]}]
    facts = [
        f"{name.replace('_', ' ')} {value}" for name, value in report.items() if not isinstance(value, list | dict)
    ]
    return "\n".join([table(rows), ", ".join(facts), *report["failures"]])


@main.command("chaos")
@click.option("--faults", default=",".join(ALL_FAULTS), show_default=True, help="Which, separated by commas.")
@click.option("--seconds", default=60.0, show_default=True, help="Whole rounds of all faults until these are over.")
@click.option("--fault-seconds", default=3.0, show_default=True, help="How long each fault lasts.")
@click.option("--seed", default=1, show_default=True, help="Of the order of the faults, and of their chances.")
@click.option(
    "--haproxy", default="haproxy", show_default=True, help="The binary; the bundled one where it is missing."
)
@click.option("--log", default="", help="Keep milepost's log in this file.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
def chaos_command(
    faults: str, seconds: float, fault_seconds: float, seed: int, haproxy: str, log: str, *, as_json: bool
) -> None:
    """Let Marathon be bad in one way after another, under light traffic.

    Status 1 if a request was lost or misled, or if what had changed took more than 2 s to be served after a fault.
    """
    names = [name for name in faults.split(",") if name]
    unknown = sorted(set(names).difference(ALL_FAULTS))
    if unknown or not names:
        expected, got = ", ".join(ALL_FAULTS), ", ".join(unknown) or "none"
        raise click.BadParameter(f"expected some of {expected}, got {got}", param_hint="--faults")
    report = asyncio.run(chaos(ChaosWish(names, seconds, fault_seconds, seed, haproxy, log)))
    click.echo(json.dumps(report, indent=2) if as_json else _chaos_for_people(report))
    sys.exit(bool(report["total"]["avoidable"] or report["total"]["wrong"] or report["slow_to_converge"]))


def _chaos_for_people(report: dict[str, Any]) -> str:
    total = f"haproxy {report['haproxy']}, seed {report['seed']}, total {report['total']}"
    return "\n".join([table(report["faults"]), total, *report["failures"]])


@main.command("local")
@click.option("--seconds", default=60.0, show_default=True, help="Whole rounds until these are over.")
@click.option("--seed", default=1, show_default=True, help="Of the first round; each further one has the next.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
def local_command(seconds: float, seed: int, *, as_json: bool) -> None:
    """Send the local scheduler's API any bodies, and any calls in any order, in this process; no HAProxy.

    Status 1 if an answer was one that Marathon could not give, or if an error changed something. The smallest calls
    that show it are printed.
    """
    sys.path.append(str(TESTS))  # what the suite runs is there
    from bench.soak.local import soak_local

    report = soak_local(seconds, seed, lambda line: click.echo(line, err=True))
    click.echo(json.dumps(report, indent=2) if as_json else _local_for_people(report))
    sys.exit(bool(report["defects"]))


def _local_for_people(report: dict[str, Any]) -> str:
    facts = ", ".join(f"{name} {report[name]}" for name in ("seed", "rounds", "seconds", "total", "defects"))
    found = [report["failure"], f"again: ./run soak local --seconds 1 --seed {report['failed_seed']}"]
    rows = [table(report["calls"])] if report["calls"] else []
    return "\n".join([*rows, facts, *(found if report["defects"] else [])])


main(prog_name="./run soak")

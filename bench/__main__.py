"""`./run bench NAME`."""

import click

from bench.cold_start import cold_start
from bench.hitless import hitless
from bench.latency import latency
from bench.local import local
from bench.memory import memory
from bench.recovery import recovery
from bench.reload import reload
from bench.render import render
from bench.throughput import throughput


@click.group(invoke_without_command=True)
@click.pass_context
def main(context: click.Context) -> None:
    """Measure milepost on this machine. Every part runs on loopback addresses and is ended afterwards.

    Each prints a table, or JSON with --json; docs/bench.md says how to read them.
    """
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


for bench in (latency, throughput, hitless, reload, cold_start, recovery, render, memory, local):
    main.add_command(bench)
main(prog_name="./run bench")

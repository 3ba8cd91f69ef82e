"""`./run bench NAME`."""

import click

from bench.latency import latency


@click.group()
def main() -> None:
    """Measure milepost on this machine. Every part runs on loopback addresses and is ended afterwards."""


main.add_command(latency)
main(prog_name="./run bench")

"""marathon-lb's tool for deployments in two colours, on milepost's parts (marathon-lb-behaviour.md 19)."""

import sys


def main() -> None:
    """The console script `zdd`."""
    from milepost.compat.zdd.command import run

    sys.exit(run(sys.argv[1:], "zdd"))

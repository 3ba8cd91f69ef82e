"""marathon-lb's command line on milepost's parts: a marathon-lb user changes one word (docs/marathon-lb.md)."""

import sys


def main() -> None:
    """The console script `marathon-lb`."""
    from milepost.compat.marathon_lb.command import run

    sys.exit(run(sys.argv[1:], "marathon-lb"))

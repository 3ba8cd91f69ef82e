"""`./run bench throughput`: requests/s through milepost's configuration against one written by hand."""

import statistics
import tempfile
from pathlib import Path

import click

from bench.figures import noise_pct, shown
from bench.load import carried, has_wrk
from bench.options import haproxy_option, json_option
from bench.pinned import halves, on_cpus
from bench.process import cpu_s
from bench.sides import BY_HAND, Side, apps_of, sides
from bench.world import own_address
from milepost.errors import MilepostError
from milepost.proxies.haproxy.binary import Binary, find_binary

WARM_UP_S = 1


@click.command()
@click.option("--vhosts", default=10_000, show_default=True, help="Apps, each with a virtual host and one task.")
@click.option("--asked", default=1_000, show_default=True, help="Of these, how many hosts are asked for.")
@click.option("--rounds", default=9, show_default=True, help="Rounds; in each all sides take their turn.")
@click.option("--seconds", default=3, show_default=True, help="How long each turn is.")
@haproxy_option
@json_option
def throughput(vhosts: int, asked: int, rounds: int, seconds: int, haproxy: str, *, as_json: bool) -> None:
    """Requests/s by virtual host, against a text written by hand."""
    if not has_wrk():
        click.echo("wrk is missing (apt-get install wrk): our own clients carry less; look at cpu_us", err=True)
    binary = find_binary(haproxy, allow_bundled=True)
    with tempfile.TemporaryDirectory(prefix="milepost-bench-") as name:
        click.echo(shown(_measured(Path(name), binary, vhosts, min(asked, vhosts), rounds, seconds), as_json=as_json))


def _measured(
    folder: Path, binary: Binary, vhosts: int, asked: int, rounds: int, seconds: int
) -> list[dict[str, object]]:
    hosts = [f"app{number}.bench.example" for number in range(vhosts)]
    apps = apps_of(hosts, asked)
    _, rest = halves()
    with sides(folder, binary, apps, asked, own_address()) as every, on_cpus(rest):
        for number in range(rounds):
            for side in every if number % 2 else reversed(every):
                _one_turn(side, hosts[:asked], seconds, folder)
        by_hand = next(side for side in every if side.name == BY_HAND)
        return [_row(side, by_hand, binary.version, vhosts) for side in every]


def _one_turn(side: Side, hosts: list[str], seconds: int, folder: Path) -> None:
    carried(*side.at, hosts, WARM_UP_S, folder)
    before_s = cpu_s(side.pid)
    load = carried(*side.at, hosts, seconds, folder)
    if not load.answered:
        raise MilepostError(f"{side.name} answered nothing in {seconds} s")
    side.requests_s.append(load.answered / load.took_s)
    side.cpu_us.append((cpu_s(side.pid) - before_s) / load.answered * 1e6)
    side.failed += load.failed
    click.echo(f"{side.name}: {side.requests_s[-1]:.0f} requests/s, {side.cpu_us[-1]:.1f} us", err=True)


def _row(side: Side, by_hand: Side, version: str, vhosts: int) -> dict[str, object]:
    return {
        "side": side.name,
        "haproxy": version,
        "vhosts": vhosts,
        "requests_s": round(statistics.median(side.requests_s)),
        "ratio": round(statistics.median(side.requests_s) / statistics.median(by_hand.requests_s), 3),
        "cpu_us": round(statistics.median(side.cpu_us), 2),
        "cpu_ratio": round(statistics.median(side.cpu_us) / statistics.median(by_hand.cpu_us), 3),
        "failed": side.failed,
        "noise_pct": noise_pct(side.requests_s),
    }

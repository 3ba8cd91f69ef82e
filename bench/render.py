"""`./run bench render`: what `milepost render` takes, in time and memory, and each of its stages."""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import click

from bench.cluster import make_apps
from bench.figures import noise_pct, shown
from bench.options import haproxy_option, json_option
from bench.reference import work_s
from milepost.errors import MilepostError
from milepost.proxies.haproxy.binary import find_binary

NOISE_SAMPLES = 10  # before each round


@click.command()
@click.option("--apps", default=5_000, show_default=True, help="Apps, of two tasks each.")
@click.option("--rounds", default=7, show_default=True, help="How often the whole, and the stages, are run.")
@haproxy_option
@json_option
def render(apps: int, rounds: int, haproxy: str, *, as_json: bool) -> None:
    """Time and memory of `milepost render --apps FILE`, from its start to the written file, and of its stages."""
    click.echo(f"{apps} apps: {rounds} rounds ...", err=True)
    version = find_binary(haproxy, allow_bundled=True).version
    whole, stages, noise = [], [], []
    with tempfile.TemporaryDirectory(prefix="milepost-bench-") as name:
        file = Path(name) / "apps.json"
        file.write_text(json.dumps({"apps": [app.json() for app in make_apps(apps, 2, 0)]}))
        for _ in range(rounds):
            noise += [work_s() for _ in range(NOISE_SAMPLES)]
            whole.append(_rendered(file, haproxy))
            stages.append(_staged(file, haproxy))
    row: dict[str, object] = {
        "apps": apps,
        "haproxy": version,
        "rounds": rounds,
        "median_s": round(statistics.median(took_s for took_s, _ in whole), 3),
        "max_s": round(max(took_s for took_s, _ in whole), 3),
        "peak_mb": round(statistics.median(peak_mb for _, peak_mb in whole)),
        **{stage: round(statistics.median(one[stage] for one in stages), 3) for stage in stages[0]},
        "noise_pct": noise_pct(noise),
    }
    click.echo(shown([row], as_json=as_json))


def _rendered(apps: Path, haproxy: str) -> tuple[float, float]:
    """Seconds and peak MB of the command, as a user runs it."""
    options = ("--apps", str(apps), "--group", "external", "--haproxy-binary", haproxy, "--allow-bundled-haproxy")
    command = [sys.executable, "-m", "milepost", "render", *options]
    with apps.with_name("haproxy.cfg").open("wb") as output:
        begun_s = time.monotonic()
        to_file = [(os.POSIX_SPAWN_DUP2, output.fileno(), 1)]
        pid = os.posix_spawn(sys.executable, command, os.environ, file_actions=to_file)
        _, status, used = os.wait4(pid, 0)
        took_s = time.monotonic() - begun_s
    if status:
        raise MilepostError("milepost render has failed; what it said stands above")
    return took_s, used.ru_maxrss / 1024


def _staged(apps: Path, haproxy: str) -> dict[str, float]:
    command = [sys.executable, "-m", "bench.render_stages", str(time.monotonic()), str(apps), haproxy]
    ended = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    found: dict[str, float] = json.loads(ended.stdout)
    return found

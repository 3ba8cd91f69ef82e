"""`./run bench render`: what `milepost render` and `milepost marathon-lb` take, in time and memory, and each stage."""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import click

from bench.cluster import Shape, make_apps
from bench.figures import noise_pct, shown
from bench.one_shot import one_shot
from bench.options import haproxy_option, json_option
from bench.reference import work_s
from bench.world import own_layout, own_marathon
from milepost.errors import MilepostError
from milepost.proxies.haproxy.binary import find_binary

NOISE_SAMPLES = 10  # before each round


@click.command()
@click.option("--apps", default=5_000, show_default=True, help="Apps, of two tasks each.")
@click.option("--rounds", default=7, show_default=True, help="How often the whole, and the stages, are run.")
@haproxy_option
@json_option
def render(apps: int, rounds: int, haproxy: str, *, as_json: bool) -> None:
    """Time and memory of `milepost render --apps FILE`, from its start to the written file, and of its stages; and of
    one pass of `milepost marathon-lb`.
    """
    click.echo(f"{apps} apps: {rounds} rounds ...", err=True)
    version = find_binary(haproxy, allow_bundled=True).version
    whole, stages, passes, noise = [], [], [], []
    served = own_marathon(Shape(apps, 2, 0))
    at = f"http://{own_layout(haproxy).marathon}"
    with tempfile.TemporaryDirectory(prefix="milepost-bench-") as name, served:
        file = Path(name) / "apps.json"
        file.write_text(json.dumps({"apps": [app.json() for app in make_apps(apps, 2, 0)]}))
        for _ in range(rounds):
            noise += [work_s() for _ in range(NOISE_SAMPLES)]
            whole.append(_rendered(file, haproxy))
            stages.append(_staged(file, haproxy))
            passes.append(one_shot(at, Path(name)))
    row: dict[str, object] = {
        "apps": apps,
        "haproxy": version,
        "rounds": rounds,
        "median_s": round(statistics.median(took_s for took_s, _ in whole), 3),
        "max_s": round(max(took_s for took_s, _ in whole), 3),
        "peak_mb": round(statistics.median(peak_mb for _, peak_mb in whole)),
        **{stage: round(statistics.median(one[stage] for one in stages), 3) for stage in stages[0]},
        "one_shot_s": round(statistics.median(one.took_s for one in passes), 3),
        "one_shot_max_s": round(max(one.took_s for one in passes), 3),
        "one_shot_mb": round(statistics.median(one.peak_mb for one in passes)),
        "one_shot_text_mb": round(passes[-1].text_mb, 1),
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

"""`./run bench cold-start`: from Marathon's answer, and from the start of milepost, to HAProxy serving."""

import asyncio
import statistics
import time

import click

from bench.cluster import Shape
from bench.figures import noise_pct, shown
from bench.options import haproxy_option, json_option
from bench.reference import work_s
from bench.remote import Remote
from bench.stage import logged_s, started
from bench.world import answering, own_layout, own_marathon, own_task_port, until_answered

NOISE_SAMPLES = 10  # before each round


@click.command("cold-start")
@click.option("--apps", default=10_000, show_default=True, help="Apps, of two tasks each.")
@click.option("--rounds", default=5, show_default=True, help="Starts, each with nothing left of the one before.")
@haproxy_option
@json_option
def cold_start(apps: int, rounds: int, haproxy: str, *, as_json: bool) -> None:
    """From Marathon's answer, and from the start of milepost, to HAProxy serving a request."""
    click.echo(f"{apps} apps: {rounds} starts ...", err=True)
    click.echo(shown([asyncio.run(_measured(apps, rounds, haproxy))], as_json=as_json))


async def _measured(apps: int, rounds: int, haproxy: str) -> dict[str, object]:
    shape = Shape(apps, live_apps=1, task_port=own_task_port())
    found, noise = [], []
    async with answering(shape.made()[:1]):
        with own_marathon(shape) as scheduler:
            for _ in range(rounds):
                noise += [work_s() for _ in range(NOISE_SAMPLES)]
                version, times = await _one_start(shape, scheduler, haproxy)
                found.append(times)
    medians = {name: round(statistics.median(times[name] for times in found), 3) for name in found[0]}
    slowest_s = round(max(times["answer_to_serving_s"] for times in found), 3)
    row = {"apps": apps, "haproxy": version, "rounds": rounds}
    return {**row, **medians, "slowest_s": slowest_s, "noise_pct": noise_pct(noise)}


async def _one_start(shape: Shape, scheduler: Remote, haproxy: str) -> tuple[str, dict[str, float]]:
    """HAProxy's version; both times, then the second one split, all in seconds."""
    begun_s, offset_s = time.monotonic(), time.time() - time.monotonic()
    with started(own_layout(haproxy, log_level="debug")) as running:
        served_s = await until_answered(running, shape.made()[0])
        listed_s = float(scheduler.command({"tell": "listed"}))
        launch = await running.until_logged("proxy_started")
        up = running.notices("milepost_started")[0]
        up_s = logged_s(up) - offset_s
        read_s = logged_s(running.notices("source_read")[0]) - offset_s
        launched_s = logged_s(launch) - launch["took_ms"] / 1000 - offset_s
    return up["proxy_version"], {
        "answer_to_serving_s": served_s - listed_s,
        "start_to_serving_s": served_s - begun_s,
        "python_s": up_s - begun_s,
        "marathon_s": listed_s - up_s,
        "parse_s": read_s - listed_s,
        "decide_s": launched_s - read_s,
        "haproxy_s": served_s - launched_s,
    }

"""The stages of `milepost render` one by one: `python -m bench.render_stages BEGUN_S APPS_FILE HAPROXY`.

Prints the seconds that each took as JSON. `BEGUN_S` is the monotonic time at which this process was started: the first
stage is Python's own start and milepost's modules.
"""

import json
import sys
import time
from pathlib import Path

from milepost.cli.stage import desired_of
from milepost.compose_policy import policy_of
from milepost.proxies.haproxy.render import render
from milepost.routing.build import build_routing
from milepost.settings.values import HAProxySettings, RoutingSettings, Settings
from milepost.sources.file import read_apps_file


class Watch:
    """Seconds from one call of `lap` to the next."""

    def __init__(self, begun_s: float) -> None:
        self.laps: dict[str, float] = {}
        self._last_s = begun_s

    def lap(self, name: str) -> None:
        now_s = time.monotonic()
        self.laps[name] = now_s - self._last_s
        self._last_s = now_s


def main(begun_s: float, apps: Path, haproxy: str) -> None:
    watch = Watch(begun_s)
    watch.lap("start_s")
    settings = Settings(
        haproxy=HAProxySettings(binary=haproxy, allow_bundled=True), routing=RoutingSettings(groups=("external",))
    )
    seen = read_apps_file(apps)
    watch.lap("parse_s")
    table = build_routing(seen, policy_of(settings))
    watch.lap("routing_s")
    desired = desired_of(settings, table)
    watch.lap("desired_s")
    text = render(desired)
    watch.lap("render_s")
    apps.with_name("stages.cfg").write_text(text)
    watch.lap("write_s")
    print(json.dumps(watch.laps))


if __name__ == "__main__":
    main(float(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])

"""What milepost makes of a bench's apps, by its own stages: used where one of them is measured without the rest."""

import json
from collections.abc import Sequence
from pathlib import Path

from bench.cluster import BenchApp
from milepost.compose_haproxy import max_files
from milepost.proxies.haproxy.binary import Binary
from milepost.proxies.haproxy.config import Desired, Profile
from milepost.proxies.haproxy.desired import RunDesigner
from milepost.routing.build import build_routing
from milepost.routing.policy import Policy
from milepost.sources.file import read_apps_file


def designed(apps: Sequence[BenchApp], folder: Path, binary: Binary, address: str, http_port: int = 0) -> Desired:
    """What HAProxy should be for `apps`, listening at `address`; its admin socket and maps lie in `folder`."""
    file = folder / "apps.json"
    file.write_text(json.dumps([app.json() for app in apps]))
    profile = Profile(
        admin_socket=str(folder / "admin.sock"),
        map_dir=str(folder),
        max_files=max_files(),
        bind=(address,),
        http_port=http_port,
        https_port=0,
        appid_port=0,
        stats_port=0,
        version=binary.numbers,
    )
    return RunDesigner(profile).desired(build_routing(read_apps_file(file), Policy(groups=("external",))))

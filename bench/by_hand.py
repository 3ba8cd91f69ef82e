"""What a competent person writes for the job of the run profile's shared frontend: a map from host to backend."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.cluster import VHOST, BenchApp

_HEAD = """\
global
  maxconn 4000
  stats socket {folder}/admin.sock mode 600 level admin

defaults
  mode http
  option forwardfor
  timeout connect 3s
  timeout client 30s
  timeout server 30s
  timeout http-keep-alive 10s
{defaults}
frontend http
  bind {address}:{port}
{rules}  use_backend %[req.hdr(host),field(1,:),lower,map_str({folder}/hosts.map)]
"""


@dataclass(frozen=True, slots=True)
class Extra:
    """Lines beyond the map and X-Forwarded-For: in the defaults, and in the frontend before the map is asked."""

    defaults: str = ""
    rules: str = ""


PLAIN = Extra()
FULL = Extra(  # what milepost's text does for every request besides
    defaults="  retry-on conn-failure empty-response\n",
    rules="""\
  http-request set-header X-Forwarded-Port %[dst_port]
  http-request set-header X-Forwarded-Proto https if { ssl_fc }
  http-request disable-l7-retry unless { method GET HEAD OPTIONS }
""",
)


def write_by_hand(apps: Sequence[BenchApp], folder: Path, address: str, port: int, extra: Extra) -> Path:
    """Write the configuration and its map into `folder`; returns the configuration's path. Each app has one host."""
    names = [app.id.rpartition("/")[2] for app in apps]
    (folder / "hosts.map").write_text(
        "".join(f"{app.labels[VHOST]} {name}\n" for app, name in zip(apps, names, strict=True))
    )
    backends = (
        "\n".join((f"\nbackend {name}", *(f"  server {task.id} {task.host}:{task.port}" for task in app.tasks), ""))
        for name, app in zip(names, apps, strict=True)
    )
    config = folder / "haproxy.cfg"
    head = _HEAD.format(folder=folder, address=address, port=port, defaults=extra.defaults, rules=extra.rules)
    config.write_text(head + "".join(backends))
    return config

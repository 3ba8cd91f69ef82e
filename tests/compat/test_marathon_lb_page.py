"""docs/marathon-lb.md: its commands work as they stand there, and no flag is missing."""

import os
import re
import subprocess
import sys
import tomllib
from functools import partial
from pathlib import Path

import pytest
from anyio import to_thread

from milepost.compat.marathon_lb.arguments import make_parser
from milepost.proxies.haproxy.binary import Binary
from support.fake_marathon import FakeMarathon, app, task
from support.haproxy import each_haproxy, free_ports
from support.shared import ROOT
from support.traffic import fake_tasks

PAGE = (ROOT / "docs" / "marathon-lb.md").read_text()
_SCRIPTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]


def test_every_flag_is_in_the_table() -> None:
    named = set(re.findall(r"`(--?[a-zA-Z][a-z-]*)`", PAGE.partition("## Flags")[2].partition("## Environment")[0]))
    assert {option for action in make_parser("marathon-lb", {})._actions for option in action.option_strings} == named


def shims(folder: Path) -> Path:
    """A directory for PATH with both commands, as an installation has them."""
    folder.mkdir()
    for name in ("milepost", "marathon-lb"):
        module, _, function = _SCRIPTS[name].partition(":")
        (folder / name).write_text(f"#!{sys.executable}\nfrom {module} import {function}\n{function}()\n")
        (folder / name).chmod(0o755)
    return folder


@pytest.mark.system
@pytest.mark.anyio
@each_haproxy
async def test_the_move_works_as_written(binary: Binary, tmp_path: Path) -> None:
    (port,) = free_ports(1)
    environ = {
        "PATH": f"{shims(tmp_path / 'bin')}:{os.environ['PATH']}:/usr/bin:/bin",
        "PYTHONPATH": os.environ.get("PYTHONPATH", ""),
        "TMPDIR": str(tmp_path),
        "MILEPOST_HAPROXY_BINARY": str(binary.path),
        "MILEPOST_HAPROXY_ALLOW_BUNDLED": "true",
        "MILEPOST_HAPROXY_APPID_PORT": "0",
        "MILEPOST_HAPROXY_STATS_PORT": "0",
    }
    async with FakeMarathon() as marathon, fake_tasks(1) as (answering,):
        ports = [{"containerPort": 80, "hostPort": 0, "servicePort": port}]
        marathon.put(
            app(
                "/web",
                [task("web.1", "127.0.0.1", (answering.port,))],
                container={"type": "DOCKER", "portMappings": ports},
            )
        )
        script = "\n".join(re.findall(r"^```sh\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE))
        script = script.replace("http://127.0.0.1:8080", marathon.url).replace(":10000/", f":{port}/")
        (tmp_path / "haproxy.cfg").write_text("global\n")
        run = partial(subprocess.run, ["sh", "-c", script], cwd=tmp_path, env=environ, capture_output=True, text=True)
        ended = await to_thread.run_sync(run)
    assert ended.returncode == 0, ended.stderr
    assert (tmp_path / "haproxy.cfg").read_text() + "\n" == (tmp_path / "new.cfg").read_text()
    _, _, answered = ended.stdout.partition("haproxy.cfg\nreloaded\n")
    assert answered.startswith(str(answering.port))

"""The reload command: which one, how often, and how a new HAProxy is noticed."""

import shlex
import signal
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import anyio
import pytest

from milepost.compat.marathon_lb.processes import haproxy_processes
from milepost.compat.marathon_lb.reload import Patience, Reload, guessed_command, split_command
from milepost.errors import SettingsError
from milepost.proxies.haproxy.binary import Binary
from support.haproxy import each_haproxy, free_ports
from support.waiting import until

pytestmark = pytest.mark.system

nobody = frozenset
SOON = Patience(runs=1, interval_s=20)


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ([], ()),
        (["etc/init.d/haproxy"], ("{root}/etc/init.d/haproxy", "reload")),
        (["etc/init.d/haproxy", "lib/systemd/system/haproxy.service"], ("systemctl", "reload", "haproxy")),
        (["etc/systemd/system/haproxy.service"], ("systemctl", "reload", "haproxy")),
        (["usr/lib/systemd/system/haproxy.service", "etc/init/haproxy.conf"], ("reload", "haproxy")),
    ],
)
def test_the_command_is_guessed_from_the_units_of_the_machine(
    files: list[str], expected: tuple[str, ...], tmp_path: Path
) -> None:
    for name in files:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert guessed_command(tmp_path) == tuple(word.format(root=tmp_path) for word in expected)


def test_the_command_is_split_as_a_shell_would_and_no_shell_runs() -> None:
    assert split_command("reload 'a b' $HOME; true") == ("reload", "a b", "$HOME;", "true")


@pytest.mark.parametrize("command", ["reload 'a", "  "])
def test_what_is_no_command_is_refused(command: str) -> None:
    with pytest.raises(SettingsError, match="--command"):
        split_command(command)


class Counted:
    """A command that leaves a line in a file each time it runs."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "runs"
        self.words = ("sh", "-c", f"echo ran >>{shlex.quote(str(self._file))}")

    @property
    def runs(self) -> int:
        return len(self._file.read_text().splitlines()) if self._file.exists() else 0


@pytest.mark.anyio
async def test_it_is_repeated_as_often_as_was_asked_for_while_no_new_haproxy_shows_up(tmp_path: Path) -> None:
    command = Counted(tmp_path)
    assert not await Reload(command.words, Patience(3, 0.01), nobody).reload()
    assert command.runs == 3


@pytest.mark.anyio
async def test_without_retries_it_runs_once_and_is_waited_for_without_end(tmp_path: Path) -> None:
    command = Counted(tmp_path)
    with anyio.move_on_after(0.3) as waiting:
        await Reload(command.words, Patience(0, 0.01), nobody).reload()
    assert waiting.cancelled_caught
    assert command.runs == 1


@pytest.mark.anyio
async def test_a_newer_wish_ends_the_wait_at_its_next_expiry_and_is_not_lost(tmp_path: Path) -> None:
    command = Counted(tmp_path)
    reload = Reload(command.words, Patience(0, 0.05), nobody)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(reload.run)
        reload.ask()
        await until(lambda: command.runs == 1)
        reload.ask()
        reload.ask()
        await until(lambda: command.runs == 2)
        tasks.cancel_scope.cancel()
    assert command.runs == 2


@asynccontextmanager
async def running(binary: Binary, folder: Path) -> AsyncIterator[Path]:
    """A HAProxy of somebody else's, with a master; its configuration."""
    config = folder / "haproxy.cfg"
    (port,) = free_ports(1)
    config.write_text(
        "defaults\n  mode http\n  timeout connect 1s\n  timeout client 1s\n  timeout server 1s\n"
        f"frontend one\n  bind 127.0.0.1:{port}\n"
    )
    command = [str(binary.path), "-W", "-f", str(config)]
    async with await anyio.open_process(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as master:
        try:
            await until(lambda: len(haproxy_processes(config)) == 2)
            yield config
        finally:
            master.send_signal(signal.SIGTERM)


@pytest.mark.anyio
@each_haproxy
async def test_the_process_that_a_reload_makes_is_noticed(binary: Binary, tmp_path: Path) -> None:
    async with running(binary, tmp_path) as config:
        master = min(pid for pid, _ in haproxy_processes(config))
        assert await Reload(("kill", "-USR2", str(master)), SOON, partial(haproxy_processes, config)).reload()


@pytest.mark.anyio
@each_haproxy
async def test_the_reload_of_another_haproxy_is_not_taken_for_ours(binary: Binary, tmp_path: Path) -> None:
    (tmp_path / "ours").mkdir()
    (tmp_path / "theirs").mkdir()
    async with running(binary, tmp_path / "ours") as ours, running(binary, tmp_path / "theirs") as theirs:
        before = haproxy_processes(theirs)
        other = min(pid for pid, _ in before)
        assert not await Reload(
            ("kill", "-USR2", str(other)), Patience(1, 1.0), partial(haproxy_processes, ours)
        ).reload()
        await until(lambda: bool(haproxy_processes(theirs) - before))

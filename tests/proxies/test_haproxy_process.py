"""HAProxy as a process that is nobody's child: its end is seen at once, and it ends when asked."""

import signal
import subprocess
import sys
from collections.abc import Iterator

import anyio
import pytest

from milepost.errors import ProxyError
from milepost.proxies.haproxy.process import named_environment, run_program, stop, wait_for_death

pytestmark = [pytest.mark.anyio, pytest.mark.system]

IGNORING = "import signal,time\nfor n in (10, 15): signal.signal(n, signal.SIG_IGN)\nprint(flush=True)\ntime.sleep(60)"
PLAIN = "import time\nprint(flush=True)\ntime.sleep(60)"


@pytest.fixture(params=[PLAIN, IGNORING], ids=["plain", "deaf"])
def process(request: pytest.FixtureRequest) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen([sys.executable, "-c", request.param], stdout=subprocess.PIPE) as running:
        assert running.stdout is not None
        running.stdout.readline()
        yield running
        running.kill()


async def test_the_end_of_a_process_is_seen(process: subprocess.Popen[bytes]) -> None:
    async with anyio.create_task_group() as group:
        with anyio.fail_after(5):
            group.start_soon(wait_for_death, process.pid)
            await anyio.wait_all_tasks_blocked()
            process.kill()
    process.wait()
    with anyio.fail_after(5):
        await wait_for_death(process.pid)


async def test_a_process_is_ended_gently_where_it_listens_and_by_force_where_not(
    process: subprocess.Popen[bytes],
) -> None:
    with anyio.fail_after(20):
        await stop(process.pid, grace_s=0.05)
    assert -process.wait() in (signal.SIGUSR1, signal.SIGKILL)


async def test_stopping_what_has_ended_is_nothing() -> None:
    async with await anyio.open_process([sys.executable, "-c", ""]) as ended:
        await ended.wait()
    await stop(ended.pid, grace_s=0.1)


def test_only_named_variables_are_passed() -> None:
    assert named_environment(("A", "MISSING"), {"A": "1", "SECRET": "x"}) == {"A": "1"}


async def test_a_program_gives_its_status_and_words_and_gets_only_its_environment() -> None:
    script = "import os,sys\nprint(sorted(set(os.environ) - {'LC_CTYPE'}))\nsys.exit('bad')"
    ran = await run_program([sys.executable, "-c", script], {"SITE": "north"}, timeout_s=10)
    assert (ran.status, sorted(ran.words.split())) == (1, ["['SITE']", "bad"])


async def test_a_program_that_does_not_end_or_is_not_there_is_an_error() -> None:
    with pytest.raises(ProxyError, match=r"did not end within 0\.1 s"):
        await run_program([sys.executable, "-c", "import time; time.sleep(60)"], {}, timeout_s=0.1)
    with pytest.raises(ProxyError, match="cannot be run: No such file"):
        await run_program(["/no/such/program"], {}, timeout_s=1)

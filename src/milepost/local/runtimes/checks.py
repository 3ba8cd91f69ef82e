"""COMMAND checks of tasks that are processes."""

import signal
from collections.abc import Mapping
from pathlib import Path

import anyio

from milepost.local.runtimes.account import OURS, Account
from milepost.local.runtimes.guardian import Guardian
from milepost.local.runtimes.leader import start


async def run_beside(
    command: str,
    sandbox: Path,
    environment: Mapping[str, str],
    account: Account = OURS,
    guardian: Guardian | None = None,
) -> int:
    """Run the command in its task's folder and environment, as its user; its exit status. Nothing of it outlives us if
    there is a guardian. Raises OSError if it cannot be run."""
    leader = start(("/bin/sh", "-c", command), sandbox, environment, account=account)
    try:
        if guardian:
            guardian.watch(leader.pid)
        return await leader.wait()
    finally:
        with anyio.CancelScope(shield=True):
            leader.signal(signal.SIGKILL)
            await leader.wait()
        leader.close()
        if guardian:
            guardian.release(leader.pid)

"""COMMAND checks of tasks that are processes."""

import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path

import anyio

from milepost.local.runtimes.process import signal_all


async def run_beside(command: str, sandbox: Path, environment: Mapping[str, str]) -> int:
    """Run the command in its task's folder and environment; its exit status."""
    with anyio.CancelScope(shield=True):  # cut short, it would leave what the process has started itself
        process = await anyio.open_process(
            ["/bin/sh", "-c", command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=sandbox,
            env=environment,
            start_new_session=True,
        )
    try:
        return await process.wait()
    finally:
        with anyio.CancelScope(shield=True):
            signal_all(process, signal.SIGKILL)
            await process.aclose()

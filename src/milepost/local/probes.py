"""Health probes: one question to one task (marathon-api 5.5)."""

import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path

import anyio
import httpx2

from milepost.local.runtimes.process import signal_all
from milepost.local.scheduler.effects import ProbeHealth

PROMISED_STATUS = range(200, 400)


class Prober:
    """Asks tasks how they are. Certificates are not verified and redirects not followed, as in Marathon."""

    def __init__(self) -> None:
        limits = httpx2.Limits(max_keepalive_connections=0)
        self._client = httpx2.AsyncClient(verify=False, trust_env=False, limits=limits)

    async def probe(self, probe: ProbeHealth, sandbox: Path, environment: Mapping[str, str]) -> str | None:
        """None if the task answered well within the check's timeout, else what was wrong."""
        timeout_s = probe.check.timeout_seconds
        try:
            with anyio.fail_after(timeout_s):
                return await self._ask(probe, sandbox, environment)
        except TimeoutError:
            return f"no answer within {timeout_s} s"
        except (OSError, ValueError, OverflowError, httpx2.HTTPError, httpx2.InvalidURL) as error:
            return f"{type(error).__name__}: {error}"

    async def aclose(self) -> None:
        await self._client.aclose()

    async def _ask(self, probe: ProbeHealth, sandbox: Path, environment: Mapping[str, str]) -> str | None:
        kind = probe.check.protocol.removeprefix("MESOS_")
        if kind == "COMMAND" or probe.port is None:
            return await _run_command((probe.check.command or {}).get("value", ""), sandbox, environment)
        if kind == "TCP":
            async with await anyio.connect_tcp(probe.node, probe.port):
                return None
        return await self._get(kind.lower(), probe.node, probe.port, probe.check.path or "/")

    async def _get(self, scheme: str, node: str, port: int, path: str) -> str | None:
        url = f"{scheme}://{node}:{port}/{path.removeprefix('/')}"
        async with self._client.stream("GET", url, timeout=None) as response:  # the whole probe has one timeout
            if response.status_code in PROMISED_STATUS:
                return None
            return f"{response.status_code} {response.reason_phrase}"


async def _run_command(command: str, sandbox: Path, environment: Mapping[str, str]) -> str | None:
    """Run the check beside its task; exit status 0 is health."""
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
        status = await process.wait()
    finally:
        with anyio.CancelScope(shield=True):
            signal_all(process, signal.SIGKILL)
            await process.aclose()
    return f"the command exited with status {status}" if status else None

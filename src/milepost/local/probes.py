"""Probes: one question to one task about its health (marathon-api 5.5) or whether it is ready (5.6)."""

from collections.abc import Awaitable, Callable

import anyio
import httpx2

from milepost.local.scheduler.effects import ProbeHealth, ProbeReadiness
from milepost.local.scheduler.readiness import NO_ANSWER, Answer

PROMISED_STATUS = range(200, 400)
BODY_KEPT = 64 << 10  # bytes of an answer that are read at most


class Prober:
    """Asks tasks how they are. Certificates are not verified and redirects not followed, as in Marathon."""

    def __init__(self) -> None:
        limits = httpx2.Limits(max_keepalive_connections=0)
        self._client = httpx2.AsyncClient(verify=False, trust_env=False, limits=limits)

    async def probe(self, probe: ProbeHealth, run: Callable[[str], Awaitable[int]]) -> str | None:
        """None if the task answered well within the check's timeout, else what was wrong.

        `run` runs a command beside the task and tells its exit status.
        """
        timeout_s = probe.check.timeout_seconds
        try:
            with anyio.fail_after(timeout_s):
                return await self._ask(probe, run)
        except TimeoutError:
            return f"no answer within {timeout_s} s"
        except (OSError, ValueError, OverflowError, httpx2.HTTPError, httpx2.InvalidURL) as error:
            return f"{type(error).__name__}: {error}"

    async def ask(self, probe: ProbeReadiness) -> Answer:
        """What the task answers; one that cannot be asked within the check's timeout is not ready."""
        check, timeout_s = probe.check, probe.check.timeout_seconds
        try:
            with anyio.fail_after(timeout_s):
                return await self._answer(_url(check.protocol.lower(), probe.node, probe.port, check.path))
        except TimeoutError:
            words = f"no answer within {timeout_s:g} s"
        except (OSError, ValueError, httpx2.HTTPError, httpx2.InvalidURL) as error:
            words = f"{type(error).__name__}: {error}"
        return Answer(NO_ANSWER, "text/plain", f"the task could not be asked: {words}")

    async def aclose(self) -> None:
        await self._client.aclose()

    async def _ask(self, probe: ProbeHealth, run: Callable[[str], Awaitable[int]]) -> str | None:
        kind = probe.check.protocol.removeprefix("MESOS_")
        if kind == "COMMAND" or probe.port is None:
            status = await run((probe.check.command or {}).get("value", ""))
            return f"the command exited with status {status}" if status else None
        if kind == "TCP":
            async with await anyio.connect_tcp(probe.node, probe.port):
                return None
        return await self._get(kind.lower(), probe.node, probe.port, probe.check.path or "/")

    async def _get(self, scheme: str, node: str, port: int, path: str) -> str | None:
        url = _url(scheme, node, port, path)
        async with self._client.stream("GET", url, timeout=None) as response:  # the whole probe has one timeout
            if response.status_code in PROMISED_STATUS:
                return None
            return f"{response.status_code} {response.reason_phrase}"

    async def _answer(self, url: str) -> Answer:
        body = b""
        async with self._client.stream("GET", url, timeout=None) as response:
            async for piece in response.aiter_bytes():
                body += piece
                if len(body) >= BODY_KEPT:
                    break
            text = _text(body[:BODY_KEPT], response.charset_encoding or "utf-8")
            return Answer(response.status_code, response.headers.get("content-type", "text/plain"), text)


def _text(body: bytes, charset: str) -> str:
    try:
        return body.decode(charset, "replace")
    except (LookupError, ValueError):  # there is no such charset, or it is none of text
        return body.decode("utf-8", "replace")


def _url(scheme: str, node: str, port: int, path: str) -> str:
    return f"{scheme}://{node}:{port}/{path.removeprefix('/')}"

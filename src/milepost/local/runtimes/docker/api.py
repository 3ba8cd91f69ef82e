"""The engine's HTTP API on its unix socket: the calls that tasks need, and its errors in its own words."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import httpx2
import msgspec

KNOWN = (1, 41)  # the version of the API that the calls here are written for: that of engine 20.10
ANSWER_S = 60.0  # the engine may be busy with other containers
CONNECT_S = 5.0
AnswerT = TypeVar("AnswerT")


class EngineError(Exception):
    """The engine refused; the message is its own. `status` is the HTTP status."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class EngineGone(Exception):
    """Nothing answers at the engine's socket, or not any more."""


@dataclass(frozen=True, slots=True)
class Version:
    """The engine's version, such as "20.10.24", and that of the API that is spoken with it."""

    engine: str
    api: str


class EngineApi:
    """A client of the engine at the path `socket`. Every method raises EngineError and EngineGone."""

    def __init__(self, socket: str) -> None:
        self.socket = socket
        limits = httpx2.Limits(max_connections=None, max_keepalive_connections=0)  # each running task holds two
        self._client = httpx2.AsyncClient(
            transport=httpx2.AsyncHTTPTransport(uds=socket, limits=limits, verify=False),  # no TLS on a socket
            base_url="http://docker",
            timeout=httpx2.Timeout(ANSWER_S, connect=CONNECT_S),
            trust_env=False,
        )
        self._prefix = ""

    async def aclose(self) -> None:
        await self._client.aclose()

    async def greet(self) -> Version:
        """Ask who it is and agree on a version of the API: ours if the engine has it, else its nearest."""
        told = await self._send("GET", "/version")
        if not isinstance(told, dict):
            raise self._stranger(200)
        latest, oldest = _numbers(told.get("ApiVersion")), _numbers(told.get("MinAPIVersion"))
        api = ".".join(map(str, max(min(KNOWN, latest), oldest)))
        self._prefix = f"/v{api}"
        return Version(str(told.get("Version", "")), api)

    async def call(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        params: Mapping[str, str] | None = None,
        patient: bool = False,
    ) -> Any:
        """The decoded answer, None without one. `patient` waits for it however long it takes."""
        if not self._prefix:
            await self.greet()
        return await self._send(method, self._prefix + path, body, params, patient=patient)

    async def ask(
        self,
        path: str,
        kind: type[AnswerT],
        body: object = None,
        *,
        method: str = "GET",
        params: Mapping[str, str] | None = None,
        patient: bool = False,
    ) -> AnswerT:
        """The answer as a `kind`; one of another shape is an EngineError."""
        answer = await self.call(method, path, body, params=params, patient=patient)
        try:
            return msgspec.convert(answer, kind)
        except msgspec.ValidationError as error:
            raise EngineError(502, f"Docker: its answer cannot be read: {error}") from error

    @asynccontextmanager
    async def stream(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        """The answer piece by piece, for as long as the engine sends some."""
        if not self._prefix:
            await self.greet()
        options: dict[str, Any] = {} if body is None else {"json": body}
        timeout = httpx2.Timeout(None, connect=CONNECT_S)
        try:
            async with self._client.stream(
                method, self._prefix + path, params=params, headers=headers, timeout=timeout, **options
            ) as response:
                if response.is_error:
                    await response.aread()
                    raise _refusal(response)
                yield response.aiter_bytes()
        except httpx2.HTTPError as error:
            raise self._gone(error) from error

    async def _send(
        self,
        method: str,
        path: str,
        body: object = None,
        params: Mapping[str, str] | None = None,
        *,
        patient: bool = False,
    ) -> Any:
        options: dict[str, Any] = {} if body is None else {"json": body}
        if patient:
            options["timeout"] = httpx2.Timeout(None, connect=CONNECT_S)
        try:
            response = await self._client.request(method, path, params=params, **options)
        except httpx2.HTTPError as error:
            raise self._gone(error) from error
        if response.is_error:
            raise _refusal(response)
        try:
            return msgspec.json.decode(response.content) if response.content else None
        except msgspec.DecodeError as error:
            raise self._stranger(response.status_code) from error

    def _stranger(self, status: int) -> EngineError:
        return EngineError(status, f"what answers at {self.socket} is no Docker engine")

    def _gone(self, error: Exception) -> EngineGone:
        return EngineGone(f"Docker's engine at {self.socket} does not answer: {error or type(error).__name__}")


def _refusal(response: httpx2.Response) -> EngineError:
    try:
        message = msgspec.json.decode(response.content)["message"]
    except (msgspec.DecodeError, KeyError, TypeError):
        message = response.text[:300] or response.reason_phrase
    return EngineError(response.status_code, f"Docker: {str(message).strip()}")


def _numbers(version: object) -> tuple[int, int]:
    major, _, minor = str(version or "").partition(".")
    return (int(major), int(minor)) if major.isdecimal() and minor.isdecimal() else KNOWN

"""Marathon's HTTP API, as far as a balancer reads it: fail-over, redirects, limits on time and size.

Every failure is a SourceError that names the endpoint and what was wrong with its answer. Credentials go into
a header and nowhere else.
"""

import ssl
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import Self, TypeVar
from urllib.parse import quote, urlsplit

import anyio
import httpx2
import msgspec

from milepost.errors import SettingsError, SourceError
from milepost.sources.marathon.credentials import Credentials
from milepost.sources.marathon.events import EVENT_TYPES, POD_EVENT_TYPES
from milepost.sources.marathon.kept import Answer, KeptConnections, NoPlainAnswer
from milepost.sources.marathon.settings import MarathonSettings

T = TypeVar("T")

_APPS = "/v2/apps?embed=apps.tasks"
_APP = "/v2/apps/{}?embed=app.tasks"
_READINESS = "&embed=apps.readiness"  # that prefix is right for a single app too (marathon-api.md 6.1)
_PODS = "/v2/pods/::status"
_POD = "/v2/pods/{}::status"
_EVENTS = "/v2/events?plan-format=light"
_HEADERS = {"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "milepost"}
_STREAM_HEADERS = {"Accept": "text/event-stream", "Cache-Control": "no-cache"}
_REDIRECTS = 3
_IDLE_S = 50.0  # keep-alive; below the 60 s after which servers and firewalls commonly drop a connection


@dataclass(frozen=True, slots=True)
class EventStream:
    """An open stream from `endpoint`. Iterating `events` raises SourceError if it breaks, and ends if it is ended."""

    endpoint: str
    events: AsyncIterator[httpx2.ServerSentEvent]


class MarathonClient:
    """Talks to one Marathon cluster. The endpoint that last answered well is asked first.

    Enter it before use. Raises SettingsError when made with a CA file that cannot be used.
    """

    def __init__(self, settings: MarathonSettings) -> None:
        self._settings = settings
        self._urls = settings.urls
        self._stream_timeout = httpx2.Timeout(settings.stream_silence_s, connect=settings.connect_timeout_s)
        self._tls = _tls(settings)
        self._kept: dict[str, KeptConnections] = {}  # by endpoint
        self._credentials = Credentials(settings, self._tls)
        self._http = httpx2.AsyncClient(
            headers=_HEADERS,
            verify=self._tls,
            timeout=httpx2.Timeout(settings.read_timeout_s, connect=settings.connect_timeout_s),
            limits=httpx2.Limits(keepalive_expiry=_IDLE_S),
            trust_env=False,
        )

    async def __aenter__(self) -> Self:
        await self._http.__aenter__()
        return self

    async def __aexit__(self, *exc: object) -> None:
        for kept in self._kept.values():
            await kept.aclose()
        await self._http.aclose()

    async def run(self) -> None:
        """What is to be done beside the requests, until cancelled; returns where that is nothing."""
        await self._credentials.run()

    @property
    def endpoint(self) -> str:
        """The URL that is asked first now."""
        return self._urls[0]

    def ask_last(self, endpoint: str) -> None:
        """Ask the other endpoints, if there are any, before this one."""
        self._urls = (*(url for url in self._urls if url != endpoint), endpoint)

    async def read_apps(self) -> bytes:
        """The body of the answer about all apps with their tasks."""
        return await self._fail_over(self._read_apps)

    async def read_app(self, app_id: str) -> bytes | None:
        """The body of the answer about one app with its tasks, None if Marathon says that there is none."""
        path = _APP.format(quote(app_id.strip("/"))) + (_READINESS if self._settings.readiness else "")
        return await self._fail_over(lambda url: self._read_app(url, path, app_id))

    async def read_pods(self) -> bytes | None:
        """The body of the answer about all pods, None from a Marathon that has no pods at all."""
        return await self._fail_over(lambda url: self._read_pods(url + _PODS))

    async def read_pod(self, pod_id: str) -> bytes | None:
        """The body of the answer about one pod, None if Marathon says that there is none."""
        path = _POD.format(quote(pod_id.strip("/")))
        return await self._fail_over(lambda url: self._read_pods(url + path))

    @asynccontextmanager
    async def events(self) -> AsyncIterator[EventStream]:
        """The event stream, open. An error at opening is a SourceError as well."""
        async with AsyncExitStack() as stack:
            endpoint, response = await self._fail_over(lambda url: self._open_events(url, stack))
            try:
                async with aclosing(self._iterate(endpoint, response)) as events:
                    yield EventStream(endpoint, events)
            finally:  # who lets a stream end may be going away
                self.ask_last(endpoint)

    async def _fail_over(self, ask: Callable[[str], Awaitable[T]]) -> T:
        failures = []
        for url in self._urls:
            try:
                found = await ask(url)
            except (SourceError, httpx2.HTTPError, httpx2.InvalidURL, TimeoutError) as error:
                failures.append(f"{url}: {_words(error)}")
            else:
                self._urls = (url, *(other for other in self._urls if other != url))
                return found
        raise SourceError("; ".join(failures))

    async def _read_apps(self, url: str) -> bytes:
        with anyio.fail_after(self._settings.read_timeout_s):
            async with self._ask(url + _APPS + (_READINESS if self._settings.readiness else "")) as response:
                _expect(response, "application/json")
                return await self._body(response)

    async def _read_app(self, url: str, path: str, app_id: str) -> bytes | None:
        with anyio.fail_after(self._settings.read_timeout_s):
            plain = await self._plain_answer(url, path)
            if plain is not None:
                return _app_in(plain, app_id)
            async with self._ask(url + path) as response:
                body = await self._body(response) if response.status_code in (200, 404) else b""
                return _app_in(Answer(response.status_code, _content_type(response), body), app_id)

    async def _plain_answer(self, url: str, path: str) -> Answer | None:
        """The answer where it is a plain one, None where only the whole client can tell what is to be made of it."""
        if url not in self._kept:
            self._kept[url] = KeptConnections(url, self._tls, self._settings.max_answer_bytes)
        headers = {**_HEADERS, **await self._credentials.headers()}
        try:
            answer = await self._kept[url].get(urlsplit(url).path + path, headers)
        except NoPlainAnswer:
            return None
        return answer if answer.status in (200, 404) else None

    async def _read_pods(self, url: str) -> bytes | None:
        with anyio.fail_after(self._settings.read_timeout_s):
            async with self._ask(url) as response:
                if response.status_code == 404:
                    return None
                _expect(response, "application/json")
                return await self._body(response)

    async def _open_events(self, url: str, stack: AsyncExitStack) -> tuple[str, httpx2.Response]:
        with anyio.fail_after(self._settings.stream_silence_s):
            names = EVENT_TYPES + (POD_EVENT_TYPES if self._settings.pods else ())
            path = "&".join((_EVENTS, *(f"event_type={name}" for name in names)))
            asked = self._ask(url + path, _STREAM_HEADERS, self._stream_timeout)
            response = await stack.enter_async_context(asked)
            _expect(response, "text/event-stream")
            return url, response

    async def _iterate(self, url: str, response: httpx2.Response) -> AsyncGenerator[httpx2.ServerSentEvent]:
        """Each event. A bare line end is life, too: only `stream_silence_s` without any byte is the end."""
        try:
            async for event in httpx2.EventSource(response, max_event_size=self._settings.max_event_bytes):
                yield event
        except httpx2.ReadTimeout as error:
            raise SourceError(f"{url}: silent for {self._settings.stream_silence_s:g} s") from error
        except httpx2.HTTPError as error:
            raise SourceError(f"{url}: the event stream broke: {_words(error)}") from error

    @asynccontextmanager
    async def _ask(
        self, url: str, headers: dict[str, str] | None = None, timeout: httpx2.Timeout | None = None
    ) -> AsyncIterator[httpx2.Response]:
        """The answer to GET `url`, after redirects, its body unread. Credentials are sent to each target anew.

        A standby sends us to the leader, which is another host (marathon-api.md 11.5), often one that nobody named;
        who could forge that answer has read the credentials in our question.
        """
        target = httpx2.URL(url)
        for _ in range(_REDIRECTS + 1):
            sent = {**(headers or {}), **await self._credentials.headers()}
            request = self._http.build_request("GET", target, headers=sent, timeout=timeout or self._http.timeout)
            response = await self._http.send(request, stream=True)
            async with aclosing(response):
                if not response.has_redirect_location:
                    if response.status_code == httpx2.codes.UNAUTHORIZED:
                        self._credentials.refused()
                    yield response
                    return
                target = _redirected(target, response.headers["location"])
        raise SourceError(f"more than {_REDIRECTS} redirects")

    async def _body(self, response: httpx2.Response) -> bytes:
        size, parts = 0, []
        async for part in response.aiter_bytes():
            size += len(part)
            if size > self._settings.max_answer_bytes:
                raise SourceError(f"the answer has more than {self._settings.max_answer_bytes} bytes")
            parts.append(part)
        return b"".join(parts)


def _redirected(target: httpx2.URL, location: str) -> httpx2.URL:
    """Where a redirect leads. It may not take the credentials from TLS to plain text, nor bring its own."""
    onward = target.join(location).copy_with(username=None, password=None)
    if onward.scheme not in ("http", "https") or (target.scheme == "https" and onward.scheme != "https"):
        raise SourceError(f"a redirect from {target.scheme} to {onward.scheme} is not followed")
    return onward


def _app_in(answer: Answer, app_id: str) -> bytes | None:
    if answer.status == 404 and _says_gone(app_id, answer.body):
        return None
    if answer.status != 200:
        raise SourceError(f"answered {answer.status}")
    _expect_type("application/json", answer.content_type)
    return answer.body


def _expect(response: httpx2.Response, content_type: str) -> None:
    if response.status_code != 200:
        raise SourceError(f"answered {response.status_code} {response.reason_phrase}".rstrip())
    _expect_type(content_type, _content_type(response))


def _expect_type(wanted: str, got: str) -> None:
    if got != wanted:
        raise SourceError(f"expected an answer of type {wanted}, got {got or 'none'!r}")


def _content_type(response: httpx2.Response) -> str:
    return response.headers.get("content-type", "").partition(";")[0].strip().lower()


def _says_gone(app_id: str, body: bytes) -> bool:
    """Whether a 404 is Marathon's word about this app, rather than somebody else's about the path."""
    try:
        answer = msgspec.json.decode(body)
    except (msgspec.DecodeError, ValueError, RecursionError):
        return False
    return isinstance(answer, dict) and f"'{app_id}' does not exist" in str(answer.get("message"))


def _words(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "no whole answer in time"
    return str(error) or type(error).__name__


def _tls(settings: MarathonSettings) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=settings.ca_file)
    except OSError as error:
        raise SettingsError(f"ca_file {settings.ca_file} cannot be used: {error.strerror or error}") from error
    if not settings.tls_verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context

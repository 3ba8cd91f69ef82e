"""Marathon's HTTP API, as far as a deployment changes apps by it (marathon-api.md 6). One question at a time."""

import ssl
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import anyio
import httpx2
import msgspec

from milepost.compat.zdd.colours import Colour
from milepost.compat.zdd.definition import Document
from milepost.compat.zdd.errors import NotCreated, NotDeleted, NotRead, NotScaled, ZddError
from milepost.errors import SourceError
from milepost.sources.marathon import wire
from milepost.sources.marathon.credentials import Credentials
from milepost.sources.marathon.settings import MarathonSettings
from milepost.sources.marathon.translate import app_from_wire
from milepost.sources.names import names_in, with_addresses
from milepost.sources.resolver import Resolve, resolve_ipv4

_REDIRECTS = 3


class MarathonApi:
    """Implements `Marathon` of `deployment.py` over one cluster. Raises ZddError where its CA file cannot be used,
    SettingsError where its credentials cannot.
    """

    def __init__(self, settings: MarathonSettings, resolve: Resolve = resolve_ipv4) -> None:
        self._settings, self._resolve = settings, resolve
        self._tls = _tls(settings.ca_file, verify=settings.tls_verify)
        self._credentials = Credentials(settings, self._tls)

    def apps(self) -> Sequence[Colour]:
        """All apps. One that cannot be read is left out: none of the group's own makes it unreadable later."""
        answer = self._ask(NotRead, "GET", "/v2/apps")
        found = []
        for document in _member(answer, "apps", list):
            try:
                found.append(_colour(document))
            except (msgspec.ValidationError, ValueError):
                continue
        return found

    def app(self, app_id: str) -> Colour:
        """One app with its tasks, their agents' names looked up."""
        answer = self._ask(NotRead, "GET", f"{_path(app_id)}?embed=app.tasks")
        document = _member(answer, "app", dict)
        try:
            colour = _colour(document)
        except (msgspec.ValidationError, ValueError) as error:
            raise NotRead(f"the app {app_id} cannot be read: {error}") from error
        addresses = {name: at for name in names_in([colour.app]) if (at := self._resolve(name)) is not None}
        return Colour(with_addresses(colour.app, addresses), colour.document, colour.is_deploying)

    def create(self, document: Document) -> None:
        self._ask(NotCreated, "POST", "/v2/apps", document)

    def delete(self, app_id: str) -> None:
        self._ask(NotDeleted, "DELETE", _path(app_id))

    def scale(self, app_id: str, instances: int) -> None:
        self._ask(NotScaled, "PUT", _path(app_id), {"instances": instances})

    def kill(self, task_ids: Sequence[str]) -> None:
        """See `Marathon.kill`."""
        self._ask(NotScaled, "POST", "/v2/tasks/delete?scale=true", {"ids": list(task_ids)})

    def _ask(self, failure: type[ZddError], method: str, path: str, body: object = None) -> Any:
        """The answer's JSON. Another endpoint is asked where one cannot be reached: nothing was done there then."""
        failures = []
        for url in self._settings.urls:
            try:
                with self._client() as http:
                    response = self._send(http, method, url + path, body)
            except (httpx2.ConnectError, SourceError) as error:
                failures.append(f"{url}: {error}")
                continue
            except httpx2.HTTPError as error:
                failures.append(f"{url}: {str(error) or type(error).__name__}")
                break
            if not response.is_success:
                raise failure(f"{url} answered {response.status_code} to {method} {path}: {_words(response)}")
            return _decoded(response, failure)
        raise failure(f"no Marathon answers to {method} {path}: {'; '.join(failures)}")

    def _client(self) -> httpx2.Client:
        """For one question: minutes may pass until the next."""
        settings = self._settings
        return httpx2.Client(
            headers={"Accept": "application/json", "User-Agent": "milepost zdd"},
            verify=self._tls,
            timeout=httpx2.Timeout(settings.read_timeout_s, connect=settings.connect_timeout_s),
            trust_env=False,
        )

    def _send(self, http: httpx2.Client, method: str, url: str, body: object) -> httpx2.Response:
        """After redirects: a standby sends us to the leader, which asks for credentials too (marathon-api.md 11).

        Raises SourceError where a login for them fails.
        """
        target = httpx2.URL(url)
        response = self._request(http, method, target, body)
        for _ in range(_REDIRECTS):
            if not response.has_redirect_location:
                break
            onward = target.join(response.headers["location"])
            if target.scheme == "https" and onward.scheme != "https":
                break  # the credentials would go in the clear
            target = onward
            response = self._request(http, method, target, body)
        return response

    def _request(self, http: httpx2.Client, method: str, target: httpx2.URL, body: object) -> httpx2.Response:
        headers = anyio.run(self._credentials.headers)
        return http.request(method, target, json=body, headers=headers)


def _colour(document: Any) -> Colour:
    """Raises ValueError (of which msgspec's errors are) where it is no app."""
    app = app_from_wire(wire.app_decoder.decode(msgspec.json.encode(document)))
    return Colour(app, document, is_deploying=bool(document.get("deployments")))


def _path(app_id: str) -> str:
    return f"/v2/apps/{quote(app_id.strip('/'))}"


def _member(answer: Any, name: str, kind: type) -> Any:
    found = answer.get(name) if isinstance(answer, dict) else None
    if not isinstance(found, kind):
        raise NotRead(f"Marathon's answer has no {name}; nothing was changed")
    return found


def _decoded(response: httpx2.Response, failure: type[ZddError]) -> Any:
    try:
        return msgspec.json.decode(response.content) if response.content else {}
    except msgspec.DecodeError as error:
        raise failure(f"{response.url} answered no JSON: {error}") from error


def _words(response: httpx2.Response) -> str:
    try:
        return str(msgspec.json.decode(response.content)["message"])
    except (msgspec.DecodeError, KeyError, TypeError):
        return response.reason_phrase


def _tls(ca_file: Path | None, *, verify: bool) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=ca_file)
    except OSError as error:
        raise ZddError(f"--marathon-ca-cert: {ca_file} cannot be used: {error.strerror or error}") from error
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context

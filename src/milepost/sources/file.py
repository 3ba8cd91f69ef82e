"""Apps from a file: the offline source of `snapshot`, `render`, `diff`, `explain` and `lint`."""

from pathlib import Path

import msgspec

from milepost.errors import SourceError
from milepost.model.snapshot import Snapshot
from milepost.sources.marathon.answer import answer_of
from milepost.sources.names import names_in, with_addresses
from milepost.sources.resolver import Resolve, resolve_ipv4


def read_apps_file(path: Path, resolve: Resolve = resolve_ipv4) -> Snapshot:
    """The apps in `path`: an answer of `GET /v2/apps` or `/v2/apps/{id}`, a bare list, or one app by itself.

    Agent names are looked up with `resolve`. `read_at_s` is the time at which the file was written.
    Raises SourceError if the file cannot be read or holds none of these.
    """
    try:
        body, written_s = path.read_bytes(), path.stat().st_mtime
        answer = answer_of(_apps_in(body))
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {error.strerror}") from error
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise SourceError(f"{path} holds no apps as Marathon writes them: {error}") from error
    found = {name: resolve(name) for name in sorted(names_in(answer.apps.values()))}
    addresses = {name: address for name, address in found.items() if address is not None}
    apps = {app_id: with_addresses(app, addresses) for app_id, app in answer.apps.items()}
    return Snapshot(apps, str(path), written_s, answer.problems)


def _apps_in(body: bytes) -> list[msgspec.Raw]:
    """The apps, each still undecoded. Raises ValueError (of which msgspec's errors are) for any other shape."""
    match msgspec.json.decode(body, type=dict[str, msgspec.Raw] | list[msgspec.Raw]):
        case list(apps):
            return apps
        case {"apps": apps}:
            return msgspec.json.decode(apps, type=list[msgspec.Raw])
        case {"app": app}:
            return [app]
        case {"id": _}:
            return [msgspec.Raw(body)]
    raise ValueError("expected a list, an object with `apps` or `app`, or an app with an `id`")

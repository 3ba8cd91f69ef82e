"""Reading back what runs, through the admin socket."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from anyio import to_thread

from milepost.errors import ProxyError, ProxyGone
from milepost.model.shared_map import SharedMap
from milepost.proxies.haproxy.actual import Actual, ActualServer
from milepost.proxies.haproxy.certificate_files import OF_APPS
from milepost.proxies.haproxy.observe import (
    Info,
    backend_number,
    parse_backends,
    parse_fingerprint,
    parse_info,
    parse_map,
    parse_map_paths,
    parse_names,
    parse_servers,
    running_certificates,
    shared_maps,
)
from milepost.proxies.haproxy.runtime import AdminSocket
from milepost.proxies.haproxy.statistics import ServerStatistics, parse_statistics

_QUESTIONS = ("show info", "show backend", "show map", "show servers state", "show ssl crt-list", "show ssl cert")


async def read_info(admin: AdminSocket) -> Info:
    """Which worker answers. Raises ProxyGone where none does, or one that a reload has replaced."""
    (answer,) = await admin.ask(["show info"])
    return await current(admin, answer)


async def current(admin: AdminSocket, answer: str) -> Info:
    """The answer to `show info`, if it comes from a worker that still takes commands; else the connection is closed.

    Raises ProxyGone: what was sent before on this connection may be lost.
    """
    try:
        info = parse_info(answer)
    except ValueError as error:
        raise ProxyError(f"what answers at {admin.path} is no HAProxy: {error}") from error
    if info.stopping:
        await admin.close()
        raise ProxyGone(f"HAProxy was reloaded: its worker {info.pid} stops and takes no more commands")
    return info


async def read_actual(admin: AdminSocket, known: Actual) -> Actual:
    """All that runs, with what only `known` tells. Raises ProxyGone or ProxyError, see `AdminSocket.ask`.

    The answers are parsed in a thread: those of 20,000 servers take tens of milliseconds.
    """
    info_text, backends, maps, servers, lists, loaded = await admin.ask(_QUESTIONS)
    info = await current(admin, info_text)
    paths = parse_map_paths(maps)
    entries = await admin.ask([f"show map {path}" for path in paths]) if paths else []
    rows = dict(zip(paths, entries, strict=True))
    fingerprints = await _read_fingerprints(admin, lists, loaded)
    try:
        actual = await to_thread.run_sync(_parse, info, backends, servers, rows, known)
    except ValueError as error:
        raise ProxyError(f"HAProxy at {admin.path} answered something else than expected: {error}") from error
    return replace(actual, certificates=running_certificates(fingerprints, known.certificates))


async def _read_fingerprints(admin: AdminSocket, lists: str, loaded: str) -> dict[str, str]:
    """The certificate that is served under each name of each crt-list file, and of those that stand in none."""
    found = await admin.ask([f"show ssl crt-list {path}" for path in parse_names(lists)])
    listed = [path for names in found for path in parse_names(names)]
    of_apps = (path for path in parse_names(loaded) if Path(path).parent.name == OF_APPS)
    paths = list(dict.fromkeys((*listed, *of_apps)))
    shown = await admin.ask([f"show ssl cert {path}" for path in paths])
    return dict(zip(paths, map(parse_fingerprint, shown), strict=True))


def _parse(info: Info, backends: str, servers: str, maps: dict[str, str], known: Actual) -> Actual:
    found = parse_servers(servers, known.servers)
    pools = {name: found.get(name) or _empty(known.servers.get(name)) for name in parse_backends(backends)}
    return Actual(
        pid=info.pid,
        version=info.version,
        digest=info.digest,
        servers=SharedMap(pools, known.servers),
        maps=shared_maps({path: parse_map(rows) for path, rows in maps.items()}, known.maps),
    )


def _empty(known: Mapping[str, ActualServer] | None) -> Mapping[str, ActualServer]:
    return known if known is not None and not known else {}


async def read_statistics(admin_socket: Path, backend: str) -> tuple[ServerStatistics, ...]:
    """The servers of a backend as HAProxy counts them now, by a connection of its own. Raises ProxyError.

    By the backend's number: its name is that of a frontend too, and HAProxy would take that.
    """
    admin = AdminSocket(admin_socket)
    try:
        (state,) = await admin.ask([f"show servers state {backend}"])
        number = backend_number(state)
        if number is None:
            return ()
        (answer,) = await admin.ask([f"show stat {number} 4 -1"])
    finally:
        await admin.close()
    try:
        return parse_statistics(answer)
    except ValueError as error:
        raise ProxyError(f"HAProxy tells no statistics of {backend}: {answer[:200]}") from error

"""HAProxy's answers, and our own file, read into values. Pure.

Formats: HAProxy management guide 9.3 (`show info`, `show servers state`, `show map`, `show backend`) and 9.4
(`show proc` of the master).
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter

from milepost.proxies.haproxy.actual import Actual, ActualServer, RunningCertificate, started
from milepost.proxies.haproxy.config import Desired
from milepost.proxies.haproxy.render import digest_of_text

Pools = Mapping[str, Mapping[str, ActualServer]]

_NO_POOL: Mapping[str, ActualServer] = {}
_NO_POOLS: Pools = {}

_OURS = re.compile(r"milepost (?:.* )?([0-9a-f]{8,})")
_MAP_ROW = re.compile(r"-?\d+ \((/.*?)\) ")
_OUR_SERVER = re.compile(r"  server \S+ \S+ id \d+(?: |$)")  # those that change at run time
_FAILED = re.compile(r"\[failed: (\d+)\]")
_FINGERPRINT = re.compile(r"^SHA1 FingerPrint: ([0-9A-F]+)$", re.MULTILINE)
_UPTIME = re.compile(r"(\d+)d(\d+)h(\d+)m(\d+)s")
_FORCED_MAINT, _FORCED_DRAIN = 1, 8  # bits of srv_admin_state; the others may stay set while it serves
_STOPPED = "0"  # srv_op_state
_PLACE = ("be_name", "srv_name", "srv_addr", "srv_port", "srv_id")
_BACKEND_OF_ROW = itemgetter(0)


@dataclass(frozen=True, slots=True)
class Info:
    """`show info` of a worker. `stopping`: a reload has replaced it, commands to it are lost."""

    pid: int
    version: str
    digest: str
    stopping: bool


@dataclass(frozen=True, slots=True)
class Worker:
    """A worker as its master lists it: how many reloads it has seen, and for how long it runs."""

    pid: int
    reloads: int
    uptime_s: float


@dataclass(frozen=True, slots=True)
class Processes:
    """`show proc` of a master. `worker` is the current one, None while there is none; `old` still finish sessions."""

    master: int
    version: str
    reloads: int
    failed: int
    worker: int | None
    old: tuple[Worker, ...] = ()

    @property
    def pids(self) -> tuple[int, ...]:
        """Of all of them."""
        return (self.master, *((self.worker,) if self.worker else ()), *(worker.pid for worker in self.old))


def parse_info(text: str) -> Info:
    """Raises ValueError where `text` is no answer of `show info`."""
    pairs = dict(line.split(": ", 1) for line in text.splitlines() if ": " in line)
    if "Pid" not in pairs:
        raise ValueError("an answer to `show info` without Pid")
    return Info(
        pid=int(pairs["Pid"]),
        version=pairs.get("Version", ""),
        digest=digest_of(pairs.get("description", "")),
        stopping=pairs.get("Stopping", "0") != "0",
    )


def digest_of(description: str) -> str:
    """The structure's digest in the `description` of a configuration, "" where that is not milepost's."""
    found = _OURS.fullmatch(description.strip())
    return found[1] if found else ""


def parse_servers(text: str, known: Pools = _NO_POOLS) -> dict[str, Mapping[str, ActualServer]]:
    """The pools of `show servers state`, by backend. Raises ValueError where the format is another.

    What is as in `known` is the same object: servers, and whole pools. That also makes it fast, since most are. What
    HAProxy does not tell (options) comes from there.
    """
    pools: dict[str, Mapping[str, ActualServer]] = {}
    for backend, rows in groupby(_server_rows(text), _BACKEND_OF_ROW):
        old = known.get(backend, _NO_POOL)
        pool = {row[1]: _server_of_row(row, old.get(row[1])) for row in rows}
        is_same = len(pool) == len(old) and all(server is old.get(name) for name, server in pool.items())
        pools[backend] = old if is_same else pool
    return pools


def _server_rows(text: str) -> Iterator[tuple[str, ...]]:
    """Backend, name, address, port, id, state, admin state and both weights of each row, as text."""
    version, _, rest = text.partition("\n")
    head, _, body = rest.partition("\n")
    if version.strip() != "1" or not head.startswith("# be_id"):
        raise ValueError("an answer to `show servers state` in another format than 1")
    column = {name: position for position, name in enumerate(head[2:].split())}
    wanted = (*_PLACE, "srv_op_state", "srv_admin_state", "srv_uweight", "srv_iweight")
    positions = [column[name] for name in wanted]
    pick, last = itemgetter(*positions), max(positions) + 1
    return (pick(line.split(" ", last)) for line in body.splitlines() if line)


def _server_of_row(row: tuple[str, ...], old: ActualServer | None) -> ActualServer:
    _, name, address, port, number, state, admin, weight, first_weight = row
    bits = int(admin)
    maint, drain, up = bool(bits & _FORCED_MAINT), bool(bits & _FORCED_DRAIN), state != _STOPPED
    place, server_id, reweighted = int(port), int(number), weight != first_weight
    if old is None or old.id != server_id:
        return ActualServer(name, address, place, server_id, maint, drain, up, None, reweighted)
    seen = (address, place, maint, drain, up, reweighted)
    if (old.address, old.port, old.maint, old.drain, old.up, old.reweighted) == seen:
        return old
    return ActualServer(name, address, place, server_id, maint, drain, up, old.options, reweighted)


def backend_number(text: str) -> int | None:
    """HAProxy's number for the one backend of `show servers state BACKEND`, None where that has no server."""
    rows = [line.split() for line in text.splitlines() if line and not line.startswith("#")]
    return next((int(row[0]) for row in rows if len(row) > 1), None)


def parse_backends(text: str) -> tuple[str, ...]:
    """The names of `show backend`: also backends without a server, which no other command tells."""
    return tuple(line for line in text.splitlines() if line and not line.startswith("#"))


def parse_map_paths(text: str) -> tuple[str, ...]:
    """The files that `show map` lists."""
    return tuple(dict.fromkeys(found[1] for line in text.splitlines() if (found := _MAP_ROW.match(line))))


def parse_map(text: str) -> dict[str, str]:
    """The entries of `show map FILE`. Of several with one key the first is the one that HAProxy uses."""
    entries: dict[str, str] = {}
    for line in text.splitlines():
        words = line.split(" ", 2)
        if len(words) == 3:
            entries.setdefault(words[1], words[2])
    return entries


def parse_names(text: str) -> tuple[str, ...]:
    """The files that `show ssl crt-list` lists, or that one of these lists names (`show ssl crt-list FILE`)."""
    return tuple(dict.fromkeys(line.split()[0] for line in text.splitlines() if line.startswith("/")))


def parse_fingerprint(text: str) -> str:
    """Of the certificate of `show ssl cert FILE`, "" where there is none."""
    found = _FINGERPRINT.search(text)
    return found[1] if found else ""


def running_certificates(
    fingerprints: Mapping[str, str], known: Mapping[str, RunningCertificate]
) -> Mapping[str, RunningCertificate]:
    """What HAProxy serves by the path of each file, `known` itself where that is the same."""
    found = {
        path: known[path]
        if path in known and known[path].fingerprint == fingerprint
        else RunningCertificate(fingerprint)
        for path, fingerprint in fingerprints.items()
    }
    return known if found == known else found


def parse_processes(text: str) -> Processes:
    """`show proc` of a master. Raises ValueError where it names no master."""
    rows = [line.split() for line in text.splitlines() if line[:1].isdigit()]
    old_at = text.find("# old workers")
    old_words = {line.split()[0] for line in text[old_at:].splitlines() if line[:1].isdigit()} if old_at >= 0 else set()
    masters = [row for row in rows if row[1] == "master"]
    workers = [row for row in rows if row[1] == "worker"]
    if not masters:
        raise ValueError("an answer to `show proc` without a master")
    failed = _FAILED.search(text)
    current = [int(row[0]) for row in workers if row[0] not in old_words]
    return Processes(
        master=int(masters[0][0]),
        version=masters[0][-1],
        reloads=int(masters[0][2]),
        failed=int(failed[1]) if failed else 0,
        worker=current[0] if current else None,
        old=tuple(Worker(int(row[0]), int(row[2]), _uptime_s(row[3])) for row in workers if row[0] in old_words),
    )


def _uptime_s(text: str) -> float:
    """`1d02h03m04s` in seconds. Raises ValueError where it is none."""
    found = _UPTIME.fullmatch(text)
    if found is None:
        raise ValueError(f"an uptime that is none: {text}")
    days, hours, minutes, seconds = map(int, found.groups())
    return float(((days * 24 + hours) * 60 + minutes) * 60 + seconds)


def parse_config(text: str) -> Actual:
    """What a HAProxy that is started with `text`, a file of ours, runs. Its maps lie in files of their own.

    `pid` is 0 and `version` "": nothing runs. Raises ValueError where a server line of a backend has not our form.
    """
    digest = ""
    pools: dict[str, dict[str, ActualServer]] = {}
    pool: dict[str, ActualServer] = {}
    for words in _lines(text):
        if words[0] in ("backend", "listen") and len(words) > 1:
            pool = pools.setdefault(words[1], {})
        elif words[0] == "description":
            digest = digest or digest_of(" ".join(words[1:]))
        elif words[0] == "server" and len(words) > 4 and words[3] == "id":
            pool[words[1]] = _server(words)
    return Actual(pid=0, version="", digest=digest, servers=pools)


def is_as_digested(text: str) -> bool:
    """Whether a file of ours has the very structure whose digest it carries: not where somebody edited it."""
    lines = text.split("\n")
    description = next((line for line in lines if line.startswith("  description ")), "")
    rest = "\n".join(line for line in lines if line != description and not _OUR_SERVER.match(line))
    return digest_of(description.split(maxsplit=1)[-1]) == digest_of_text(rest)


def parse_listens(text: str) -> frozenset[tuple[str, int]]:
    """The (host, port) that the `bind` lines of a file of ours name; "*" for all IPv4 addresses."""
    found = set()
    for words in _lines(text):
        if words[0] != "bind" or len(words) < 2:
            continue
        for address in words[1].split(","):
            host, _, port = address.rpartition(":")
            if port.isdigit():
                found.add((host.strip("[]") or "*", int(port)))
    return frozenset(found)


def expected(desired: Desired) -> Actual:
    """What a HAProxy that is started with `desired` has: servers with their options, map entries, certificates."""
    pools = {
        backend: {server.name: started(server, " ".join(server.options)) for server in servers}
        for backend, servers in desired.servers.items()
    }
    every = desired.certificates.every if desired.certificates else ()
    certificates = {one.path: RunningCertificate(one.fingerprint, one.digest) for one in every}
    maps = {path: dict(reversed(entries)) for path, entries in desired.maps.items()}  # of one key the first counts
    return Actual(0, "", desired.structure.digest, pools, maps, certificates)


def shared_maps(
    maps: Mapping[str, Mapping[str, str]], known: Mapping[str, Mapping[str, str]]
) -> Mapping[str, Mapping[str, str]]:
    """`maps`, with the very objects of `known` where they are equal: planning skips those."""
    return {path: known[path] if known.get(path) == entries else entries for path, entries in maps.items()}


def _server(words: Sequence[str]) -> ActualServer:
    """A `server` line of ours: name, address, explicit id, options. Raises ValueError where it is none."""
    host, _, port = words[2].rpartition(":")
    is_off = words[-1] == "disabled"
    options = " ".join(words[5:-1] if is_off else words[5:])
    place = (words[1], host.strip("[]"), int(port), int(words[4]))
    return ActualServer(*place, maint=is_off, up=not is_off, options=options)


def _lines(text: str) -> Iterator[list[str]]:
    for line in text.splitlines():
        words = line.split()
        if words:
            yield words

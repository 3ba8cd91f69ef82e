"""What somebody else changed of a running HAProxy: told by comparing what was last known with what was read. Pure."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from milepost.model.shared_map import changed, replaced
from milepost.proxies.haproxy.actual import Actual, ActualServer


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is another than it was: `place` is a backend or the path of a map, `subject` what is in there."""

    place: str
    subject: str
    words: str

    def __str__(self) -> str:
        return f"{self.subject} {self.words}"


def foreign(known: Actual, read: Actual, maps: Collection[str]) -> tuple[Difference, ...]:
    """What nobody but somebody else can have changed between two looks at one worker.

    That HAProxy's own checks find a server up or down is none of it, nor what only one of both tells anything of.
    `maps` are the paths of those that are milepost's to change: others are meant for somebody else's hand.
    """
    found: list[Difference] = []
    for backend in sorted({*changed(known.servers, read.servers)} & known.servers.keys() & read.servers.keys()):
        found += _servers(backend, known.servers[backend], read.servers[backend])
    for path in sorted(known.maps.keys() & read.maps.keys() & set(maps)):
        found += _entries(path, known.maps[path], read.maps[path])
    return tuple(found)


def without(read: Actual, known: Actual, differences: Sequence[Difference]) -> Actual:
    """`read` with the pools and maps of `known` wherever there is a difference, so that no plan undoes it."""
    places = {difference.place for difference in differences}
    pools = {place: known.servers[place] for place in places & known.servers.keys()}
    maps = {path: known.maps[path] if path in places else entries for path, entries in read.maps.items()}
    return replace(read, servers=replaced(read.servers, pools), maps=maps)


def _servers(backend: str, known: Mapping[str, ActualServer], read: Mapping[str, ActualServer]) -> Iterator[Difference]:
    for name in sorted(known.keys() | read.keys()):
        if words := _of_server(known.get(name), read.get(name)):
            yield Difference(backend, f"server {backend}/{name}", words)


def _of_server(known: ActualServer | None, read: ActualServer | None) -> str:
    if known is None or read is None:
        return "was added" if known is None else "was deleted"
    changes = (
        (known.id != read.id, "is another server of the same name"),
        ((known.address, known.port) != (read.address, read.port), f"was moved to {read.address} port {read.port}"),
        (known.maint < read.maint, "was taken out of traffic (maint)"),
        (known.drain < read.drain, "was set to drain"),
        ((known.maint or known.drain) and not (read.maint or read.drain), "was put into traffic"),
        (known.reweighted < read.reweighted, "got another weight"),
    )
    return ", ".join(words for is_so, words in changes if is_so)


def _entries(path: str, known: Mapping[str, str], read: Mapping[str, str]) -> Iterator[Difference]:
    if known is read:
        return
    for key in sorted(known.keys() | read.keys()):
        if known.get(key) != read.get(key):
            to = f"leads to {read[key]} now" if key in read else "was removed"
            yield Difference(path, f"map entry {key}", to)

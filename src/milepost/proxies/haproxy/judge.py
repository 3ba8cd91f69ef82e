"""What HAProxy's answers to a plan come to. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from milepost.model.shared_map import replaced
from milepost.proxies.haproxy.actual import Actual, ActualServer, RunningCertificate
from milepost.proxies.haproxy.certificate_changes import CertificateChange
from milepost.proxies.haproxy.changes import DeleteServer, LiveChange, MapChange
from milepost.proxies.haproxy.verdict import Verdict


@dataclass(frozen=True, slots=True)
class Refusal:
    """A change that was not made, and HAProxy's words."""

    change: LiveChange
    words: str


@dataclass(frozen=True, slots=True)
class Judged:
    """The changes of a plan by how they came out. `applied` counts those that changed traffic."""

    done: tuple[LiveChange, ...]
    leftovers: int
    refused: tuple[Refusal, ...]

    @property
    def applied(self) -> int:
        return sum(not isinstance(change, DeleteServer) for change in self.done)


def judge(changes: Iterable[LiveChange], answers: Sequence[str]) -> Judged:
    """`answers`: one per command of each change, in order."""
    done, refused, leftovers, at = [], [], 0, 0
    for change in changes:
        own = answers[at : at + len(change.commands)]
        at += len(own)
        verdict = change.verdict(own)
        if verdict is Verdict.DONE:
            done.append(change)
        elif verdict is Verdict.WAITS:
            leftovers += 1
        else:
            refused.append(Refusal(change, " ".join(filter(None, own))))
    return Judged(tuple(done), leftovers, tuple(refused))


def after(actual: Actual, done: Iterable[LiveChange]) -> Actual:
    """What runs when these changes are made. Untouched pools and maps stay the same objects."""
    pools: dict[str, dict[str, ActualServer]] = {}
    maps: dict[str, dict[str, str]] = {}
    certificates: dict[str, RunningCertificate] | None = None
    for change in done:
        if isinstance(change, MapChange):
            change.on(maps.setdefault(change.path, dict(actual.maps[change.path])))
        elif isinstance(change, CertificateChange):
            certificates = dict(actual.certificates) if certificates is None else certificates
            change.on(certificates)
        else:
            change.on(pools.setdefault(change.backend, dict(actual.servers[change.backend])))
    return replace(
        actual,
        servers=replaced(actual.servers, pools),
        maps=replaced(actual.maps, maps),
        certificates=actual.certificates if certificates is None else certificates,
    )

"""One winner for each port, host and name that several services want.

The keys of `Holders`: `port 10000 *` (or a bind address), `host a.example` and `host a.example/api`,
`name a_10000`. The value is the app that holds it.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum

from milepost.model.problem import Problem
from milepost.model.routing import Holders, Service
from milepost.routing.naming import distinct_name
from milepost.routing.policy import Conflicts, Policy

_EVERY_ADDRESS = "*"
_EVERY_ADDRESS_AS = frozenset({"", "*", "0.0.0.0", "::"})  # noqa: S104 - what a label may say; nothing is bound here


class Kind(Enum):
    """What is contested. The value is its word in keys and messages."""

    PORT = "port"
    HOST = "host"
    NAME = "name"


@dataclass(frozen=True, slots=True)
class Claim:
    """One thing that one service wants. `service` is its position in the table, `address` only ports have."""

    service: int
    app_id: str
    kind: Kind
    value: str
    address: str = ""

    @property
    def key(self) -> str:
        return f"{self.kind.value} {self.value} {self.address}".rstrip()

    def meets(self, other: "Claim") -> bool:
        """Whether two claims of one kind and value exclude each other: every address covers each single one."""
        return self.address == other.address or _EVERY_ADDRESS in (self.address, other.address)


@dataclass(frozen=True, slots=True)
class Decision:
    """The services after all conflicts, in the same order, and who holds what from now on."""

    services: tuple[Service, ...]
    problems: tuple[Problem, ...]
    holders: Holders


def decide_conflicts(services: Sequence[Service], policy: Policy, holders: Holders) -> Decision:
    """Who holds a thing keeps it; else the first in order gets it, so `services` come sorted by app id.

    Losing costs only what is contested: the listener, the host or the plain name. The decision for the holders
    that come out is the same again; where they are those that came in, the very same object comes out.
    """
    known = holders.by_key if policy.conflicts is Conflicts.HOLDER else {}
    decided = list(services)
    problems: list[Problem] = []
    held: dict[str, str] = {}
    for claims in _contests(services, policy):
        for claim, rival in _awarded(claims, known):
            if rival is None:
                held[claim.key] = claim.app_id
            else:
                decided[claim.service] = _without(decided[claim.service], claim)
                problems.append(_lost(decided[claim.service], claim, rival))
    problems += _take_reserved(decided, policy)
    return Decision(tuple(decided), tuple(problems), holders if held == holders.by_key else Holders(held))


def _contests(services: Sequence[Service], policy: Policy) -> Iterable[list[Claim]]:
    """All claims, each together with those on the same kind and value."""
    contests: dict[tuple[Kind, str], list[Claim]] = {}
    for number, service in enumerate(services):
        for claim in _claims(number, service, policy):
            contests.setdefault((claim.kind, claim.value), []).append(claim)
    return contests.values()


def _claims(number: int, service: Service, policy: Policy) -> Iterator[Claim]:
    yield Claim(number, service.app_id, Kind.NAME, service.name)
    if service.port not in policy.reserved_ports:
        address = _EVERY_ADDRESS if service.bind_addr in _EVERY_ADDRESS_AS else service.bind_addr
        yield Claim(number, service.app_id, Kind.PORT, str(service.port), address)
    paths = [word for word in service.path if word.startswith("/")] or [""]
    for host in service.hosts:
        for path in paths:
            yield Claim(number, service.app_id, Kind.HOST, host + path)


def _awarded(claims: list[Claim], known: Mapping[str, str]) -> Iterator[tuple[Claim, Claim | None]]:
    """Each claim with the first winner that it lost to, None for a winner. `claims` come in the table's order."""
    if len(claims) == 1:
        yield claims[0], None
        return
    won: list[Claim] = []
    for claim in sorted(claims, key=lambda claim: known.get(claim.key) != claim.app_id):
        if not any(winner.meets(claim) for winner in won):
            won.append(claim)
    won.sort(key=lambda claim: claim.service)
    for claim in claims:
        yield claim, None if claim in won else next(winner for winner in won if winner.meets(claim))


def _without(service: Service, claim: Claim) -> Service:
    match claim.kind:
        case Kind.PORT:
            return replace(service, listens=False)
        case Kind.HOST:
            lost = claim.value.partition("/")[0]
            return replace(service, hosts=tuple(host for host in service.hosts if host != lost))
        case Kind.NAME:
            return replace(service, name=distinct_name(service.app_id, service.port, service.index))


def _lost(service: Service, claim: Claim, rival: Claim) -> Problem:
    thing = f"{claim.kind.value} {claim.value}"
    consequence = {
        Kind.PORT: "nothing listens there for this app",
        Kind.HOST: "the host does not lead to this app",
        Kind.NAME: f"the backend of this app is called {service.name}",
    }[claim.kind]
    return Problem(claim.app_id, thing, f"is held by {rival.app_id}; {consequence}")


def _take_reserved(decided: list[Service], policy: Policy) -> list[Problem]:
    """milepost's own listeners come before any app (its Q54)."""
    problems = []
    for number, service in enumerate(decided):
        if service.port in policy.reserved_ports:
            decided[number] = replace(service, listens=False)
            message = "is one of the balancer's own ports; nothing listens there for this app"
            problems.append(Problem(service.app_id, f"port {service.port}", message))
    return problems

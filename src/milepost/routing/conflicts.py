"""One winner for each port, host and name that several services want.

The keys of `Holders`: `port 10000 *` (or a bind address), `host a.example` and `host a.example/api`
(`host a.example*` for TLS that passes through), `name a_10000`, `assigned 10050 8080` (a service port that was given to
an app's port). The value is the app that holds it.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple

from milepost.model.problem import Problem
from milepost.model.routing import Holders, Service
from milepost.routing.naming import distinct_name
from milepost.routing.policy import Conflicts, Policy

_EVERY = "*"
_EVERY_ADDRESS_AS = frozenset({"", "*", "0.0.0.0", "::"})  # noqa: S104 - what a label may say; nothing is bound here


_NOTHING: Mapping[str, str] = MappingProxyType({})


class Kind(StrEnum):
    """What is contested: its word in keys and messages."""

    PORT = "port"
    HOST = "host"
    NAME = "name"


class Claim(NamedTuple):
    """What one service wants of one `value`: a port, a host or a name. `service` is its position in the table.

    `parts` is how much of it: the address of a port, the paths of a host; "" is every path that leads nowhere else, "*"
    is every address, and every path whoever else there is.
    """

    service: int
    app_id: str
    kind: Kind
    value: str
    parts: tuple[str, ...] = ("",)

    @property
    def keys(self) -> tuple[str, ...]:
        between = " " if self.kind is Kind.PORT else ""
        return tuple([f"{self.kind} {self.value}{between}{part}" for part in self.parts])

    def rank(self, known: Mapping[str, str]) -> int:
        """0 where its app holds all of it, 1 where some, 2 where none: the less comes first."""
        held = sum(known.get(key) == self.app_id for key in self.keys)
        return 0 if held == len(self.parts) else 1 if held else 2

    def rival(self, taken: Mapping[str, "Claim"]) -> "Claim | None":
        """The first in the table of those who have a part of it, None where nobody has. Every one covers each."""
        if self.parts == (_EVERY,):
            found = list(taken.values())
        else:
            found = [taken[part] for part in (*self.parts, _EVERY) if part in taken]
        return min(found, key=lambda claim: claim.service, default=None)


@dataclass(frozen=True, slots=True)
class Decision:
    """The services after all conflicts, in the same order, and who holds what from now on."""

    services: tuple[Service, ...]
    problems: tuple[Problem, ...]
    holders: Holders


def decide_conflicts(
    services: Sequence[Service], policy: Policy, holders: Holders, assigned: Mapping[str, str] = _NOTHING
) -> Decision:
    """Who holds a thing keeps it; else the first in order gets it, so `services` come sorted by app id.

    Losing costs only what is contested: the listener, the host or the plain name. `assigned` becomes part of the
    holders as it is. The decision for the holders that come out is the same again; where they are those that came in,
    the very same object comes out.
    """
    known = holders.by_key if policy.conflicts is Conflicts.HOLDER else {}
    decided = list(services)
    problems: list[Problem] = []
    held = dict(assigned)
    for claims in _contests(services, policy):
        if len(claims) == 1:
            held.update(dict.fromkeys(claims[0].keys, claims[0].app_id))
            continue
        for claim, rival in _awarded(claims, known):
            if rival is None:
                held.update(dict.fromkeys(claim.keys, claim.app_id))
            else:
                decided[claim.service] = _without(decided[claim.service], claim)
                problems.append(_lost(decided[claim.service], claim, rival, decided[rival.service]))
    problems += _take_reserved(decided, policy)
    return Decision(tuple(decided), tuple(problems), holders if held == holders.by_key else Holders(held))


def _contests(services: Sequence[Service], policy: Policy) -> Iterable[list[Claim]]:
    """All claims, each together with those on the same kind and value."""
    contests: dict[tuple[str, str], list[Claim]] = {}
    for number, service in enumerate(services):
        for claim in _claims(number, service, policy):
            contests.setdefault((claim.kind, claim.value), []).append(claim)
    return contests.values()


def _claims(number: int, service: Service, policy: Policy) -> Iterator[Claim]:
    """Paths are compared without case, since one with `-i` takes those of all cases. Inside TLS no path is seen."""
    yield Claim(number, service.app_id, Kind.NAME, service.name)
    if service.listens and service.port not in policy.reserved_ports:
        address = _EVERY if service.bind_addr in _EVERY_ADDRESS_AS else service.bind_addr
        yield Claim(number, service.app_id, Kind.PORT, str(service.port), (address,))
    if service.hosts:
        paths = tuple(dict.fromkeys(word.lower() for word in service.path if word.startswith("/"))) or ("",)
        paths = (_EVERY,) if service.passes_tls else paths
        for host in service.hosts:
            yield Claim(number, service.app_id, Kind.HOST, host, paths)


def _awarded(claims: list[Claim], known: Mapping[str, str]) -> Iterator[tuple[Claim, Claim | None]]:
    """Each claim with the first that it lost to, None for a winner. `claims` come in the table's order.

    Of one app's claims the first goes to the contest, whoever holds what: a holder is an app, not one of its ports.
    """
    own: dict[str, dict[str, Claim]] = {}
    taken: dict[str, Claim] = {}
    contenders = [claim for claim in claims if _takes(claim, own.setdefault(claim.app_id, {}))]
    for claim in sorted(contenders, key=lambda claim: claim.rank(known)):
        _takes(claim, taken)
    for claim in claims:
        is_winner = taken.get(claim.parts[0]) is claim
        yield claim, None if is_winner else claim.rival(taken) or claim.rival(own[claim.app_id])


def _takes(claim: Claim, taken: dict[str, Claim]) -> bool:
    """Let it have its parts where nobody has any of them; tells whether."""
    is_free = claim.rival(taken) is None
    if is_free:
        taken.update(dict.fromkeys(claim.parts, claim))
    return is_free


def _without(service: Service, claim: Claim) -> Service:
    match claim.kind:
        case Kind.PORT:
            return replace(service, listens=False)
        case Kind.HOST:
            return replace(service, hosts=tuple(host for host in service.hosts if host != claim.value))
        case Kind.NAME:
            return replace(service, name=distinct_name(service.app_id, service.port, service.index))


def _lost(service: Service, claim: Claim, rival: Claim, winner: Service) -> Problem:
    part = next((part for part in claim.parts if part in rival.parts), "") if claim.kind is Kind.HOST else ""
    is_own = rival.app_id == claim.app_id
    rivalry = f"is wanted by port {winner.index} of the same app too" if is_own else f"is held by {rival.app_id}"
    consequence = {
        Kind.PORT: "nothing listens there for this app",
        Kind.HOST: "the host does not lead to this app",
        Kind.NAME: f"the backend of this app is called {service.name}",
    }[claim.kind]
    return Problem(claim.app_id, f"{claim.kind} {claim.value}{part}", f"{rivalry}; {consequence}")


def _take_reserved(decided: list[Service], policy: Policy) -> list[Problem]:
    """milepost's own listeners come before any app (its Q54)."""
    problems = []
    for number, service in enumerate(decided):
        if service.listens and service.port in policy.reserved_ports:
            decided[number] = replace(service, listens=False)
            message = "is one of the balancer's own ports; nothing listens there for this app"
            problems.append(Problem(service.app_id, f"port {service.port}", message))
    return problems

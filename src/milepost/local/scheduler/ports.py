"""Service ports (marathon-api 5.2) and host ports (5.3)."""

from collections import Counter
from collections.abc import Callable, Collection, Container, Iterable, Iterator, Sequence

from msgspec import UnsetType

from milepost.local.apps.definition import Definition
from milepost.local.apps.refusal import Refused

SERVICE_PORTS = range(10_000, 20_001)
HOST_PORTS = range(31_000, 32_001)
Pick = Callable[[int], int]  # a random number below its argument


def with_assigned(app: Definition, held: Sequence[int], taken: Container[int]) -> Definition:
    """`app` with its zeros replaced: by ports it `held` before, then by the lowest that nobody has taken.

    `taken` are the ports of all other apps. Explicit ports are kept as they are, clash or not.
    """
    explicit = {port for port in app.service_ports if port}
    again = (port for port in held if port in SERVICE_PORTS and port not in explicit)
    used = {*explicit, *held}
    fresh = (port for port in SERVICE_PORTS if port not in used and port not in taken)
    assigned = tuple(port or next(again, None) or _next(fresh) for port in app.service_ports)
    return app.with_service_ports(assigned)


def _next(fresh: Iterator[int]) -> int:
    port = next(fresh, None)
    if port is None:
        span = f"[{SERVICE_PORTS[0]}-{SERVICE_PORTS[-1]}]"
        raise Refused(422, f"All ports in the range {span} are already in use")  # Marathon: 500
    return port


def requested(app: Definition) -> tuple[int, ...]:
    """The host ports an instance asks for, in the order of `task.ports`; 0 means any. Ports without one are absent."""
    if app.mappings is not None:
        return tuple(m.host_port for m in app.mappings if not isinstance(m.host_port, UnsetType))
    definitions = app.port_definitions or ()
    return tuple(each.port if app.require_ports else 0 for each in definitions)


def give_back(taken: Counter[int], held: Iterable[int]) -> None:
    """Take service ports that an app `held` out of those that are `taken`, at a cost of these alone."""
    for port in held:
        taken[port] -= 1
        if taken[port] <= 0:
            del taken[port]


def choose(
    wanted: Sequence[int], used: Collection[int], pick: Pick, offered: range = HOST_PORTS
) -> tuple[int, ...] | None:
    """Host ports on a node where `used` are taken; None if it has no room. Zeros become random free ports `offered`.

    One that is asked for twice, as for TCP and for UDP, is given twice.
    """
    explicit = {port for port in wanted if port}
    if not explicit.isdisjoint(used):
        return None
    chosen: list[int] = []
    for port in wanted:
        number = port or _free(offered, pick(len(offered)), (used, explicit, chosen))
        if number is None:
            return None
        chosen.append(number)
    return tuple(chosen)


def _free(offered: range, start: int, excluded: Sequence[Collection[int]]) -> int | None:
    """The first free host port from position `start` on, round the range."""
    for step in range(len(offered)):
        port = offered[(start + step) % len(offered)]
        if not any(port in ports for ports in excluded):
            return port
    return None

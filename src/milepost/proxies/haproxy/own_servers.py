"""The servers of a service whose owner wrote its server line, or the words of its check. Pure."""

from collections.abc import Iterator, Sequence

from milepost.model.routing import Endpoint, ServerTls, Service
from milepost.proxies.haproxy.backend import check_words
from milepost.proxies.haproxy.config import Server
from milepost.proxies.haproxy.names import cookie_value, server_ids
from milepost.proxies.haproxy.raw.owned import filled_text
from milepost.proxies.haproxy.raw.seats import SEATS, Seat
from milepost.proxies.haproxy.raw.server_line import option_words, server_line
from milepost.proxies.haproxy.server_tls import tls_words
from milepost.proxies.haproxy.templates.defaults import BY_NAME
from milepost.proxies.haproxy.templates.values import check_values, server_values, service_values

POOL = ("pool-max-conn -1", "pool-purge-delay 5s")  # else 2.6 never reuses a connection to an added server

_LINE = "BACKEND_SERVER_OPTIONS"
_OF_SERVERS = frozenset(name for name, seat in SEATS.items() if seat in (Seat.SERVER, Seat.CHECK))


def has_own_servers(service: Service) -> bool:
    return not _OF_SERVERS.isdisjoint(service.templates)


def own_servers(
    service: Service, names: Sequence[str], endpoints: Sequence[Endpoint], slow_start_s: float, server_ca: str
) -> tuple[Server, ...]:
    """One for each endpoint, none where the owner's line is empty. What cannot be added at run time reloads."""
    text = service.templates.get(_LINE, BY_NAME[_LINE].text)
    ids = server_ids(names)
    usual = _usual(service, slow_start_s, server_ca)
    made = (
        _server(service, text, name, endpoint, number, usual)
        for name, endpoint, number in zip(names, endpoints, ids, strict=True)
    )
    return tuple(server for server in made if server is not None)


def _server(
    service: Service, text: str, name: str, endpoint: Endpoint, number: int, usual: Sequence[str]
) -> Server | None:
    """The text was reviewed, so it can be read; what is not allowed is not in it."""
    cookie = cookie_value(name) if service.sticky else ""
    values = server_values(name, endpoint, number, cookie, _check(service, endpoint))
    line = server_line(filled_text(_LINE, text, values), "", is_trusted=True)
    if line is None:
        return None
    host = endpoint.address if line.host == endpoint.host else line.host  # HAProxy would not look up the agent's name
    options = (*line.options, *_ours(service, line.options, usual))
    return Server(name, host, line.port, number, options, is_off=endpoint.is_drained)


def _usual(service: Service, slow_start_s: float, server_ca: str) -> tuple[str, ...]:
    slow = (f"slowstart {slow_start_s * 1000:.0f}ms",) if slow_start_s else ()
    return (*slow, *tls_words(service, server_ca), *POOL)


def _ours(service: Service, options: Sequence[str], usual: Sequence[str]) -> Iterator[str]:
    """What we add where the owner says nothing of it: never less of a look at certificates than the owner wrote."""
    given = {option.partition(" ")[0] for option in options}
    if "ca-file" in given or ("ssl" in given and service.server_tls is ServerTls.OFF):
        given.add("verify")
    return (option for option in usual if option.partition(" ")[0] not in given)


def _check(service: Service, endpoint: Endpoint) -> str:
    check = service.check
    if check is None or not check.kind:
        return ""
    name = f"BACKEND_SERVER_{check.kind.upper()}_HEALTHCHECK_OPTIONS"
    text = service.templates.get(name)
    if text is None:
        return check_words(check, endpoint.check_port)
    values = {**service_values(service), **check_values(check, service.index, endpoint.check_port)}
    return option_words(filled_text(name, text, values), "", is_trusted=True)

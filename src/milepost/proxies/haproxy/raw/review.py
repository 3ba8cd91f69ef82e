"""Whether the texts that an app's owner wrote may go into the configuration: see `TextReview`. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from milepost.model.routing import Endpoint, Service
from milepost.proxies.haproxy.names import BY_APP_ID, HTTP_IN, HTTPS_IN
from milepost.proxies.haproxy.raw.directives import Place, bound_port, check_line
from milepost.proxies.haproxy.raw.owned import filled_text
from milepost.proxies.haproxy.raw.refused import Refused
from milepost.proxies.haproxy.raw.seats import HEADS, SEATS, Seat
from milepost.proxies.haproxy.raw.server_line import option_words, server_line
from milepost.proxies.haproxy.raw.shared_rules import names_of, reviewed_rules
from milepost.proxies.haproxy.raw.words import Line, lines_of
from milepost.proxies.haproxy.templates.template import TemplateError
from milepost.proxies.haproxy.templates.values import server_values, service_values
from milepost.routing.own_texts import Reviewed, without_texts

SECTIONS = frozenset(
    {
        "acme",
        "backend",
        "cache",
        "crt-store",
        "defaults",
        "fcgi-app",
        "frontend",
        "global",
        "http-errors",
        "listen",
        "log-forward",
        "log-profile",
        "mailers",
        "peers",
        "program",
        "resolvers",
        "ring",
        "traces",
        "userlist",
    }
)
_SERVERS = frozenset({"server", "server-template", "dispatch", "use-server"})
_READ_BY_US = frozenset({"bind", "mode", "balance", "hash-type", "tcp-request"})
_HOST = "host.example"
_AGENT = Endpoint("task", "192.0.2.1", "192.0.2.2", 1_024)


@dataclass(frozen=True, slots=True)
class RawReview:
    """`is_trusted`: owners may write what they like, as long as it stays in its section."""

    is_trusted: bool = False

    def __call__(self, service: Service) -> Reviewed:
        reasons = {name: why for name in sorted(service.templates) if (why := self.why_not(service, name))}
        if not reasons and not self.is_trusted:
            reasons = dict(why_not_together(service))
        reviewed = without_texts(service, reasons)
        return replace(reviewed, service=without_own_port(reviewed.service) if reviewed.service else None)

    def why_not(self, service: Service, name: str) -> str:
        """Why the service may not have its text of this name, "" where it may.

        What conflicts may take from a service later, its hosts, must not be what made the text harmless.
        """
        try:
            self._check(service, name)
            self._check(replace(service, hosts=(_HOST,) if service.hosts else ()), name)
        except (Refused, TemplateError) as error:
            return str(error)
        return ""

    def _check(self, service: Service, name: str) -> None:
        """Raises Refused or TemplateError."""
        text, seat = service.templates[name], SEATS[name]
        place = Place(service.name, service.port, "" if service.bind_addr == "*" else service.bind_addr)
        if seat is Seat.SERVER:
            self._check_server(name, text, place)
            return
        values = {**service_values(service), "network_allowed": service.networks[0] if service.networks else ""}
        if seat is Seat.CHECK:
            option_words(filled_text(name, text, values), place.userlist, is_trusted=self.is_trusted)
            return
        lines = list(lines_of(filled_text(name, text, values)))
        for line in _without_own_header(name, lines, place):
            try:
                self._check_line(line, seat, place)
            except Refused as error:
                raise Refused(_told(line, error, seat, service)) from error

    def _check_line(self, line: Line, seat: Seat, place: Place) -> None:
        keyword = line.words[0]
        if keyword in SECTIONS or keyword.startswith("."):
            raise Refused("it would leave its section")
        if keyword in _SERVERS:
            raise Refused("the servers are those of the app's tasks")
        if not (line.is_plain or (line.text.startswith(f"{keyword} ") and keyword not in _READ_BY_US)):
            raise Refused("its keyword, or what we have to read of it, stands in quotes or with a backslash")
        if not self.is_trusted:
            check_line(line, seat.value, place)
        elif keyword == "bind":
            bound_port(line.words[1:])

    def _check_server(self, name: str, text: str, place: Place) -> None:
        values = server_values("task_1", _AGENT, 1, "c", "check")
        line = server_line(filled_text(name, text, values), place.userlist, is_trusted=self.is_trusted)
        if line and not self.is_trusted and line.host not in (_AGENT.host, _AGENT.address):
            raise Refused(f"the address {line.host} is not that of a task: expected {{host_ipv4}}")


def without_own_port(service: Service) -> Service:
    """An empty FRONTEND_HEAD is a common idiom for: reached by its hosts only."""
    is_empty = not service.templates.get("FRONTEND_HEAD", "-").strip()
    return replace(service, listens=False) if is_empty else service


def _told(line: Line, error: Refused, seat: Seat, service: Service) -> str:
    """What is wrong with a line of a list of users is told without the line; elsewhere the one we know is left out."""
    if seat is Seat.USERLIST:
        return f"a line {line.words[0]!r} is not allowed in a userlist"
    secret = service.auth.password if service.auth else ""
    shown, why = (text.replace(secret, "(hidden)") if secret else text for text in (line.text, str(error)))
    return f"line {shown[:120]!r}: {why}"


def why_not_together(service: Service) -> Iterator[tuple[str, str]]:
    """Rules for one shared frontend come from several templates, and have to make sense together."""
    for frontend in (HTTP_IN, HTTPS_IN, BY_APP_ID):
        try:
            reviewed_rules(service, frontend)
        except (Refused, TemplateError) as error:
            yield from ((name, str(error)) for name in names_of(service, frontend) if name in service.templates)


def _without_own_header(name: str, lines: Sequence[Line], place: Place) -> Sequence[Line]:
    """The lines behind the header of their section. Raises Refused where that is another one, or none."""
    if name not in HEADS or not lines:
        return lines
    keyword = HEADS[name]
    wanted = (keyword, place.userlist if keyword == "userlist" else place.backend)
    if lines[0].words != wanted:
        raise Refused(f"expected the section's own header {' '.join(wanted)!r} in the first line")
    return lines[1:]

"""The operator's templates for services, where the owner wrote none (marathon-lb-behaviour.md 10.4). Pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from milepost.model.routing import Service
from milepost.proxies.haproxy.names import HTTP_IN, HTTPS_IN
from milepost.proxies.haproxy.raw.review import RawReview, why_not_together, without_own_port
from milepost.proxies.haproxy.raw.seats import SEATS, Seat
from milepost.proxies.haproxy.raw.shared_rules import names_of
from milepost.routing.own_texts import Reviewed, without_texts

_STRUCTURE = RawReview(is_trusted=True)

_Concerned = Callable[[Service], bool]


def _http(is_wanted: _Concerned) -> _Concerned:
    return lambda service: service.mode == "http" and is_wanted(service)


def _checked(kind: str) -> _Concerned:
    return lambda service: service.check is not None and service.check.kind == kind


def _limited(mode: str) -> _Concerned:
    return lambda service: service.mode == mode and bool(service.networks)


_CONCERNED: Mapping[str, _Concerned] = MappingProxyType(
    {
        "FRONTEND_HEAD": lambda service: service.listens,
        "FRONTEND_BACKEND_GLUE": lambda service: service.listens,
        "BACKEND_HEAD": lambda _: True,
        "BACKEND_SERVER_OPTIONS": lambda _: True,
        "BACKEND_HTTP_OPTIONS": _http(lambda _: True),
        "BACKEND_HSTS_OPTIONS": _http(lambda service: service.rewrites.hsts),
        "HTTP_BACKEND_PROXYPASS_GLUE": _http(lambda service: bool(service.rewrites.proxypass_path)),
        "HTTP_BACKEND_REVPROXY_GLUE": _http(lambda service: bool(service.rewrites.revproxy_path)),
        "HTTP_FRONTEND_APPID_ACL": _http(lambda _: True),  # which of an app's services it is, is decided later
        "USERLIST_HEAD": _http(lambda service: service.auth is not None),
        "BACKEND_STICKY_OPTIONS": lambda service: service.sticky,
        "BACKEND_HTTP_HEALTHCHECK_OPTIONS": _checked("http"),
        "BACKEND_TCP_HEALTHCHECK_OPTIONS": _checked("tcp"),
        "BACKEND_SERVER_HTTP_HEALTHCHECK_OPTIONS": _checked("http"),
        "BACKEND_SERVER_TCP_HEALTHCHECK_OPTIONS": _checked("tcp"),
        "HTTP_BACKEND_NETWORK_ALLOWED_ACL": _limited("http"),
        "TCP_BACKEND_NETWORK_ALLOWED_ACL": _limited("tcp"),
        "HTTP_BACKEND_ACL_ALLOW_DENY": _limited("http"),
        "TCP_BACKEND_ACL_ALLOW_DENY": _limited("tcp"),
    }
)


def concerns(service: Service, name: str) -> bool:
    """Whether template `name` is any part of what the service gets."""
    if SEATS[name] is Seat.SHARED and name not in _CONCERNED:
        return any(name in names_of(service, frontend) for frontend in (HTTP_IN, HTTPS_IN))
    return _CONCERNED[name](service)


@dataclass(frozen=True, slots=True)
class Overlay:
    """Gives a service the operator's `texts`, by the names of templates: see `Policy.complete`.

    An operator is trusted, so only what would break the text is looked for. Where the owner's and the operator's pieces
    make no sense together, the owner hears of it. `trusts_owners`: their rules are not taken apart.
    """

    texts: Mapping[str, str]
    trusts_owners: bool = False

    def __call__(self, service: Service) -> Reviewed:
        own = service.templates
        added = {name: text for name, text in self.texts.items() if name not in own and concerns(service, name)}
        if not added:
            return Reviewed(service)
        merged = replace(service, templates={**added, **own})
        reasons = {name: why for name in added if (why := _STRUCTURE.why_not(merged, name))}
        if not reasons and not self.trusts_owners:
            reasons = dict(why_not_together(merged))
        found = without_texts(merged, reasons)
        named = zip(reasons, found.problems, strict=True)
        problems = (replace(told, subject=f"HAPROXY_{name}") if name in added else told for name, told in named)
        return Reviewed(without_own_port(found.service) if found.service else None, tuple(problems))

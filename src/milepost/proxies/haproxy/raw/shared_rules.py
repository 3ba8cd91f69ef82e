"""An owner's own rules for the frontends that all apps share.

There they would concern everybody's requests. So a rule that chooses a backend is bound to the hosts and paths that the
service holds, every other rule moves to the service's own backend, and acls get names that no other app has.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from milepost.model.routing import Service
from milepost.proxies.haproxy.host_condition import matching
from milepost.proxies.haproxy.names import BY_APP_ID, HTTP_IN, HTTPS_IN
from milepost.proxies.haproxy.raw.conditions import Alternatives, alternatives, known_by, quoted, text_of
from milepost.proxies.haproxy.raw.owned import filled_text, renamed
from milepost.proxies.haproxy.raw.refused import Refused
from milepost.proxies.haproxy.raw.words import Line, lines_of
from milepost.proxies.haproxy.templates.defaults import BY_NAME
from milepost.proxies.haproxy.templates.template import TemplateError
from milepost.proxies.haproxy.templates.values import hostname_of, service_values
from milepost.routing.grammar_hosts import is_pattern

_OF_APP_ID = "HTTP_FRONTEND_APPID_ACL"
_PER_HOST = frozenset({"HTTP_FRONTEND_ACL_ONLY"})
_BOUND = "{ fe_name %s }"


@dataclass(frozen=True, slots=True)
class SharedRules:
    """`acls` stand in the shared frontend, `routes` are the conditions under which its requests come here.

    `others` stand in the service's backend.
    """

    acls: tuple[str, ...] = ()
    routes: tuple[Alternatives, ...] = ()
    others: tuple[str, ...] = ()


def own_rules(service: Service, frontend: str) -> SharedRules | None:
    """Those of the service for a shared frontend, None where its owner wrote none.

    The review has seen them; should hosts that a conflict took leave them without a sense, nothing leads here.
    """
    try:
        return reviewed_rules(service, frontend)
    except (Refused, TemplateError):
        return SharedRules()


def reviewed_rules(service: Service, frontend: str) -> SharedRules | None:
    """The same; raises Refused or TemplateError where they cannot be bound to the service."""
    lines = _own_lines(service, frontend)
    return shared_rules(service.name, frontend, lines) if lines is not None else None


def trusted_lines(service: Service, frontend: str) -> tuple[str, ...]:
    """Those rules as they are, for the shared frontend: an operator who trusts owners may let them reach everybody."""
    return tuple(line.text for line in _own_lines(service, frontend) or ())


def has_own_rules(service: Service) -> bool:
    """Whether its hosts lead to it by its owner's rules, on either of the shared ports."""
    return bool(service.templates) and not {*names_of(service, HTTP_IN), *names_of(service, HTTPS_IN)}.isdisjoint(
        service.templates
    )


def has_own_app_rules(service: Service) -> bool:
    return service.serves_app_id and _OF_APP_ID in service.templates


def shared_rules(backend: str, frontend: str, lines: Sequence[Line]) -> SharedRules:
    """Raises Refused where a line can neither be bound nor moved."""
    prefix, names = f"{backend}:", set[str]()
    acls, others = dict[str, None](), dict[str, None]()
    routes: list[Alternatives] = []
    for line in lines:
        keyword, *words = line.words
        at = next((number for number, word in enumerate(words) if word in ("if", "unless")), len(words))
        if keyword == "acl":
            names.add(words[0])
            acls[f"acl {prefix}{' '.join(map(quoted, words))}"] = None
            continue
        found = known_by(alternatives(words[at:]), names, prefix)
        if keyword == "use_backend":
            routes.append(found)
        elif keyword in ("http-request", "http-response", "redirect"):
            rule = " ".join((keyword, *map(quoted, words[:at])))
            others[f"{rule}{text_of(found, _BOUND % frontend)}"] = None
        else:
            raise Refused(f"{keyword!r} is not among the keywords that are allowed in a shared frontend")
    return SharedRules(tuple(acls), tuple(dict.fromkeys(routes)), (*acls, *others) if others else ())


def names_of(service: Service, frontend: str) -> tuple[str, ...]:
    """The templates of the service's rules (marathon-lb-behaviour.md 13.1, 13.2)."""
    if frontend == BY_APP_ID:
        return (_OF_APP_ID,) if service.serves_app_id else ()
    if not service.hosts or service.passes_tls:
        return ()
    asks, path = service.auth is not None, bool(service.path)
    if frontend == HTTPS_IN:
        only = ("HTTPS_FRONTEND_ACL_ONLY_WITH_PATH",) if path else ()
        return (*only, f"HTTPS_FRONTEND_ACL{_with(asks, path)}")
    redirect = f"BACKEND_REDIRECT_HTTP_TO_HTTPS{'_WITH_PATH' if path else ''}"
    if service.several_hosts:
        last = redirect if service.redirects_to_https else f"HTTP_FRONTEND_ROUTING_ONLY{_with_path_first(asks, path)}"
        only = (f"HTTP_FRONTEND_ACL_ONLY_WITH_PATH{'_AND_AUTH' if asks else ''}",) if path else ()
        return (*only, "HTTP_FRONTEND_ACL_ONLY", last)
    if not service.redirects_to_https:
        return (f"HTTP_FRONTEND_ACL{_with(asks, path)}",)
    return (
        ("HTTP_FRONTEND_ACL_ONLY", "HTTP_FRONTEND_ACL_ONLY_WITH_PATH", redirect)
        if path
        else (
            "HTTP_FRONTEND_ACL",
            redirect,
        )
    )


def _with(asks: bool, path: bool) -> str:
    return {(0, 0): "", (1, 0): "_WITH_AUTH", (0, 1): "_WITH_PATH", (1, 1): "_WITH_AUTH_AND_PATH"}[asks, path]


def _with_path_first(asks: bool, path: bool) -> str:
    return {(0, 0): "", (1, 0): "_WITH_AUTH", (0, 1): "_WITH_PATH", (1, 1): "_WITH_PATH_AND_AUTH"}[asks, path]


def _own_lines(service: Service, frontend: str) -> list[Line] | None:
    if not service.templates:
        return None
    names = names_of(service, frontend)
    if service.templates.keys().isdisjoint(names):
        return None
    return [line for name, host in _pieces(service, names) for line in _lines(service, name, host)]


def _pieces(service: Service, names: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Each template with the host that it is filled with: one that names a single host comes once for each."""
    for name in names:
        is_of_each = name in _PER_HOST or (name.startswith("HTTPS_FRONTEND_ACL") and "ONLY" not in name)
        for host in service.hosts if is_of_each else (service.hosts or ("",))[:1]:
            yield name, host


def _lines(service: Service, name: str, host: str) -> Iterator[Line]:
    values: Mapping[str, str] = {**service_values(service), "hostname": hostname_of(host)}
    text = filled_text(name, service.templates.get(name, BY_NAME[name].text), values)
    if name not in service.templates and is_pattern(host):
        for asked in ("hdr(host) -i", "ssl_fc_sni"):  # the usual text knows names only
            text = text.replace(f"{asked} {hostname_of(host)}", f"{asked} {matching(host)}")
    return lines_of(renamed(service, text))

"""The whole text, in marathon-lb's order of streams (marathon-lb-behaviour.md 12)."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from milepost.model.problem import Problem
from milepost.model.routing import RoutingTable, Service
from milepost.model.snapshot import App, Snapshot
from milepost.proxies.haproxy.contract.backends import backend
from milepost.proxies.haproxy.contract.block import Block
from milepost.proxies.haproxy.contract.flags import ContractFlags
from milepost.proxies.haproxy.contract.grouped import grouped_https
from milepost.proxies.haproxy.contract.head import head_text
from milepost.proxies.haproxy.contract.maps import HostMap, host_map, map_entries
from milepost.proxies.haproxy.contract.service_sections import frontend, userlist
from milepost.proxies.haproxy.contract.shared_frontends import SharedFrontends
from milepost.proxies.haproxy.contract.texts import Texts, ended
from milepost.routing.blue_green import group_id
from milepost.routing.build import build_routing
from milepost.routing.policy import Policy

_USUAL = ContractFlags()


@dataclass(frozen=True, slots=True)
class Contract:
    """marathon-lb's text as blocks, each with the app it comes from, and the entries of the maps, by path.

    `problems` are those of templates: the apps of the errors among them are left out.
    """

    blocks: tuple[Block, ...]
    maps: Mapping[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()

    @property
    def text(self) -> str:
        return "".join(block.text for block in self.blocks)

    def owner_of_line(self, number: int) -> str:
        """The app from which a line (from 1) of the text comes, "" where it is no single app's."""
        last = 0
        for block in self.blocks:
            last += block.text.count("\n")
            if number <= last:
                return block.app_id
        return ""


def contract_for(
    snapshot: Snapshot, policy: Policy, flags: ContractFlags = _USUAL, without: Collection[str] = ()
) -> tuple[RoutingTable, Contract]:
    """What marathon-lb would have written if the apps `without` were not there, and how that was decided.

    A deployment group is left out as a whole, by its id or that of one of its apps. Raises TemplateError where an
    operator's template cannot be filled in.
    """
    served = {app_id: _served_as(app) for app_id, app in snapshot.apps.items()}
    left_out = {*without, *(served[app_id] for app_id in without if app_id in served)}
    apps = {app_id: app for app_id, app in snapshot.apps.items() if served[app_id] not in left_out}
    exact = replace(policy, exact=True, reserved_ports=frozenset(), deployment_target=False)
    table = build_routing(replace(snapshot, apps=apps), exact)
    return table, contract_of(table, flags)


def served_ids(snapshot: Snapshot) -> list[str]:
    """The ids by which apps can be left out, a deployment group once, in the order of the answer."""
    return list(dict.fromkeys(map(_served_as, snapshot.apps.values())))


def contract_of(table: RoutingTable, flags: ContractFlags = _USUAL) -> Contract:
    """What marathon-lb would have written for a table of the exact profile. Raises TemplateError, see above.

    Unlike in the run profile a service without a server is not written at all.
    """
    services = [service for service in table.services if table.endpoints[service.name]]
    unfit: dict[str, Problem] = {}
    while True:
        texts = Texts(flags)
        found = host_map([service for service in services if service.hosts], flags)
        blocks = tuple(block for block in _blocks(table, services, found, texts, flags) if block.text)
        if not texts.unfit:
            problems = (*unfit.values(), *texts.warnings)
            return Contract(blocks, map_entries(services, found, flags), problems)
        unfit |= texts.unfit
        services = [service for service in services if service.app_id not in unfit]


def _served_as(app: App) -> str:
    return group_id(app.definition) or app.id


def _blocks(
    table: RoutingTable, services: Sequence[Service], found: HostMap, texts: Texts, flags: ContractFlags
) -> Iterator[Block]:
    shared = SharedFrontends(services, found, texts, flags)
    yield Block(ended(head_text(flags.templates.get("HEAD"), flags.default_options)))
    yield from (userlist(service, texts) for service in services)
    if not flags.dont_bind:
        yield from shared.http()
    yield from shared.app_ids()
    if not flags.dont_bind:
        yield from grouped_https(shared, texts, flags) if flags.group_by_host else shared.https()
    yield from (frontend(service, texts) for service in services)
    yield from (backend(service, table.endpoints[service.name], texts) for service in services)

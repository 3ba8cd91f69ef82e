"""The seam to the contract profile: from what Marathon says, without some apps, to marathon-lb's own files."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from milepost.compat.marathon_lb.arguments import Arguments
from milepost.errors import SettingsError
from milepost.model.problem import Problem
from milepost.model.snapshot import Snapshot
from milepost.proxies.haproxy.check import Checked
from milepost.proxies.haproxy.contract import Contract, ContractFlags, contract_for
from milepost.proxies.haproxy.contract.flags import DEFAULT_OPTIONS
from milepost.proxies.haproxy.render import render_map
from milepost.proxies.haproxy.templates.sources import operator_templates, template_files
from milepost.proxies.haproxy.templates.template import TemplateError
from milepost.routing.policy import Policy

TEMPLATES = Path("templates")
_OPTIONS = "HAPROXY_GLOBAL_DEFAULT_OPTIONS"


@dataclass(frozen=True, slots=True)
class Text:
    """The configuration, the map files by path, and what is wrong with apps whose part it leaves out or changes."""

    config: str
    maps: Mapping[Path, str] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    contract: Contract = field(default_factory=lambda: Contract(()))

    def owners(self, checked: Checked) -> Mapping[str, str]:
        """The apps that HAProxy's complaints lead to, with its words; empty where they lead to none."""
        found: dict[str, str] = {}
        for alert in checked.alerts:
            owner = self.contract.owner_of_line(alert.line) if alert.line else ""
            if owner:
                found.setdefault(owner, alert.message)
        return found


@dataclass(frozen=True, slots=True)
class Writer:
    """Writes texts for one command line. `framework` is the balancer's own app under DC/OS, "" for none."""

    policy: Policy
    flags: ContractFlags
    framework: str = ""

    def apps(self, snapshot: Snapshot) -> list[str]:
        """The ids that a text may be about, in Marathon's order."""
        return [app_id for app_id in snapshot.apps if not self.framework or app_id.lstrip("/") != self.framework]

    def write(self, snapshot: Snapshot, without: Collection[str] = ()) -> Text:
        """The text of `snapshot`, without some of its apps.

        Pure. Raises SettingsError where an operator's template cannot be filled in.
        """
        left_out = {*without, f"/{self.framework}"} if self.framework else without
        try:
            table, contract = contract_for(snapshot, self.policy, self.flags, left_out)
        except TemplateError as error:
            raise SettingsError(str(error)) from error
        maps = {Path(path): render_map(entries) for path, entries in contract.maps.items()}
        return Text(contract.text, maps, (*table.problems, *contract.problems), contract)


def writer_of(arguments: Arguments, environ: Mapping[str, str]) -> Writer:
    """Raises SettingsError where an operator's template cannot be used."""
    framework = environ.get("FRAMEWORK_NAME", "").strip("/")
    policy = Policy(
        groups=arguments.groups,
        strict=arguments.strict_mode,
        health_check=arguments.health_check,
        assign_ports=arguments.ports,
        exact=True,
        skipped=frozenset({f"/{framework}"} if framework else ()),
    )
    return Writer(policy, _flags(arguments, environ), framework)


def _flags(arguments: Arguments, environ: Mapping[str, str]) -> ContractFlags:
    options = environ.get(_OPTIONS)
    return ContractFlags(
        ssl_certs=arguments.ssl_certs,
        config_dir=str(arguments.haproxy_config.parent),
        dont_bind=arguments.dont_bind_http_https,
        use_maps=arguments.haproxy_map,
        group_by_host=arguments.group_https_by_vhost,
        default_options=DEFAULT_OPTIONS if options is None else tuple(options.split(",")),
        templates=operator_templates(environ, template_files(TEMPLATES)),
        legacy=arguments.old_directives,
    )

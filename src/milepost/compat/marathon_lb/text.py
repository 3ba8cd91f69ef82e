"""The seam to the contract profile: from what Marathon says, without some apps, to marathon-lb's own files."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from milepost.compat.marathon_lb.arguments import Arguments
from milepost.model.problem import Problem
from milepost.model.snapshot import Snapshot
from milepost.proxies.haproxy.check import Checked, owners_of
from milepost.proxies.haproxy.config import Desired
from milepost.proxies.haproxy.contract import ContractFlags, contract_desired
from milepost.proxies.haproxy.render import render, render_map
from milepost.routing.build import build_routing
from milepost.routing.policy import Policy


@dataclass(frozen=True, slots=True)
class Text:
    """The configuration, the map files by path, and what is wrong with apps whose part it leaves out or changes."""

    config: str
    maps: Mapping[Path, str]
    problems: tuple[Problem, ...]
    desired: Desired

    def owners(self, checked: Checked) -> Mapping[str, str]:
        """The apps that HAProxy's complaints lead to, with its words; empty where they lead to none."""
        return owners_of(self.desired, self.config, checked)


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
        """The text of `snapshot`, without some of its apps. Pure."""
        kept = {app_id: snapshot.apps[app_id] for app_id in self.apps(snapshot) if app_id not in without}
        table = build_routing(replace(snapshot, apps=kept), self.policy)
        desired = contract_desired(table, self.flags)
        maps = {Path(path): render_map(entries) for path, entries in desired.maps.items()}
        return Text(render(desired), maps, table.problems, desired)


def writer_of(arguments: Arguments, environ: Mapping[str, str]) -> Writer:
    policy = Policy(
        groups=arguments.groups,
        strict=arguments.strict_mode,
        health_check=arguments.health_check,
        assign_ports=arguments.ports,
        exact=True,
    )
    flags = ContractFlags(
        ssl_certs=arguments.ssl_certs,
        config_dir=str(arguments.haproxy_config.parent),
        dont_bind=arguments.dont_bind_http_https,
        use_maps=arguments.haproxy_map,
    )
    return Writer(policy, flags, environ.get("FRAMEWORK_NAME", ""))

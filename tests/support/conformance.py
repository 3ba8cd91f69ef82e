"""The conformance cases: what marathon-lb wrote for an answer of Marathon, and what each case needs of us."""

import json
from collections.abc import Collection
from dataclasses import dataclass, field
from functools import cached_property
from itertools import groupby
from pathlib import Path
from typing import Any

from milepost.model.routing import RoutingTable
from milepost.model.snapshot import Snapshot
from milepost.proxies.haproxy.contract import Contract, ContractFlags, contract_for
from milepost.proxies.haproxy.contract.flags import DEFAULT_OPTIONS
from milepost.proxies.haproxy.templates.sources import operator_templates
from milepost.routing.policy import Policy
from milepost.sources.health import carry_health
from milepost.sources.marathon.answer import snapshot_from_answer
from milepost.sources.names import with_addresses
from support.shared import SHARED

FOLDER = SHARED / "conformance"

_WITH_VALUE = {
    "--group",
    "--ssl-certs",
    "--haproxy-config",
    "--min-serv-port-ip-per-task",
    "--max-serv-port-ip-per-task",
}
_ADDRESSES = {"localhost": "127.0.0.1"}  # the only name that a case needs to be known


@dataclass
class Case:
    """One folder. `flags` maps each flag to its values, in order."""

    name: str
    flags: dict[str, list[str]] = field(init=False)

    def __post_init__(self) -> None:
        words = iter(self.args["flags"])
        self.flags = {}
        for word in words:
            self.flags.setdefault(word, []).extend([next(words)] if word in _WITH_VALUE else [])

    @cached_property
    def args(self) -> dict[str, Any]:
        return dict(json.loads(self.path("args.json").read_text()))

    @cached_property
    def meta(self) -> dict[str, Any]:
        return dict(json.loads(self.path("meta.json").read_text()))

    def path(self, name: str) -> Path:
        return FOLDER / self.name / name

    @property
    def policy(self) -> Policy:
        first = int(self.flags.get("--min-serv-port-ip-per-task", ["10050"])[-1])
        last = int(self.flags.get("--max-serv-port-ip-per-task", ["10100"])[-1])
        return Policy(
            groups=tuple(self.flags["--group"]),
            strict="--strict-mode" in self.flags,
            health_check="--health-check" in self.flags,
            assign_ports=(first, last) if first else None,
            exact=True,
        )

    @property
    def contract_flags(self) -> ContractFlags:
        environment: dict[str, str] = self.args["env"]
        options = environment.get("HAPROXY_GLOBAL_DEFAULT_OPTIONS")
        return ContractFlags(
            ssl_certs=tuple(self.flags.get("--ssl-certs", ["/etc/ssl/cert.pem"])[-1].split(",")),
            group_by_host="--group-https-by-vhost" in self.flags,
            default_options=DEFAULT_OPTIONS if options is None else tuple(options.split(",")),
            templates=operator_templates(environment, self.args["templates"]),
            config_dir=str(Path(self.flags.get("--haproxy-config", ["/etc/haproxy/haproxy.cfg"])[-1]).parent),
            dont_bind="--dont-bind-http-https" in self.flags,
            use_maps="--haproxy-map" in self.flags,
        )

    @property
    def snapshot(self) -> Snapshot:
        """The last answer, with what a source that has read those before it still knows."""
        *before, last = [self._answer(name) for name in (*self.args.get("before", ()), "apps.json")]
        for earlier in before:
            last = carry_health(earlier, last)
        return last

    def _answer(self, name: str) -> Snapshot:
        answer = snapshot_from_answer(self.path(name).read_bytes(), "case", 0.0)
        apps = {app_id: with_addresses(app, _ADDRESSES) for app_id, app in answer.apps.items()}
        return Snapshot(apps, answer.source, answer.read_at_s, answer.problems)

    @property
    def own_app(self) -> str:
        """The balancer's own app, which marathon-lb leaves out (marathon-lb-behaviour.md 4)."""
        name = self.args["env"].get("FRAMEWORK_NAME")
        return f"/{name}" if name else ""

    def contract(self, without: Collection[str] = ()) -> tuple[RoutingTable, Contract]:
        return contract_for(self.snapshot, self.policy, self.contract_flags, {*without, self.own_app})

    @property
    def expected(self) -> str:
        """The configuration, or what has to come out where marathon-lb stopped without any."""
        name = "haproxy.isolated.cfg" if self.meta["outcome"] == "failed" else "haproxy.cfg"
        return self.path(name).read_text()

    @property
    def expected_maps(self) -> dict[str, str]:
        """By name. None were recorded where marathon-lb stopped."""
        names = ("domain2backend.map", "app2backend.map") if "--haproxy-map" in self.flags else ()
        return {name: self.path(name).read_text() for name in names if self.path(name).exists()}


def folded(text: str) -> list[str]:
    """The lines as conformance/README.md compares them, at its strict level: in order, whitespace folded."""
    return [" ".join(line.split()) for line in text.splitlines() if line.strip()]


def all_cases() -> list[str]:
    return sorted(path.parent.name for path in FOLDER.glob("*/meta.json"))


def to_compare(case: Case, text: str) -> tuple[list[str], list[str]]:
    """(expected, got), to be compared: lines that HAProxy removed in their modern form, and in one order those of
    which the case says that theirs is undefined."""
    modern = {" ".join(old["line"].split()): old["modern"] for old in case.meta.get("legacy_directives", ())}
    lines = [modern.get(line, line) for line in folded(case.expected)], folded(text)
    for part in case.meta.get("order_undefined", ()):
        lines = (_in_one_order(lines[0], part), _in_one_order(lines[1], part))
    return lines


def _in_one_order(lines: list[str], part: str) -> list[str]:
    """Sorted as far as `part` says: each run of server lines by itself, or the certificates of a bind line."""
    if "crt arguments" in part:
        return [" ".join(sorted(line.split())) if line.startswith("bind abns@") else line for line in lines]
    found: list[str] = []
    for is_server, run in groupby(lines, key=lambda line: line.startswith("server ")):
        found += sorted(run, key=lambda line: line if is_server else "")
    return found

"""The conformance cases: what marathon-lb wrote for an answer of Marathon, and what each case needs of us."""

import json
import re
from dataclasses import dataclass, field
from functools import cached_property
from itertools import groupby
from pathlib import Path
from typing import Any

from milepost.model.routing import RoutingTable
from milepost.model.snapshot import Snapshot
from milepost.proxies.haproxy.contract import ContractFlags
from milepost.routing import labels, marathon_lb
from milepost.routing.build import build_routing
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
_LACKING = (
    marathon_lb.OF_PORTS
    | marathon_lb.OF_APPS
    | {label.name for label in labels.TABLE[labels.TABLE.index(labels.AUTH) :]}  # the run profile has them
)
_SUPPORTED = {*_WITH_VALUE, "--strict-mode", "--health-check", "--haproxy-map", "--dont-bind-http-https", "--dry"}
_LABEL = re.compile(r"HAPROXY_(?:(?:0|[1-9][0-9]*)_)?(.+)")
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
    def needs(self) -> set[str]:
        """The labels, flags and other features that milepost must have for this case, and has not yet."""
        found = {f"label {name}" for name in self._label_names() & _LACKING}
        flags = self.flags.keys() - _SUPPORTED
        if "--dont-bind-http-https" in self.flags:
            flags -= {"--group-https-by-vhost"}  # there is nothing to group then
        found |= {f"flag {flag}" for flag in flags}
        found |= {f"variable {name}" for name in self.args.get("env", {})}
        found |= {"template files"} if self.args.get("templates") else set()
        found |= {"cleanup after HAProxy's check"} if self.args.get("validate") else set()
        return found

    def _label_names(self) -> set[str]:
        answers = [json.loads(path.read_text()) for path in (FOLDER / self.name).glob("apps*.json")]
        labels = [label for answer in answers for app in answer["apps"] for label in app.get("labels") or {}]
        return {match[1] for label in labels if (match := _LABEL.fullmatch(label))}

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
        return ContractFlags(
            ssl_certs=tuple(self.flags.get("--ssl-certs", ["/etc/ssl/cert.pem"])[-1].split(",")),
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
    def table(self) -> RoutingTable:
        return build_routing(self.snapshot, self.policy)

    @property
    def expected(self) -> str:
        """The configuration, or what has to come out where marathon-lb stopped without any."""
        name = "haproxy.isolated.cfg" if self.meta["outcome"] == "failed" else "haproxy.cfg"
        return self.path(name).read_text()

    @property
    def expected_maps(self) -> dict[str, str]:
        names = ("domain2backend.map", "app2backend.map") if "--haproxy-map" in self.flags else ()
        return {name: self.path(name).read_text() for name in names}


def folded(text: str) -> list[str]:
    """The lines as conformance/README.md compares them, at its strict level: in order, whitespace folded."""
    return [" ".join(line.split()) for line in text.splitlines() if line.strip()]


def all_cases() -> list[str]:
    return sorted(path.parent.name for path in FOLDER.glob("*/meta.json"))


def to_compare(case: Case, text: str) -> tuple[list[str], list[str]]:
    """(expected, got), to be compared; server lines are sorted where the case says that their order is undefined."""
    lines = folded(case.expected), folded(text)
    if any("server lines" in part for part in case.meta.get("order_undefined", ())):
        return _servers_sorted(lines[0]), _servers_sorted(lines[1])
    return lines


def _servers_sorted(lines: list[str]) -> list[str]:
    """Sorted within each run of server lines, so that a line that left its backend still shows."""
    found: list[str] = []
    for is_server, run in groupby(lines, key=lambda line: line.startswith("server ")):
        found += sorted(run, key=lambda line: line if is_server else "")
    return found

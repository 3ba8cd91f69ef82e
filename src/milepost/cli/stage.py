"""Where a command gets its values from: a file, a Marathon, or the running milepost. Decided here once."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import anyio
import click

from milepost.cli.options import settings_options
from milepost.cli.running import Running, UnknownApp
from milepost.compose_haproxy import designer_of
from milepost.compose_policy import policy_of
from milepost.compose_sources import read_once, with_static
from milepost.controller.explain import Explanation, explain, unknown_app
from milepost.errors import ProxyError
from milepost.model.problem import Problem
from milepost.model.routing import RoutingTable
from milepost.model.snapshot import Snapshot
from milepost.proxies.haproxy.binary import find_binary
from milepost.proxies.haproxy.config import Desired
from milepost.routing.build import build_routing
from milepost.settings.values import Settings
from milepost.sources.file import read_apps_file

CommandT = TypeVar("CommandT", bound=Callable[..., Any])


@dataclass
class Computed:
    """Decided here and now from a snapshot. No app holds a port or host yet: the lower app id gets it."""

    settings: Settings
    seen: Snapshot

    def snapshot(self) -> Snapshot:
        return self.seen

    def table(self) -> RoutingTable:
        return self._table

    def problems(self) -> tuple[Problem, ...]:
        return tuple(sorted({*self.seen.problems, *self._table.problems}))

    def explain(self, app_id: str) -> Explanation:
        explanation = explain(app_id, self.seen, self._table)
        if not explanation.seen:
            raise UnknownApp(unknown_app(explanation))
        return explanation

    @cached_property
    def _table(self) -> RoutingTable:
        return build_routing(self.seen, policy_of(self.settings))


def open_stages(apps: Path | None, settings: Settings, options: dict[str, Any]) -> Computed | Running:
    """`--apps FILE` beats everything, `--marathon URL` is read once, else the running milepost is asked.

    Raises SourceError where file or Marathon cannot be read.
    """
    if apps is not None:
        if options.get("marathon_urls"):
            raise click.UsageError("--apps and --marathon are two sources; give one of them")
        return Computed(settings, anyio.run(with_static, read_apps_file(apps), settings))
    if options.get("marathon_urls"):
        return Computed(settings, anyio.run(read_once, settings))
    return Running(settings.web.listen, advice="; with --apps FILE or --marathon URL none needs to run")


def desired_of(settings: Settings, table: RoutingTable) -> Desired:
    """What `milepost run` would want of the HAProxy on this machine; of the oldest one known where there is none."""
    try:
        binary = find_binary(settings.haproxy.binary, allow_bundled=settings.haproxy.allow_bundled)
    except ProxyError:
        binary = None
    return designer_of(settings, binary).desired(table)


def stage_options(*tables: str) -> Callable[[CommandT], CommandT]:
    """The options of a command that shows a stage: `--apps`, and those of the settings that it needs."""

    def add(command: CommandT) -> CommandT:
        return click.option(
            "--apps",
            type=click.Path(path_type=Path, dir_okay=False),
            metavar="FILE",
            help="Take the apps from a file: an answer of Marathon's /v2/apps, or app definitions. Works offline.",
        )(settings_options(*tables)(command))

    return add

"""`milepost migrate`: what differs for whoever puts milepost in another balancer's place."""

import os
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path

import anyio
import click

from milepost.cli.console import counted, print_json, talk
from milepost.cli.options import json_option
from milepost.compat.marathon_lb.arguments import read_arguments
from milepost.compat.marathon_lb.cluster import cluster_of
from milepost.compat.marathon_lb.migration import Difference, differences, in_need_of_trust
from milepost.compat.marathon_lb.old_file import file_differences
from milepost.compat.marathon_lb.own import settings_of
from milepost.compat.marathon_lb.text import Writer, writer_of
from milepost.compose_policy import policy_of
from milepost.errors import MilepostError
from milepost.model.snapshot import Snapshot
from milepost.proxies.haproxy.operator.texts import OperatorTexts
from milepost.routing.build import build_routing
from milepost.sources.file import read_apps_file
from milepost.sources.marathon.source import read_once

_PROGRAM = "milepost migrate marathon-lb"


@click.group()
def migrate() -> None:
    """What differs for whoever puts milepost in another balancer's place."""


@migrate.command("marathon-lb", context_settings={"ignore_unknown_options": True})
@click.option(
    "--apps",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Take the apps from a saved answer of Marathon's /v2/apps?embed=apps.tasks. Works offline.",
)
@click.option(
    "--old-config",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Also tell what stands in this haproxy.cfg, but does not come from the apps.",
)
@json_option
@click.argument("words", nargs=-1, type=click.UNPROCESSED, metavar="-- MARATHON-LB'S FLAGS")
def marathon_lb(apps: Path | None, old_config: Path | None, as_json: bool, words: tuple[str, ...]) -> None:
    """Every route, server and option that is another than with marathon-lb, and why. Nothing is changed.

    Give the flags that marathon-lb is started with behind `--`. Exit status 0 if nothing differs, else 1.
    """
    arguments = read_arguments(words, _PROGRAM, os.environ)
    if arguments is None:
        raise click.UsageError("--longhelp is a flag of `milepost marathon-lb`")
    seen = read_apps_file(apps) if apps else anyio.run(partial(read_once, cluster_of(arguments)))
    writer = writer_of(arguments, os.environ)
    settings = settings_of(arguments, os.environ)
    none = OperatorTexts()  # both sides have the operator's: they are no difference
    new = build_routing(seen, policy_of(settings, none))
    found = differences(build_routing(seen, writer.policy), new)
    if old_config is not None:
        found = (*found, *_of_file(old_config, writer, seen))
    trusting = replace(settings, policy=replace(settings.policy, raw="trusted"))
    need_trust = in_need_of_trust(new, build_routing(seen, policy_of(trusting, none)))
    if as_json:
        print_json({"differences": found, "need_trust": need_trust})
    else:
        _print(found, need_trust)
    sys.exit(1 if found else 0)


def _of_file(path: Path, writer: Writer, seen: Snapshot) -> tuple[Difference, ...]:
    try:
        old = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise MilepostError(f"{path} cannot be read: {error}") from error
    apps = {service.name: service.app_id for service in build_routing(seen, writer.policy).services}
    return file_differences(old, writer.write(seen).config, apps)


def _print(found: tuple[Difference, ...], need_trust: tuple[str, ...]) -> None:
    last = None
    for one in found:
        if one.app_id != last:
            click.echo(click.style(one.app_id or "all apps", bold=True))
            last = one.app_id
        change = f"{click.style(one.old or '-', fg='red')} -> {click.style(one.new or '-', fg='green')}"
        label = f"  [{one.label}]" if one.label else ""
        click.echo(f"  {one.feature}: {change}{label}\n      {one.reason}")
    if need_trust:
        talk(f"with policy.raw = trusted these would be served as their labels say: {', '.join(need_trust)}")
    talk(counted(len(found), "difference") if found else "nothing differs")

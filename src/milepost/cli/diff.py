"""`milepost diff`: what would change in HAProxy, and why."""

import sys
from pathlib import Path
from typing import Any

import anyio
import click

from milepost.cli.console import print_json, talk
from milepost.cli.options import ALL, json_option, settings_of
from milepost.cli.running import Running
from milepost.cli.stage import desired_of, open_stages, stage_options
from milepost.errors import MilepostError, ProxyGone
from milepost.proxies.haproxy.actual import NOTHING, Actual
from milepost.proxies.haproxy.observe import parse_config
from milepost.proxies.haproxy.plan import plan
from milepost.proxies.haproxy.reader import read_actual
from milepost.proxies.haproxy.runtime import AdminSocket
from milepost.web.answers import PlanAnswer, plan_answer


@click.command()
@click.option(
    "--against",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Compare with this haproxy.cfg of milepost's instead of the running HAProxy.",
)
@json_option
@stage_options(*ALL)
def diff(against: Path | None, apps: Path | None, config: Path | None, as_json: bool, **options: Any) -> None:
    """What would change in HAProxy, and why. Exit status 1 if anything would.

    With --apps or --marathon those apps are compared with the running HAProxy, or with the file of --against. Without
    them the running milepost tells what it has still to do.
    """
    settings = settings_of(config, options)
    stages = open_stages(apps, settings, options)
    if against is None and isinstance(stages, Running):
        answer = stages.plan()
    else:
        actual = _of_file(against) if against else anyio.run(_of_running, settings.admin_socket)
        answer = plan_answer(plan(desired_of(settings, stages.table()), actual))
    if as_json:
        print_json(answer)
    else:
        _print(answer)
    sys.exit(1 if answer.live or answer.structure else 0)


def _of_file(path: Path) -> Actual:
    try:
        found = parse_config(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise MilepostError(f"{path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise MilepostError(f"{path} is no configuration that milepost wrote: {error}") from error
    if not found.digest:
        raise MilepostError(
            f"{path} is no configuration that milepost wrote (its global section has no such description), so there "
            "is nothing to compare with; `milepost render` shows all that milepost would write"
        )
    return found


async def _of_running(admin_socket: Path) -> Actual:
    admin = AdminSocket(admin_socket)
    try:
        return await read_actual(admin, NOTHING)
    except ProxyGone as error:
        raise ProxyGone(f"{error}; --against FILE compares with a configuration instead") from error
    finally:
        await admin.close()


def _print(answer: PlanAnswer) -> None:
    for reason in answer.structure:
        click.echo(f"{click.style('reload', fg='yellow')}  {reason}")
    for step in answer.live:
        click.echo(f"{click.style('live', fg='green')}    {step.step}  ({step.reason})")
    if not answer.live and not answer.structure:
        talk("nothing would change")

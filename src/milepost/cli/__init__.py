"""The command `milepost`. Each command lies in a file of its own, imported only when it is called."""

import difflib
import importlib
import sys
from typing import Any, NoReturn

import click

from milepost import __version__
from milepost.cli.terminal import wrapped
from milepost.errors import MilepostError

# Name: (module with a command of that name, a dash being an underscore there; what it does in a line). The line stands
# here so that `--help` needs no imports.
COMMANDS: dict[str, tuple[str, str]] = {
    "run": ("milepost.cli.run", "Keep HAProxy configured, until stopped."),
    "demo": ("milepost.cli.demo", "Show the whole tutorial working on this machine."),
    "status": ("milepost.cli.status", "How the running milepost and its proxy are."),
    "explain": ("milepost.cli.explain", "Why an app is or is not reachable."),
    "lint": ("milepost.cli.lint", "What is wrong with the apps' labels."),
    "snapshot": ("milepost.cli.snapshot", "What the scheduler says."),
    "render": ("milepost.cli.render", "The HAProxy configuration."),
    "diff": ("milepost.cli.diff", "What would change in HAProxy, and why."),
    "approve": ("milepost.cli.approve", "Let pass what the guard holds."),
    "proxy": ("milepost.cli.proxy", "Look at the running HAProxy, drain it, or end it."),
    "marathon-lb": ("milepost.cli.marathon_lb", "Take marathon-lb's command line in its place."),
    "marathon-lb-entry": ("milepost.cli.marathon_lb_entry", "Start as marathon-lb's container image did."),
    "migrate": ("milepost.cli.migrate", "What differs from the balancer that milepost replaces."),
    "zdd": ("milepost.cli.zdd", "Replace an app by its next version, one colour by the other."),
    "local": ("milepost.cli.local", "A Marathon-compatible scheduler on this machine."),
}

_NAME = "milepost:"


class _Commands(click.Group):
    """Knows its commands by name, imports them late, and tells milepost's own errors without a traceback."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, _ = COMMANDS[cmd_name]
        command: click.Command = getattr(importlib.import_module(module), cmd_name.replace("-", "_"))
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        nearest = difflib.get_close_matches(args[0], COMMANDS, n=1)
        if nearest and args[0] not in COMMANDS:
            ctx.fail(f"No such command '{args[0]}'. Did you mean {nearest[0]}?")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except MilepostError as error:
            _leave([error])
        except BaseExceptionGroup as group:
            ours, others = group.split(MilepostError)
            if ours is None or others is not None:
                raise
            _leave(_leaves(ours))


def _leave(errors: list[MilepostError]) -> NoReturn:
    for error in errors:
        text = wrapped(str(error), sys.stderr, indent=len(_NAME) + 1)
        click.echo(f"{click.style(_NAME, fg='red')} {text}", err=True)
    sys.exit(errors[0].exit_code)


def _leaves(group: BaseExceptionGroup[MilepostError]) -> list[MilepostError]:
    """Parts of the program run side by side and may fail together."""
    found: list[MilepostError] = []
    for error in group.exceptions:
        found += _leaves(error) if isinstance(error, BaseExceptionGroup) else [error]
    return found


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="milepost")
def main() -> None:
    """A fixed address for every service that moves: Marathon in, a live HAProxy out."""

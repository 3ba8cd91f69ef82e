"""`milepost approve`: an operator says that what the guard holds is right."""

from pathlib import Path
from typing import Any

import click

from milepost.cli.console import counted, print_json, talk
from milepost.cli.options import json_option, settings_of, settings_options
from milepost.cli.running import Running


@click.command()
@json_option
@settings_options("web")
def approve(config: Path | None, as_json: bool, **options: Any) -> None:
    """Let pass what the guard of the running milepost holds. Look at `milepost status` first."""
    held = Running(settings_of(config, options).web.listen).approve()
    if as_json:
        print_json({"approved": held})
    elif held is None:
        talk("nothing is held; nothing to do")
    else:
        apps = held.apps[0] if len(held.apps) == 1 else counted(len(held.apps), "app")
        talk(f"{counted(held.tasks, 'task')} of {apps} may go")

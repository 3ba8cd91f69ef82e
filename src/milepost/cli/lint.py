"""`milepost lint`: what owners got wrong."""

import sys
from pathlib import Path
from typing import Any

import click

from milepost.cli.console import counted, print_json, severity, talk
from milepost.cli.options import READING, json_option, settings_of
from milepost.cli.stage import open_stages, stage_options
from milepost.model.problem import Problem, Severity


@click.command()
@json_option
@stage_options(*READING)
def lint(apps: Path | None, config: Path | None, as_json: bool, **options: Any) -> None:
    """What is wrong with the apps' labels and definitions. Exit status 1 if anything is an error."""
    problems = open_stages(apps, settings_of(config, options), options).problems()
    if as_json:
        print_json({"problems": problems})
    else:
        _print(problems)
    sys.exit(1 if any(problem.severity is Severity.ERROR for problem in problems) else 0)


def _print(problems: tuple[Problem, ...]) -> None:
    for problem in problems:
        where = ": ".join(part for part in (problem.app_id, problem.subject) if part)
        click.echo(f"{severity(problem)} {click.style(where, bold=True)}: {problem.message}")
    errors = sum(problem.severity is Severity.ERROR for problem in problems)
    warnings = len(problems) - errors
    talk(f"{counted(errors, 'error')}, {counted(warnings, 'warning')}" if problems else "no problem found")

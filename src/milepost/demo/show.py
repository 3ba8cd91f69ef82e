"""What the demo says: numbered steps, facts under them, colour on a terminal."""

import time

import click


class Show:
    """Prints to standard output. `started_s` is the monotonic time that step times count from."""

    def __init__(self) -> None:
        self._started_s = time.monotonic()
        self._step = 0

    def title(self, text: str) -> None:
        click.echo(click.style(text, bold=True))

    def step(self, text: str) -> None:
        self._step += 1
        elapsed = click.style(f"{time.monotonic() - self._started_s:5.1f} s", dim=True)
        click.echo(f"\n{elapsed}  {click.style(f'{self._step}. {text}', bold=True)}")

    def fact(self, text: str) -> None:
        click.echo(f"         {text}")

    def block(self, text: str) -> None:
        """Somebody else's text, set apart."""
        for line in text.splitlines():
            click.echo(click.style(f"         | {line}", fg="cyan"))

    def check(self, text: str, *, passed: bool) -> bool:
        """A claim and whether it held; returns `passed`."""
        mark = click.style("ok  ", fg="green") if passed else click.style("FAIL", fg="red", bold=True)
        click.echo(f"    {mark} {text}")
        return passed

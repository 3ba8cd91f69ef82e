"""`milepost local logs`: what a task of a running local scheduler has written."""

import time
from collections.abc import Iterator

import click

from milepost.cli.local.following import quietly
from milepost.cli.local.scheduler import LocalScheduler, scheduler_option

_POLL_S = 0.25


@click.command()
@click.argument("name", metavar="TASK|/APP")
@click.option("--stderr", "of", flag_value="stderr", help="What it wrote there, not what it wrote to its stdout.")
@click.option("-n", "--lines", type=click.IntRange(0), metavar="N", help="Only the last N lines of what is there.")
@click.option("-f", "--follow", is_flag=True, help="Go on until the task ends.")
@scheduler_option
def logs(scheduler: LocalScheduler, name: str, of: str | None, lines: int | None, follow: bool) -> None:
    """What a task has written; of an app (its id begins with a slash) the task that was started last.

    The output of the 20 tasks that ended last is kept. Exit status 2 if there is none of this task.
    """
    reader = _Reader(scheduler, scheduler.task_named(name), of or "stdout")
    so_far = b"".join(reader.rest())
    click.echo(so_far if lines is None else _last(so_far, lines), nl=False)
    with quietly():
        while follow and not reader.is_ended:
            time.sleep(_POLL_S)
            for data in reader.rest():
                click.echo(data, nl=False)


class _Reader:
    """Reads one file of one task, piece by piece."""

    def __init__(self, scheduler: LocalScheduler, task_id: str, of: str) -> None:
        self._scheduler, self._task_id, self._of = scheduler, task_id, of
        self._position = 0
        self.is_ended = False

    def rest(self) -> Iterator[bytes]:
        """What was written since the last time."""
        while True:
            output = self._scheduler.output(self._task_id, self._of, self._position)
            self._position += len(output.data)
            if not output.data:
                self.is_ended = output.is_ended
                return
            yield output.data


def _last(data: bytes, lines: int) -> bytes:
    return b"".join(data.splitlines(keepends=True)[-lines:]) if lines else b""

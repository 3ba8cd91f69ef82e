"""Whoever started the deployment: news on standard error, results on standard output, questions at the terminal."""

import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import msgspec

from milepost.compat.zdd.colours import Pair
from milepost.compat.zdd.errors import ZddError

_ANSWERS = {"": True, "y": True, "ye": True, "yes": True, "n": False, "no": False}


@dataclass(frozen=True, slots=True)
class Terminal:
    """Implements `Operator` of `deployment.py`. With `is_forced` nothing is asked; `hook` is a program, None for none.

    `log` hears the news.
    """

    log: Callable[[str], None]
    is_forced: bool = False
    hook: Path | None = None
    sleep: Callable[[float], None] = time.sleep
    now_s: Callable[[], float] = time.monotonic

    def tell(self, text: str) -> None:
        self.log(text)

    def show(self, text: str) -> None:
        """A result, on standard output."""
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()

    def agrees(self, question: str) -> bool:
        """Yes unless the answer is no; nobody there to answer is no."""
        while not self.is_forced:
            sys.stdout.write(f"{question} [Y/n] ")
            sys.stdout.flush()
            line = sys.stdin.readline()
            answer = _ANSWERS.get(line.strip().lower()) if line else False
            if answer is not None:
                return answer
        return True

    def before_kill(self, pair: Pair, task_ids: Sequence[str]) -> None:
        """Runs the hook with the old app, the tasks' ids and the new app, each as JSON. Raises ZddError."""
        if self.hook is None:
            return
        words = [msgspec.json.encode(value).decode() for value in (pair.old.document, task_ids, pair.new.document)]
        try:
            status = subprocess.run([str(self.hook), *words], check=False).returncode  # noqa: S603 - it is the user's
        except OSError as error:
            raise ZddError(
                f"--pre-kill-hook: {self.hook} cannot be run: {error.strerror}; no task was killed"
            ) from None
        if status:
            raise ZddError(f"--pre-kill-hook: {self.hook} ended with status {status}; no task was killed")

    def date(self) -> str:
        """Local time without zone, as marathon-lb's tool wrote it: the colours of one group are compared by it."""
        return datetime.now().isoformat()

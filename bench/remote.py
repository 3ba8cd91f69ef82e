"""A part of a bench as a process of its own, commanded by JSON lines over its standard input and output."""

import asyncio
import contextlib
import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from milepost.errors import MilepostError


class Remote:
    """The commanding end."""

    def __init__(self, name: str, process: "subprocess.Popen[str]") -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self.name, self._in, self._out = name, process.stdin, process.stdout

    def command(self, command: Mapping[str, Any]) -> Any:
        """Have it carried out; gives its answer. Raises MilepostError where the process has ended."""
        with contextlib.suppress(BrokenPipeError):
            self._in.write(json.dumps(command) + "\n")
            self._in.flush()
        return self.heard()

    def heard(self) -> Any:
        """Its next answer."""
        if not (line := self._out.readline()):
            raise MilepostError(f"{self.name} has ended; what it said stands above")
        return json.loads(line)

    def end(self) -> None:
        with contextlib.suppress(BrokenPipeError):
            self._in.close()


@contextlib.contextmanager
def remote(module: str, arguments: Mapping[str, Any]) -> Iterator[Remote]:
    """`python -m <module>` with `arguments` as JSON, ready for commands; ended afterwards."""
    command = [sys.executable, "-m", module, json.dumps(dict(arguments))]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        there = Remote(module, process)
        try:
            there.heard()
            yield there
        finally:
            there.end()


async def obey(carry_out: Callable[[dict[str, Any]], Any]) -> None:
    """The commanded end: answer one command after another, until there are no more."""
    lines = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    _say("ready")
    while line := await lines.readline():
        _say(carry_out(json.loads(line)))


def _say(what: object) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()

"""The HAProxy processes of this machine, told apart by when they started: a pid alone is used again."""

from collections.abc import Iterator
from pathlib import Path

_PROC = Path("/proc")
Process = tuple[int, str]
"""The pid, and the start time of proc(5), `/proc/pid/stat`."""


def haproxy_processes(config: Path, proc: Path = _PROC) -> frozenset[Process]:
    """Those that run from `config`, so that another HAProxy's reload is not taken for ours; where there are none, all:
    how HAProxy is started is not our business.
    """
    every = dict(_named_haproxy(proc))
    ours = {process for process, words in every.items() if str(config) in words}
    return frozenset(ours or every)


def _named_haproxy(proc: Path) -> Iterator[tuple[Process, list[str]]]:
    for path in proc.glob("[0-9]*"):
        try:
            words = (path / "cmdline").read_bytes().decode(errors="replace").split("\0")
            stat = (path / "stat").read_text(errors="replace")
        except OSError:
            continue  # it has ended in between
        name = stat[stat.find("(") + 1 : stat.rfind(")")]
        if "haproxy" in (name, words[0].rpartition("/")[2]):
            yield (int(path.name), stat.rpartition(")")[2].split()[19]), words

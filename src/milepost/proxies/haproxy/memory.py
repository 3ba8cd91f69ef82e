"""How much memory this machine lets us use, and how much of it processes hold."""

import os
from collections.abc import Iterable
from pathlib import Path

_CGROUP_LIMITS = (  # what a container sees of its own limit: cgroup v2, then v1
    Path("/sys/fs/cgroup/memory.max"),
    Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
)


def usable_bytes(limits: Iterable[Path] = _CGROUP_LIMITS) -> int:
    """The machine's memory, or the container's where that is less."""
    machine = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return min([machine, *(limit for path in limits if (limit := _limit(path)))])


def held_bytes(pids: Iterable[int]) -> int | None:
    """What is resident of all of them (proc(5), `/proc/pid/statm`). None where one cannot be seen from here, as in a
    container of its own; one that has just ended holds nothing."""
    total = 0
    for pid in pids:
        try:
            total += int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
        except FileNotFoundError:
            return None
        except ProcessLookupError:
            continue
    return total


def _limit(path: Path) -> int | None:
    """None for no limit, which v2 writes as `max` and v1 as a number beyond every machine's memory."""
    try:
        return int(path.read_text())
    except (OSError, ValueError):
        return None

"""Load on one address by many host names: wrk where it is installed, else clients of our own."""

import asyncio
import itertools
import re
import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

CONNECTIONS = 64
_SCRIPT = """\
local hosts = {{ {hosts} }}
local asked = {{}}
init = function()
  for number, host in ipairs(hosts) do asked[number] = wrk.format("GET", "/", {{ Host = host }}) end
end
request = function() return asked[math.random(#asked)] end
done = function(summary)
  local errors = summary.errors
  local lost = errors.connect + errors.read + errors.write + errors.timeout + errors.status
  io.write(string.format("answered=%d took_us=%d failed=%d\\n", summary.requests, summary.duration, lost))
end
"""
_RESULT = re.compile(r"answered=(\d+) took_us=(\d+) failed=(\d+)")


@dataclass(frozen=True, slots=True)
class Carried:
    """What came of a load of `took_s` seconds; `failed` counts other statuses than 2xx and 3xx too."""

    answered: int
    failed: int
    took_s: float


def has_wrk() -> bool:
    return shutil.which("wrk") is not None


def carried(address: str, port: int, hosts: Sequence[str], seconds: int, folder: Path) -> Carried:
    """Ask over kept connections as fast as answers come, each time for another of `hosts`."""
    if has_wrk():
        return _by_wrk(f"http://{address}:{port}/", hosts, seconds, folder)
    return asyncio.run(_by_ourselves(address, port, hosts, seconds))


def _by_wrk(url: str, hosts: Sequence[str], seconds: int, folder: Path) -> Carried:
    script = folder / "load.lua"
    script.write_text(_SCRIPT.format(hosts=", ".join(f'"{host}"' for host in hosts)))
    command = ["wrk", "-t", "1", "-c", str(CONNECTIONS), "-d", f"{seconds}s", "-s", str(script), url]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found = _RESULT.search(said)
    assert found is not None, said
    answered, took_us, failed = map(int, found.groups())
    return Carried(answered, failed, took_us / 1e6)


async def _by_ourselves(address: str, port: int, hosts: Sequence[str], seconds: int) -> Carried:
    requests = itertools.cycle([f"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n".encode() for host in hosts])
    begun_s = time.monotonic()
    counts = await asyncio.gather(
        *(_one_client(address, port, requests, begun_s + seconds) for _ in range(CONNECTIONS))
    )
    return Carried(sum(good for good, _ in counts), sum(bad for _, bad in counts), time.monotonic() - begun_s)


async def _one_client(address: str, port: int, requests: Iterator[bytes], until_s: float) -> tuple[int, int]:
    good = bad = 0
    reader, writer = await asyncio.open_connection(address, port)
    try:
        while time.monotonic() < until_s:
            writer.write(next(requests))
            head = await reader.readuntil(b"\r\n\r\n")
            length = re.search(rb"(?i)content-length: *(\d+)", head)
            await reader.readexactly(int(length[1]) if length else 0)
            is_good = head.startswith((b"HTTP/1.1 2", b"HTTP/1.1 3"))
            good, bad = good + is_good, bad + (not is_good)
    finally:
        writer.close()
    return good, bad

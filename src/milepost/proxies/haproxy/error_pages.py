"""The operator's own error pages: HAProxy reads milepost's copies, which it is known to take.

It does not start with a page that is none, so none of the operator's files is ever named to it.
"""

import re
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from anyio import to_thread

from milepost.proxies.haproxy.check import check
from milepost.proxies.haproxy.files import replace_file
from milepost.proxies.haproxy.operator_files import keep_copy, newest_copy

STATUSES = (400, 401, 403, 404, 405, 407, 408, 410, 413, 425, 429, 500, 501, 502, 503, 504)
"""Those of which HAProxy makes answers of its own (its manual, `errorfile`)."""

_LARGEST = 15_000  # bytes: it has to fit into HAProxy's buffer
_FIRST = 3  # line of the first page in the text that is checked, from 1
_PLACE = re.compile(r"^errorfile\s*:\s*(?:'[^']*'\s*:\s*)?")


class ErrorPages:
    """Keeps pages in `folder`. Without `binary` (mode "attach") nobody can be asked: a page only has to look right."""

    def __init__(self, folder: Path, binary: Path | None, environment: Mapping[str, str]) -> None:
        self._folder, self._binary, self._environment = folder, binary, environment

    async def take_over(self, source: Path) -> dict[Path, str]:
        """Copy the pages (`503.http`) of the directory `source`; what is wrong, by file. A page that is wrong leaves
        the copy of before.

        Raises ProxyError where a copy cannot be written, or HAProxy's check cannot be run.
        """
        try:
            files = await to_thread.run_sync(lambda: _files(source))
        except OSError as error:
            return {source: f"cannot be read: {error.strerror}"}
        wrong: dict[Path, str] = {}
        pages: dict[Path, bytes] = {}
        for file in files:
            try:
                pages[file] = _page(file)
            except ValueError as error:
                wrong[file] = str(error)
        wrong |= await self._refused(pages)
        for file in pages.keys() - wrong.keys():
            keep_copy(self._folder, file.name, pages[file])
        return wrong

    async def _refused(self, pages: Mapping[Path, bytes]) -> dict[Path, str]:
        """What HAProxy does not take, in its words."""
        if self._binary is None or not pages:
            return {}
        candidates = {file: self._folder / f".candidate-{file.stem}" for file in pages}
        lines = (f"  errorfile {file.stem} {candidate}" for file, candidate in candidates.items())
        text = "\n".join(("defaults", "  mode http", *lines, ""))
        config = self._folder / ".candidate.cfg"
        try:
            for file, candidate in candidates.items():
                replace_file(candidate, pages[file])
            replace_file(config, text.encode())
            alerts = (await check(self._binary, config, text, self._environment)).alerts
        finally:
            for path in (config, *candidates.values()):
                with suppress(OSError):  # the next check writes over it
                    path.unlink(missing_ok=True)
        words = {alert.line: _PLACE.sub("", alert.message) for alert in alerts}
        return {file: words[_FIRST + number] for number, file in enumerate(pages) if _FIRST + number in words}


def pages_of(source: Path, folder: Path) -> tuple[tuple[int, str], ...]:
    """Status, and path in `folder`, of each page that `source` has, good or bad; of all where it cannot be read."""
    try:
        wanted = {file.name for file in _files(source)}
    except OSError:
        wanted = {f"{status}.http" for status in STATUSES}
    copies = ((status, newest_copy(folder, f"{status}.http")) for status in STATUSES if f"{status}.http" in wanted)
    return tuple((status, str(copy)) for status, copy in copies if copy is not None)


def _files(source: Path) -> list[Path]:
    return sorted(file for file in source.iterdir() if file.suffix == ".http")


def _page(file: Path) -> bytes:
    """Raises ValueError with words for people."""
    if not file.stem.isascii() or file.stem not in map(str, STATUSES):
        raise ValueError(f"expected a name such as 503.http, of one of {', '.join(map(str, STATUSES))}")
    try:
        content = file.read_bytes()
    except OSError as error:
        raise ValueError(f"cannot be read: {error.strerror}") from error
    if len(content) > _LARGEST:
        raise ValueError(f"expected at most {_LARGEST} bytes, got {len(content)}")
    if not re.match(rb"HTTP/1\.[01] [1-5][0-9]{2}[ \r\n]", content) or not re.search(rb"\r?\n\r?\n", content):
        raise ValueError("expected a whole answer: HTTP/1.1 503 ..., headers, an empty line, the page")
    return content

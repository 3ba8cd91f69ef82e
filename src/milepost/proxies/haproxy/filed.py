"""The files that HAProxy starts from: written, known by how they look, and looked after.

What they tell of a worker that was started from them is read here too.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import anyio
import anyio.lowlevel
from anyio import to_thread

from milepost.errors import ProxyError
from milepost.model.notice import Notify, ProxyFailed
from milepost.proxies.haproxy.actual import NOTHING, Actual
from milepost.proxies.haproxy.certificate_files import OF_APPS, remove_unnamed, write_certificates
from milepost.proxies.haproxy.config import Desired
from milepost.proxies.haproxy.files import keep, replace_file
from milepost.proxies.haproxy.foreign import Difference
from milepost.proxies.haproxy.intervention import Intervention, Where
from milepost.proxies.haproxy.observe import is_as_digested, parse_config, parse_listens
from milepost.proxies.haproxy.ports import Address
from milepost.proxies.haproxy.render import Renderer, joined, render_map

_INTERVAL_S = 2.0
_RETRY_S = 10.0


@dataclass(slots=True)
class Written:
    """One file: its content by digest, and how its folder showed it then, which is cheap to compare."""

    path: Path
    digest: bytes
    look: tuple[int, int, int]

    def difference(self) -> Difference | None:
        """What somebody else did to it. A file that was only touched, or written with the same, is as it was."""
        try:
            if (look := _look(self.path)) == self.look:
                return None
            if sha256(self.path.read_bytes()).digest() == self.digest:
                self.look = look
                return None
        except FileNotFoundError:
            return Difference("", f"file {self.path}", "was deleted")
        except OSError as error:
            return Difference("", f"file {self.path}", f"was made unreadable ({error.strerror})")
        return Difference("", f"file {self.path}", "was changed")


@dataclass(frozen=True, slots=True)
class Filing:
    """What was written last: the value, and the files made from it."""

    desired: Desired
    files: tuple[Written, ...]

    def differences(self) -> tuple[Difference, ...]:
        return tuple(found for one in self.files if (found := one.difference()) is not None)


class Filed:
    """The configuration and its maps. Whoever writes or compares holds `lock`, for which nothing but a reload waits.

    `last` is None until something was written: what lies there at a start may be older than what runs, by right.
    """

    def __init__(self, config: Path, intervention: Intervention) -> None:
        self._config, self._intervention = config, intervention
        self.lock = anyio.Lock()
        self._renderer = Renderer()
        self.last: Filing | None = None

    def write(self, desired: Desired, text: str) -> None:
        """The certificates and maps, and then the `text` that names them.

        Raises ProxyError; maps and text are as they were then: else the half would be taken for somebody else's work.
        """
        if desired.certificates:
            write_certificates(desired.certificates)
        contents = tuple(self._contents(desired, text))
        kept = [keep(path) for path, _ in contents]
        try:
            self.last = Filing(desired, tuple(_write(path, content) for path, content in contents))
        except ProxyError:
            for one in kept:
                with suppress(ProxyError):  # what failed first is told
                    one.put_back()
            raise
        if desired.certificates:
            before = b"".join(one.content or b"" for one in kept).decode(errors="replace")
            remove_unnamed(Path(desired.certificates.path).parent / OF_APPS, text, before)

    def has(self, desired: Desired) -> bool:
        """Whether this very value was written last."""
        return self.last is not None and self.last.desired is desired

    async def rendered(self, desired: Desired) -> str:
        """The text, made here but a little at a time: in one go ten thousand backends keep an event waiting for 50 ms.

        In a thread it would be worse: each system call of the loop then waits for the interpreter's lock.
        """
        texts = []
        for part in self._renderer.slices(desired):
            texts += part
            await anyio.lowlevel.checkpoint()
        return joined(texts)

    async def watch(self, proxy: str, notify: Notify, wake: Callable[[str], None]) -> None:
        """Notice files that somebody else changed, since a restart of HAProxy would run them, until cancelled."""
        while True:
            await anyio.sleep(_INTERVAL_S)
            before = self._intervention.left
            try:
                await self._look_after()
            except ProxyError as error:
                notify(ProxyFailed(proxy, str(error), _RETRY_S))
                await anyio.sleep(_RETRY_S)
            if self._intervention.left != before:
                wake("a file was changed by somebody else")

    async def _look_after(self) -> None:
        async with self.lock:
            if self.last is None:
                return
            found = await to_thread.run_sync(self.last.differences)
            if not self._intervention.is_to_be_left(Where.FILES, found) and found:
                desired = self.last.desired
                await to_thread.run_sync(self.write, desired, await self.rendered(desired))

    def _contents(self, desired: Desired, text: str) -> Iterator[tuple[Path, bytes]]:
        for path, entries in desired.maps.items():
            yield Path(path), render_map(entries).encode()
        yield self._config, text.encode()


@dataclass(frozen=True, slots=True)
class Start:
    """What the file tells of a worker that started from it. `listens` is None where it is not this worker's file.

    `is_edited`: the file carries a digest that is not its own any more.
    """

    actual: Actual = NOTHING
    listens: frozenset[Address] | None = None
    is_edited: bool = False


def start_of(config: Path, digest: str) -> Start:
    """What the file at `config` tells of a worker that says it runs the structure `digest`."""
    try:
        text = config.read_text()
        filed = parse_config(text)
    except (OSError, ValueError):
        return Start()
    if not digest or filed.digest != digest:
        return Start()
    return Start(filed, parse_listens(text), not is_as_digested(text))


def _write(path: Path, content: bytes) -> Written:
    replace_file(path, content)
    try:
        return Written(path, sha256(content).digest(), _look(path))
    except OSError as error:
        raise ProxyError(f"{path} was written and is gone again: {error.strerror}") from error


def _look(path: Path) -> tuple[int, int, int]:
    """Inode, size and time of change (ns). Raises OSError."""
    seen = os.stat(path)
    return seen.st_ino, seen.st_size, seen.st_mtime_ns

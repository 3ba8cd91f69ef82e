"""Images: whether the engine has one, and pulling it, with a word on how far that is."""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import quote

import msgspec

from milepost.local.runtimes.docker.answers import Info, Line
from milepost.local.runtimes.docker.api import EngineApi, EngineError
from milepost.local.runtimes.docker.logins import login_for
from milepost.local.runtimes.program import NotRunnable

REFERENCE = re.compile(r"(?!.*(//|\.\.))[a-z0-9][A-Za-z0-9._/:@\-]*")
SAY_EVERY_S = 1.0
MEGABYTE = 1_000_000
LAYER_DONE = ("Pull complete", "Already exists")


async def make_sure_of(api: EngineApi, image: str, say: Callable[[str], None], *, force_pull: bool) -> None:
    """Let the engine have the image, the registry's latest one with `force_pull`. `say` is told how far a pull is,
    each second. Raises NotRunnable for what is no image's name."""
    if not REFERENCE.fullmatch(image):
        raise NotRunnable(f"'{image}' is not the name of an image")
    if not force_pull and await _has(api, image):
        return
    try:
        await _pull(api, image, say)
    except EngineError as error:
        raise EngineError(error.status, f"image {image} cannot be pulled: {error}") from error


async def _has(api: EngineApi, image: str) -> bool:
    try:
        await api.call("GET", f"/images/{quote(image, safe='/:@')}/json")
    except EngineError as error:
        if error.status != 404:
            raise
        return False
    return True


async def _pull(api: EngineApi, image: str, say: Callable[[str], None]) -> None:
    name, tag = split(image)
    progress, rest, said_at_s = Progress(), b"", time.monotonic()
    login = login_for(image, (await api.ask("/info", Info)).index_server_address)
    params = {"fromImage": name, "tag": tag}
    async with api.stream("POST", "/images/create", params=params, headers=login) as pieces:
        async for piece in pieces:
            *lines, rest = (rest + piece).split(b"\n")
            for line in filter(bytes.strip, lines):
                progress.take(_line(line))
            if time.monotonic() - said_at_s >= SAY_EVERY_S:
                said_at_s = time.monotonic()
                say(f"pulling image {image}: {progress}")
    if rest.strip():
        progress.take(_line(rest))


def _line(line: bytes) -> Line:
    try:
        return msgspec.json.decode(line, type=Line)
    except msgspec.MsgspecError as error:
        raise EngineError(502, f"Docker: its progress cannot be read: {error}") from error


def split(image: str) -> tuple[str, str]:
    """(name, tag or digest); "latest" where the image says none. A colon before a slash is a port's."""
    name, at, digest = image.partition("@")
    if at:
        return name, digest
    head, colon, tag = image.rpartition(":")
    return (head, tag) if colon and "/" not in tag else (image, "latest")


@dataclass(slots=True)
class Progress:
    """How far a pull is: for each layer the bytes that are there and all of them."""

    layers: dict[str, tuple[int, int]] = field(default_factory=dict)
    done: set[str] = field(default_factory=set)
    status: str = ""

    def take(self, line: Line) -> None:
        """One line of the engine's answer. Raises EngineError for what it reports as an error."""
        if line.error:
            raise EngineError(500, f"Docker: {line.error}")
        self.status, layer, detail = line.status, line.id, line.detail
        if self.status == "Downloading" and detail and detail.total:
            self.layers[layer] = (detail.current, detail.total)
        elif self.status in ("Download complete", "Pull complete") and layer in self.layers:
            self.layers[layer] = (self.layers[layer][1],) * 2
        if self.status in LAYER_DONE:
            self.done.add(layer)

    def __str__(self) -> str:
        here, whole = (sum(each[side] for each in self.layers.values()) / MEGABYTE for side in (0, 1))
        return f"{here:.1f} of {whole:.1f} MB, {len(self.done)} layers done" if self.layers else self.status

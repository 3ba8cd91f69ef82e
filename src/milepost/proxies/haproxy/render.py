"""From values to HAProxy's text. Equal values give equal text; there is one blank line between sections."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import sha256
from itertools import islice

from milepost.model.shared_map import changed
from milepost.proxies.haproxy.config import Desired, Section, Server, Structure

_SLICE = 50  # sections: a millisecond's work at most


def render(desired: Desired) -> str:
    """The whole configuration file."""
    return joined(section_texts(desired))


class Renderer:
    """Renders version after version; while the structure stays, only backends with other servers are written anew."""

    def __init__(self) -> None:
        self._structure: Structure | None = None
        self._servers: Mapping[str, tuple[Server, ...]] = {}
        self._texts: list[str] = []
        self._positions: Mapping[str, int] = {}

    def slices(self, desired: Desired) -> Iterator[list[str]]:
        """The texts of the sections in slices, for those who cannot wait for the whole at once: see `joined`.

        Each takes a moment only; what stands here is changed when the last one is taken, all at
        once: another version may be on its way beside this one.
        """
        positions = self._positions
        if desired.structure is self._structure:
            texts = list(self._texts)
            before, after = self._servers, desired.servers
            for name in {*changed(before, after), *changed(after, before)} & positions.keys():
                position = positions[name]
                texts[position] = _text(desired.structure.sections[position], after.get(name, ()))
            yield texts
        else:
            texts, rest = [], section_texts(desired)
            while part := list(islice(rest, _SLICE)):
                texts += part
                yield part
            sections = enumerate(desired.structure.sections)
            positions = {section.name: at for at, section in sections if section.keyword == "backend"}
        self._structure, self._positions = desired.structure, positions
        self._servers, self._texts = desired.servers, texts


def joined(sections: Iterable[str]) -> str:
    return "\n".join(sections)


def render_sections(sections: Iterable[Section]) -> str:
    """The same without servers."""
    return joined(_text(section, ()) for section in sections)


def digest_of_text(text: str) -> str:
    """What stands for a structure, from its text without servers."""
    return sha256(text.encode()).hexdigest()[:32]


def render_map(entries: Sequence[tuple[str, str]]) -> str:
    """A map file: one `key value` a line."""
    return "".join(f"{key} {value}\n" for key, value in entries)


def section_texts(desired: Desired) -> Iterator[str]:
    """The configuration, section by section."""
    servers = desired.servers
    for section in desired.structure.sections:
        yield _text(section, servers.get(section.name, ()) if section.keyword == "backend" else ())


def _text(section: Section, servers: Sequence[Server]) -> str:
    under = f" from {section.under}" if section.under else ""
    lines = [f"{section.keyword} {section.name}{under}".rstrip()]
    lines += [f"  {line}" for line in section.lines]
    lines += [f"  {server.line}" for server in servers]
    return "\n".join((*lines, ""))

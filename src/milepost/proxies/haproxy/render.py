"""From values to HAProxy's text. Equal values give equal text; there is one blank line between sections."""

from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256

from milepost.proxies.haproxy.config import Desired, Section, Server


def render(desired: Desired) -> str:
    """The whole configuration file."""
    return joined(section_texts(desired))


def section_texts(desired: Desired) -> Iterator[str]:
    """Its sections one by one, for those who cannot wait for the whole at once: see `joined`."""
    servers = desired.servers
    for section in desired.structure.sections:
        yield _text(section, servers.get(section.name, ()) if section.keyword == "backend" else ())


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


def _text(section: Section, servers: Sequence[Server]) -> str:
    lines = [f"{section.keyword} {section.name}".rstrip()]
    lines += [f"  {line}" for line in section.lines]
    lines += [f"  server {server.name} {server.words}" for server in servers]
    return "\n".join((*lines, ""))

"""The steps of a plan, as values: each is made into HAProxy's commands and judged by its answers, purely.

The commands are those of the HAProxy management guide, 9.3; haproxy-mechanics.md 2, 6 and 7 has what was seen of them.
"""

from collections.abc import MutableMapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from milepost.proxies.haproxy.actual import ActualServer, started
from milepost.proxies.haproxy.certificate_changes import CertificateChange
from milepost.proxies.haproxy.config import Server
from milepost.proxies.haproxy.verdict import Verdict

Pool: TypeAlias = MutableMapping[str, ActualServer]
Entries: TypeAlias = MutableMapping[str, str]

_GONE = ("No such server.", "No such backend.")


@dataclass(frozen=True, slots=True)
class AddServer:
    """A new server, in rotation at once unless it is meant to be off, which HAProxy has each of them at first.

    A check starts by a command of its own.
    """

    backend: str
    server: Server
    app_id: str
    reason: str

    def describe(self) -> str:
        return f"add server {self.backend}/{self.server.name} {self.server.words}"

    @property
    def commands(self) -> tuple[str, ...]:
        target = f"{self.backend}/{self.server.name}"
        enable = () if self.server.is_off else (f"enable server {target}",)
        return (f"add server {target} {self.server.words}", *enable, *_health(target, self.server))

    def verdict(self, answers: Sequence[str]) -> Verdict:
        added, *others = answers
        return _all_silent(others) if "New server registered." in added else Verdict.REFUSED

    def on(self, pool: Pool) -> None:
        pool[self.server.name] = started(self.server, " ".join(self.server.options))


@dataclass(frozen=True, slots=True)
class ReadyServer:
    """A server that is there but out of traffic, or has less of it, is wanted wholly again, at the same address."""

    backend: str
    server: Server
    app_id: str
    reason: str

    def describe(self) -> str:
        return f"ready server {self.backend}/{self.server.name}"

    @property
    def commands(self) -> tuple[str, ...]:
        target = f"{self.backend}/{self.server.name}"
        return (*_ready(target), *_health(target, self.server))

    def verdict(self, answers: Sequence[str]) -> Verdict:
        return _all_silent(answers)

    def on(self, pool: Pool) -> None:
        there = pool[self.server.name]
        pool[self.server.name] = replace(there, maint=False, drain=False, up=True, reweighted=False)


@dataclass(frozen=True, slots=True)
class SetAddress:
    """A server of the same name and id answers elsewhere now (its node got another address)."""

    backend: str
    server: Server
    app_id: str
    reason: str

    def describe(self) -> str:
        return f"move server {self.backend}/{self.server.name} to {self.server.address} port {self.server.port}"

    @property
    def commands(self) -> tuple[str, ...]:
        target = f"{self.backend}/{self.server.name}"
        moved = f"set server {target} addr {self.server.address} port {self.server.port}"
        ready = (f"set server {target} state maint",) if self.server.is_off else _ready(target)
        return (moved, *ready, *_health(target, self.server))

    def verdict(self, answers: Sequence[str]) -> Verdict:
        moved, *others = answers
        is_moved = "changed from" in moved or "no need to change" in moved
        return _all_silent(others) if is_moved else Verdict.REFUSED

    def on(self, pool: Pool) -> None:
        pool[self.server.name] = started(self.server, pool[self.server.name].options)


@dataclass(frozen=True, slots=True)
class RemoveServer:
    """Out of traffic at once. Running requests end; maint, not drain, so that sticky clients move as well."""

    backend: str
    name: str
    app_id: str
    reason: str

    def describe(self) -> str:
        return f"remove server {self.backend}/{self.name}"

    @property
    def commands(self) -> tuple[str, ...]:
        return (f"set server {self.backend}/{self.name} state maint",)

    def verdict(self, answers: Sequence[str]) -> Verdict:
        return Verdict.DONE if answers[0] in ("", *_GONE) else Verdict.REFUSED

    def on(self, pool: Pool) -> None:
        pool[self.name] = replace(pool[self.name], maint=True, up=False)


@dataclass(frozen=True, slots=True)
class DeleteServer:
    """Collect a server that is out of traffic. Entering maint anew purges the connections that went idle since.

    Whatever stands against it, the server takes no request; it goes with a later try or the next reload. With
    `ends_sessions` its sessions are cut, since they had their time: it goes with one of the next tries.
    """

    backend: str
    name: str
    app_id: str
    reason: str
    ends_sessions: bool = False

    def describe(self) -> str:
        return f"delete server {self.backend}/{self.name}"

    @property
    def commands(self) -> tuple[str, ...]:
        target = f"{self.backend}/{self.name}"
        ends = (f"shutdown sessions server {target}",) if self.ends_sessions else ()
        return (f"set server {target} state drain", f"set server {target} state maint", *ends, f"del server {target}")

    def verdict(self, answers: Sequence[str]) -> Verdict:
        return Verdict.DONE if answers[-1] in ("Server deleted.", *_GONE) else Verdict.WAITS

    def on(self, pool: Pool) -> None:
        pool.pop(self.name, None)


@dataclass(frozen=True, slots=True)
class AddMapEntry:
    """A key of the map file at `path` that leads to the backend `value` from now on."""

    path: str
    key: str
    value: str
    app_id: str
    reason: str

    def describe(self) -> str:
        return f"add map entry {self.key} {self.value}"

    @property
    def commands(self) -> tuple[str, ...]:
        return (f"add map {_word(self.path)} {_word(self.key)} {_word(self.value)}",)

    def verdict(self, answers: Sequence[str]) -> Verdict:
        return _all_silent(answers)

    def on(self, entries: Entries) -> None:
        entries[self.key] = self.value


@dataclass(frozen=True, slots=True)
class SetMapEntry:
    """A key that leads elsewhere from now on, in one step: no request finds it missing."""

    path: str
    key: str
    value: str
    app_id: str
    reason: str

    def describe(self) -> str:
        return f"set map entry {self.key} {self.value}"

    @property
    def commands(self) -> tuple[str, ...]:
        return (f"set map {_word(self.path)} {_word(self.key)} {_word(self.value)}",)

    def verdict(self, answers: Sequence[str]) -> Verdict:
        return _all_silent(answers)

    def on(self, entries: Entries) -> None:
        entries[self.key] = self.value


@dataclass(frozen=True, slots=True)
class DelMapEntry:
    """A key that leads nowhere from now on."""

    path: str
    key: str
    app_id: str
    reason: str

    def describe(self) -> str:
        return f"delete map entry {self.key}"

    @property
    def commands(self) -> tuple[str, ...]:
        return (f"del map {_word(self.path)} {_word(self.key)}",)

    def verdict(self, answers: Sequence[str]) -> Verdict:
        return Verdict.DONE if answers[0] in ("", "Key not found.") else Verdict.REFUSED

    def on(self, entries: Entries) -> None:
        entries.pop(self.key, None)


ServerChange: TypeAlias = AddServer | ReadyServer | SetAddress | RemoveServer | DeleteServer
MapChange: TypeAlias = AddMapEntry | SetMapEntry | DelMapEntry
LiveChange: TypeAlias = ServerChange | MapChange | CertificateChange


def _ready(target: str) -> tuple[str, ...]:
    """In traffic, with the weight of its start, whatever somebody set."""
    return (f"set server {target} state ready", f"set server {target} weight 100%")


def _health(target: str, server: Server) -> tuple[str, ...]:
    checked = any(option.partition(" ")[0] == "check" for option in server.options)
    return (f"enable health {target}",) if checked else ()


def _all_silent(answers: Sequence[str]) -> Verdict:
    """These commands say nothing where they succeed; any word is a refusal."""
    return Verdict.REFUSED if any(answers) else Verdict.DONE


def _word(text: str) -> str:
    """One word of the command line: blanks, `;` and backslashes would end or change it."""
    return "".join(f"\\{char}" if char in " ;\\" else char for char in text)

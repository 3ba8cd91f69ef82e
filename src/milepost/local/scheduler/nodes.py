"""Nodes: what each has, and what distinguishes it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from milepost.local.apps.definition import Definition
from milepost.local.scheduler.ports import HOST_PORTS

HOSTNAME = frozenset({"hostname", "@hostname"})  # two names for the address of a node


@dataclass(frozen=True, slots=True)
class Resources:
    """Amounts in thousandths of a CPU, of a MiB of memory and of a MiB of disk: whole numbers add up exactly."""

    cpus: int = 0
    mem: int = 0
    disk: int = 0

    @classmethod
    def of(cls, cpus: float, mem: float, disk: float) -> "Resources":
        """From CPUs and MiB."""
        return cls(round(cpus * 1000), round(mem * 1000), round(disk * 1000))

    def __add__(self, other: "Resources") -> "Resources":
        return Resources(self.cpus + other.cpus, self.mem + other.mem, self.disk + other.disk)

    def __sub__(self, other: "Resources") -> "Resources":
        return Resources(self.cpus - other.cpus, self.mem - other.mem, self.disk - other.disk)


ANYBODY = "*"
UNLIMITED = 1e12  # CPUs or MiB of a node without a limit
PLENTY = Resources.of(UNLIMITED, UNLIMITED, UNLIMITED)


@dataclass(frozen=True, slots=True)
class Node:
    """A place for tasks, known by its address.

    `ports` are those that a task gets that asks for any; `role` names whom its resources are for, "*" anybody.
    """

    address: str
    resources: Resources = PLENTY
    attributes: Mapping[str, str] = field(default_factory=dict)
    ports: range = HOST_PORTS
    role: str = ANYBODY

    def value(self, name: str) -> str | None:
        """What a constraint on the field `name` looks at; None if this node has no such attribute."""
        return self.address if name in HOSTNAME else self.attributes.get(name)


@dataclass(frozen=True, slots=True)
class Equipment:
    """What the nodes of a scheduler get: all the same resources, and of all else the next in turn."""

    resources: Resources = PLENTY
    attributes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    ports: tuple[range, ...] = (HOST_PORTS,)
    roles: tuple[str, ...] = (ANYBODY,)

    def node(self, address: str, index: int) -> Node:
        """The node number `index`, counted from 0."""
        attributes = {name: values[index % len(values)] for name, values in self.attributes.items()}
        ports, role = self.ports[index % len(self.ports)], self.roles[index % len(self.roles)]
        return Node(address, self.resources, attributes, ports, role)


def needed(app: Definition) -> Resources:
    """What one task of the app takes of its node."""
    return Resources.of(app.cpus, app.mem, app.disk)

"""What milepost reads of the engine's answers."""

from collections.abc import Mapping

from msgspec import Struct, field


class Listed(Struct, frozen=True, rename="pascal"):
    """A container of the list; `state` is "running", "exited", ..."""

    id: str
    state: str = ""
    labels: Mapping[str, str] = {}


class Ended(Struct, frozen=True):
    """The end of a container: its exit status."""

    status: int = field(name="StatusCode")


class State(Struct, frozen=True):
    """Why a container is not running: `error` is the engine's own word."""

    is_out_of_memory: bool = field(name="OOMKilled", default=False)
    error: str = field(name="Error", default="")


class Inspected(Struct, frozen=True, rename="pascal"):
    """A container."""

    state: State


class Made(Struct, frozen=True, rename="pascal"):
    """The id of what was asked for."""

    id: str


class Ran(Struct, frozen=True, rename="pascal"):
    """A command inside a container: its exit status."""

    exit_code: int


class Info(Struct, frozen=True, rename="pascal"):
    """The engine itself: the registry of images that name none."""

    index_server_address: str = ""


class Detail(Struct, frozen=True):
    """How far a layer is, in bytes."""

    current: int = 0
    total: int = 0


class Line(Struct, frozen=True):
    """A line about the progress of a pull; `id` is a layer's."""

    status: str = ""
    id: str = ""
    error: str = ""
    detail: Detail | None = field(name="progressDetail", default=None)

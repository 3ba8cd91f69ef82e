"""Parts of an app that nothing here acts on: they are given back as they came, once their types are right.

Spec: marathon-api 4.1 and 5, with the members that Marathon's JSON schema of an app has.
"""

from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

Size = Annotated[int, Meta(ge=0)]  # in MiB


class Parameter(Struct, frozen=True):
    """An option of `docker run`."""

    key: str
    value: str


class Credential(Struct, frozen=True):
    principal: str
    secret: str = ""


class PullConfig(Struct, frozen=True):
    secret: str


class PersistentVolume(Struct, frozen=True, kw_only=True, rename="camel"):
    size: Size
    type: Literal["root", "path", "mount"] = "root"
    max_size: Size | UnsetType = UNSET
    constraints: tuple[tuple[str, ...], ...] = ()


class ExternalVolume(Struct, frozen=True, kw_only=True):
    size: Size = 0
    name: str = ""
    provider: str = ""
    options: dict[str, Any] = {}


class Volume(Struct, frozen=True, kw_only=True, rename="camel"):
    """Of a folder of the node, of one that lasts, or of one from elsewhere."""

    container_path: str
    host_path: str = ""
    mode: Literal["RO", "RW"] = "RW"
    persistent: PersistentVolume | UnsetType = UNSET
    external: ExternalVolume | UnsetType = UNSET


class Residency(Struct, frozen=True, kw_only=True, rename="camel"):
    """What becomes of the tasks of lasting volumes; Marathon has given it up."""

    relaunch_escalation_timeout_seconds: Annotated[int, Meta(ge=0)] = 3600
    task_lost_behavior: Literal["WAIT_FOREVER", "RELAUNCH_AFTER_TIMEOUT"] = "WAIT_FOREVER"

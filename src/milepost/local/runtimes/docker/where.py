"""Which engine runs images: the one that is named, the one that answers, or none."""

import os
from collections.abc import Mapping

import anyio

from milepost.errors import MilepostError
from milepost.local.runtimes.docker.api import EngineApi, EngineError, EngineGone, Version

AUTO, OFF = "auto", "off"
USUAL_SOCKET = "/var/run/docker.sock"


async def find_engine(choice: str, environment: Mapping[str, str] = os.environ) -> tuple[EngineApi, Version] | str:
    """The engine of `choice` (auto, off or the path of a socket), or why there is none.

    Raises MilepostError if a socket is named and no engine answers there.
    """
    if choice == OFF:
        return "Docker is switched off"
    socket = (usual_socket(environment) if choice == AUTO else choice).removeprefix("unix://")
    if choice == AUTO and not socket.startswith("/"):
        return f"DOCKER_HOST={socket} is not a socket of this machine"
    if choice == AUTO and not await anyio.Path(socket).exists():
        return f"there is no Docker at {socket}"
    api = EngineApi(socket)
    try:
        return api, await api.greet()
    except (EngineError, EngineGone) as error:
        await api.aclose()
        if choice != AUTO:
            raise MilepostError(f"{error}; nothing was started") from error
        return str(error)


def usual_socket(environment: Mapping[str, str]) -> str:
    """Where `docker` itself would look."""
    return environment.get("DOCKER_HOST") or f"unix://{USUAL_SOCKET}"

"""COMMAND checks: a command inside a running container."""

from milepost.local.runtimes.docker.answers import Made, Ran
from milepost.local.runtimes.docker.api import EngineApi


async def run_inside(api: EngineApi, name: str, command: str) -> int:
    """The exit status of `command`, run by the container's own shell. Raises EngineError and EngineGone."""
    body = {"Cmd": ["/bin/sh", "-c", command], "AttachStdout": True, "AttachStderr": True}
    run = f"/exec/{(await api.ask(f'/containers/{name}/exec', Made, body, method='POST')).id}"
    async with api.stream("POST", f"{run}/start", {"Detach": False, "Tty": False}) as pieces:
        async for _ in pieces:
            pass  # its output ends when it does
    return (await api.ask(f"{run}/json", Ran)).exit_code

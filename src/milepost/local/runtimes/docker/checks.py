"""COMMAND checks: a command inside a running container."""

from milepost.local.runtimes.docker.api import EngineApi


async def run_inside(api: EngineApi, name: str, command: str) -> int:
    """The exit status of `command`, run by the container's own shell. Raises EngineError and EngineGone."""
    body = {"Cmd": ["/bin/sh", "-c", command], "AttachStdout": True, "AttachStderr": True}
    run = f"/exec/{(await api.call('POST', f'/containers/{name}/exec', body))['Id']}"
    async with api.stream("POST", f"{run}/start", {"Detach": False, "Tty": False}) as pieces:
        async for _ in pieces:
            pass  # its output ends when it does
    return int((await api.call("GET", f"{run}/json"))["ExitCode"])

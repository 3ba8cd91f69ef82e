"""A Docker engine for tests: its HTTP API on a unix socket, containers that are entries in a dictionary."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import anyio
import msgspec
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route
from uvicorn.protocols.http.h11_impl import H11Protocol


@dataclass
class FakeContainer:
    """`end(status)` ends it by itself."""

    name: str
    body: dict[str, Any]
    state: str = "created"
    status: int = 0
    is_out_of_memory: bool = False
    output: list[tuple[int, bytes]] = field(default_factory=list)
    ended: anyio.Event = field(default_factory=anyio.Event)

    def end(self, status: int) -> None:
        self.state, self.status = "exited", status
        self.ended.set()


def frame(stream: int, data: bytes) -> bytes:
    return bytes((stream, 0, 0, 0)) + len(data).to_bytes(4) + data


@dataclass
class FakeEngine:
    """`pulls` are the lines with which it answers the pull of an image, `refusals` (status, message) of the calls whose
    path ends so, `nonsense` what it answers to others."""

    socket: str
    versions: tuple[str, str] = ("1.41", "1.12")
    images: set[str] = field(default_factory=lambda: {"web:1"})
    pulls: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    pull_goes_on: anyio.Event = field(default_factory=anyio.Event)
    pull_headers: dict[str, str] = field(default_factory=dict)
    refusals: dict[str, tuple[int, str]] = field(default_factory=dict)
    nonsense: dict[str, bytes] = field(default_factory=dict)
    containers: dict[str, FakeContainer] = field(default_factory=dict)
    commands: dict[str, int] = field(default_factory=dict)  # the exit status of each command run inside
    calls: list[str] = field(default_factory=list)
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    def only(self) -> FakeContainer:
        (container,) = self.containers.values()
        return container

    @asynccontextmanager
    async def answering(self) -> AsyncIterator["FakeEngine"]:
        """It answers inside the block; afterwards every call that waits is cut off, as when it dies."""
        await anyio.Path(self.socket).unlink(missing_ok=True)
        is_dead = anyio.Event()

        class Mortal(H11Protocol):
            def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
                super().connection_made(transport)
                if is_dead.is_set():  # it was taken, but nobody had heard of it yet
                    transport.abort()

        config = uvicorn.Config(
            self._app(), uds=self.socket, http=Mortal, lifespan="off", log_config=None, access_log=False, ws="none"
        )
        config.load()
        server = uvicorn.Server(config)
        server.lifespan = config.lifespan_class(config)
        await server.startup()
        try:
            yield self
        finally:
            is_dead.set()
            for listener in server.servers:
                listener.close()
            while server.server_state.connections or server.server_state.tasks:  # also those that just came in
                for connection in list(server.server_state.connections):
                    connection.transport.abort()
                for task in list(server.server_state.tasks):
                    task.cancel()
                await anyio.sleep(0.001)
        await anyio.Path(self.socket).unlink(missing_ok=True)

    def _app(self) -> Starlette:
        container = "/{v}/containers/{name}"
        routes: list[tuple[str, str, Callable[[Request], Any]]] = [
            ("GET", "/version", self._version),
            ("GET", "/{v}/info", self._info),
            ("GET", "/{v}/images/{image:path}/json", self._image),
            ("POST", "/{v}/images/create", self._pull),
            ("GET", "/{v}/containers/json", self._list),
            ("POST", "/{v}/containers/create", self._create),
            ("POST", f"{container}/start", self._start),
            ("POST", f"{container}/wait", self._wait),
            ("POST", f"{container}/stop", self._stop),
            ("POST", f"{container}/kill", self._kill),
            ("GET", f"{container}/logs", self._logs),
            ("GET", f"{container}/json", self._inspect),
            ("DELETE", container, self._remove),
            ("POST", f"{container}/exec", self._exec),
            ("POST", "/{v}/exec/{id}/start", self._exec_start),
            ("GET", "/{v}/exec/{id}/json", self._exec_end),
        ]
        return Starlette(routes=[Route(path, self._asked(answer), methods=[how]) for how, path, answer in routes])

    def _asked(self, answer: Callable[[Request], Any]) -> Callable[[Request], Any]:
        async def asked(request: Request) -> Response:
            self.calls.append(f"{request.method} {request.url.path}")
            refusal = next((self.refusals[end] for end in self.refusals if request.url.path.endswith(end)), None)
            if refusal:
                return JSONResponse({"message": refusal[1]}, refusal[0])
            nonsense = next((self.nonsense[end] for end in self.nonsense if request.url.path.endswith(end)), None)
            if nonsense is not None:
                return Response(nonsense)
            name = request.path_params.get("name")
            if name is not None and name not in self.containers:
                return JSONResponse({"message": f"No such container: {name}"}, 404)
            response: Response = await answer(request)
            return response

        return asked

    async def _version(self, _: Request) -> Response:
        latest, oldest = self.versions
        return JSONResponse({"Version": "20.10.24", "ApiVersion": latest, "MinAPIVersion": oldest})

    async def _info(self, _: Request) -> Response:
        return JSONResponse({"IndexServerAddress": "https://index.example/v1/"})

    async def _image(self, request: Request) -> Response:
        image = request.path_params["image"]
        return JSONResponse({"Id": image}) if image in self.images else JSONResponse({"message": "No such image"}, 404)

    async def _pull(self, request: Request) -> Response:
        name, tag = request.query_params["fromImage"], request.query_params["tag"]
        image = f"{name}:{tag}"
        self.pull_headers = dict(request.headers)
        if image not in self.pulls:
            return JSONResponse({"message": f"pull access denied for {name}"}, 404)

        async def lines() -> AsyncIterator[bytes]:
            for line in self.pulls[image]:
                if line.get("waits"):
                    await self.pull_goes_on.wait()
                else:
                    yield msgspec.json.encode(line) + b"\r\n"
            self.images.add(image)

        return StreamingResponse(lines())

    async def _list(self, _: Request) -> Response:
        found = self.containers.values()
        return JSONResponse([{"Id": c.name, "State": c.state, "Labels": c.body.get("Labels", {})} for c in found])

    async def _create(self, request: Request) -> Response:
        name = request.query_params["name"]
        self.containers[name] = FakeContainer(name, await request.json())
        return JSONResponse({"Id": name, "Warnings": []}, 201)

    async def _start(self, request: Request) -> Response:
        self._container(request).state = "running"
        return Response(status_code=204)

    async def _wait(self, request: Request) -> Response:
        container = self._container(request)
        await container.ended.wait()
        return JSONResponse({"StatusCode": container.status})

    async def _stop(self, request: Request) -> Response:
        self._container(request).end(143)
        return Response(status_code=204)

    async def _kill(self, request: Request) -> Response:
        self._container(request).end(137)
        return Response(status_code=204)

    async def _logs(self, request: Request) -> Response:
        container = self._container(request)

        async def pieces() -> AsyncIterator[bytes]:
            await container.ended.wait()
            is_tty = container.body.get("Tty")
            for stream, data in container.output:
                whole = data if is_tty else frame(stream, data)
                yield whole[:3]  # as a network may cut it
                yield whole[3:]

        return StreamingResponse(pieces())

    async def _inspect(self, request: Request) -> Response:
        container = self._container(request)
        return JSONResponse(
            {"State": {"Status": container.state, "OOMKilled": container.is_out_of_memory, "Error": ""}}
        )

    async def _remove(self, request: Request) -> Response:
        self.containers.pop(request.path_params["name"]).end(137)
        return Response(status_code=204)

    async def _exec(self, request: Request) -> Response:
        shell, option, command = (await request.json())["Cmd"]
        assert (shell, option) == ("/bin/sh", "-c")
        return JSONResponse({"Id": command.encode().hex()}, 201)

    async def _exec_start(self, _: Request) -> Response:
        return Response(frame(1, b"said\n"))

    async def _exec_end(self, request: Request) -> Response:
        command = bytes.fromhex(request.path_params["id"]).decode()
        return JSONResponse({"ExitCode": self.commands.get(command, 127), "Running": False})

    def _container(self, request: Request) -> FakeContainer:
        return self.containers[request.path_params["name"]]

"""A small DC/OS login on a loopback port: it looks at what is signed, and gives tokens or fails as a test wants."""

import json
import subprocess
from base64 import urlsafe_b64decode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio
from anyio.abc import TaskStatus
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from milepost.sources.marathon.account import ServiceAccount
from milepost.web.server import serve_web

COOKIE = "dcos-acs-auth-cookie"


@dataclass
class FakeLogin:
    """Gives `tokens` one after the other, the last one for ever, and answers 503 while there is none."""

    folder: Path
    tokens: list[str] = field(default_factory=lambda: ["t1"])
    asked: list[dict[str, Any]] = field(default_factory=list)
    url: str = ""

    @property
    def account(self) -> ServiceAccount:
        """Whose key the login knows."""
        return ServiceAccount("milepost", f"{self.url}/acs/api/v1/auth/login", self._key.read_text())

    @property
    def _key(self) -> Path:
        key = self.folder / "account.pem"
        if not key.exists():
            command = ["openssl", "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", str(key)]
            subprocess.run(command, check=True, capture_output=True)
        return key

    async def answer(self, request: Request) -> Response:
        body = await request.json()
        self.asked.append(body)
        if not self.tokens:
            return Response(status_code=503)
        if not await anyio.to_thread.run_sync(self._is_signed, body["token"]):
            return Response(status_code=401)
        answer = JSONResponse({})
        answer.set_cookie(COOKIE, self.tokens.pop(0) if len(self.tokens) > 1 else self.tokens[0])
        return answer

    def claims(self, number: int) -> Any:
        """What the signed token of that login said of itself."""
        return json.loads(_decoded(self.asked[number]["token"].split(".")[1]))

    def _is_signed(self, token: str) -> bool:
        """By the account's key, as OpenSSL sees it."""
        text, _, signature = token.rpartition(".")
        public, signed = self.folder / "public.pem", self.folder / "signature"
        subprocess.run(["openssl", "pkey", "-in", self._key, "-pubout", "-out", public], check=True)
        signed.write_bytes(_decoded(signature))
        command = ["openssl", "dgst", "-sha256", "-verify", str(public), "-signature", str(signed)]
        return subprocess.run(command, input=text.encode(), capture_output=True, check=False).returncode == 0


@asynccontextmanager
async def fake_login(folder: Path) -> AsyncIterator[FakeLogin]:
    login = FakeLogin(folder)
    app = Starlette(routes=[Route("/acs/api/v1/auth/login", login.answer, methods=["POST"])])

    async def serve(*, task_status: TaskStatus[str]) -> None:
        await serve_web(app, "127.0.0.1", 0, lambda host, port: task_status.started(f"http://{host}:{port}"))

    async with anyio.create_task_group() as tasks:
        login.url = await tasks.start(serve)
        yield login
        tasks.cancel_scope.cancel()


def _decoded(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))

"""Carrying out a startup under folders of the test's own: files, a certificate, Vault, a command that is kept up."""

import json
import os
import signal
import ssl
import subprocess
import sys
from functools import partial
from pathlib import Path

import anyio
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from milepost.compat.container.entry import ask_vault, make_certificate, prepare, run
from milepost.compat.container.startup import Folders, Vault, read_startup
from milepost.errors import MilepostError, SettingsError
from support.serving import served
from support.waiting import until


@pytest.fixture
def folders(tmp_path: Path) -> Folders:
    return Folders(tmp_path / "ssl", tmp_path / "work")


def test_a_certificate_that_signs_itself_is_made_once(folders: Folders) -> None:
    startup = read_startup(["sse", "--group", "x"], {}, folders)
    prepare(startup, folders)
    made = (folders.certificates / "cert.pem").read_text()
    assert made.index("BEGIN CERTIFICATE") < made.index("PRIVATE KEY")
    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(folders.certificates / "cert.pem")
    prepare(startup, folders)
    assert (folders.certificates / "cert.pem").read_text() == made
    assert [path.name for path in folders.certificates.iterdir()] == ["cert.pem"]


def test_a_certificate_that_cannot_be_made_is_told_with_what_to_give(tmp_path: Path) -> None:
    with pytest.raises(MilepostError, match="give one with HAPROXY_SSL_CERT"):
        make_certificate(tmp_path / "nowhere" / "cert.pem")


def test_files_are_ours_alone_and_templates_are_copied(folders: Folders, tmp_path: Path) -> None:
    templates = tmp_path / "sandbox" / "templates"
    templates.mkdir(parents=True)
    (templates / "HAPROXY_HEAD").write_text("global\n")
    environ = {
        "HAPROXY_SSL_CERT": "A",
        "MARATHON_USER": "u",
        "MARATHON_PASSWORD": "p",
        "MESOS_SANDBOX": str(tmp_path / "sandbox"),
    }
    prepare(read_startup(["sse", "--group", "x"], environ, folders), folders)
    assert (folders.work / "templates" / "HAPROXY_HEAD").read_text() == "global\n"
    for path, text in ((folders.certificates / "cert.pem", "A\n"), (folders.credentials, "u:p\n")):
        assert (path.read_text(), path.stat().st_mode & 0o777) == (text, 0o600)


def test_kernel_parameters_that_fail_stop_the_start_unless_told_otherwise(
    folders: Folders, caplog: pytest.LogCaptureFixture
) -> None:
    environ = {"HAPROXY_SYSCTL_PARAMS": "milepost.no_such=1", "HAPROXY_SSL_CERT": "A"}
    with pytest.raises(SettingsError, match=r"HAPROXY_SYSCTL_PARAMS: sysctl -w milepost\.no_such=1 failed"):
        prepare(read_startup(["sse"], environ, folders), folders)
    prepare(read_startup(["sse"], {**environ, "HAPROXY_SYSCTL_NONSTRICT": "1"}, folders), folders)
    assert "milepost.no_such=1 failed" in caplog.text


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (Response(status_code=403), "403"),
        (JSONResponse({"data": {"user": "u"}}), "no data.user and data.pass"),
        (Response("<html>"), "no data.user and data.pass"),
    ],
)
def test_a_vault_that_does_not_tell_is_an_error_without_the_token(answer: Response, words: str) -> None:
    app = Starlette(routes=[Route("/lb", lambda _: answer)])
    with served(app) as address, pytest.raises(MilepostError, match=words) as failure:
        ask_vault(Vault(f"http://{address}/lb", "t0ken"))
    assert "t0ken" not in str(failure.value)


def test_vault_gives_the_credentials_to_whoever_shows_the_token(folders: Folders) -> None:
    def answer(request: Request) -> Response:
        assert request.headers["x-vault-token"] == "t0ken"
        return JSONResponse({"data": {"user": "u", "pass": "p:q"}})

    with served(Starlette(routes=[Route("/lb", answer)])) as address:
        environ = {"VAULT_TOKEN": "t0ken", "VAULT_URL": f"http://{address}/lb", "HAPROXY_SSL_CERT": "A"}
        prepare(read_startup(["poll"], environ, folders), folders)
    assert folders.credentials.read_text() == "u:p:q\n"


WRITES = """
import json, os, signal, sys, time
def note(word): open(os.environ["NOTES"], "a").write(json.dumps([word, *sys.argv[1:]]) + "\\n")
signal.signal(signal.SIGHUP, lambda *_: note("HUP"))
signal.signal(signal.SIGTERM, lambda *_: (note("TERM"), sys.exit(0)))
note("run")
if sys.argv[1] == "status": sys.exit(int(os.environ["STATUS"]))
time.sleep(60)
"""


def notes(path: Path) -> list[list[str]]:
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


async def kept_up(folders: Folders, mode: str, script: Path, what: str, **environ: str) -> int:
    """`run` with a command that writes down what happens to it."""
    startup = read_startup([mode], {**os.environ, "HAPROXY_SSL_CERT": "A", **environ}, folders)
    await anyio.to_thread.run_sync(prepare, startup, folders)
    command = [sys.executable, str(script)]
    return await run(startup, folders, [*command, what], [*command, "status"])


@pytest.fixture
def script(tmp_path: Path) -> Path:
    path = tmp_path / "command.py"
    path.write_text(WRITES)
    return path


@pytest.mark.anyio
@pytest.mark.system
async def test_signals_are_passed_on_and_the_end_of_the_command_is_followed_by_haproxys(
    folders: Folders, script: Path, tmp_path: Path
) -> None:
    seen = tmp_path / "notes"
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(partial(kept_up, folders, "sse", script, "stay", NOTES=str(seen), STATUS="0"))
        await until(lambda: len(notes(seen)) == 1)
        os.kill(os.getpid(), signal.SIGHUP)
        await until(lambda: len(notes(seen)) == 2)
        os.kill(os.getpid(), signal.SIGTERM)
    assert [note[:2] for note in notes(seen)] == [["run", "stay"], ["HUP", "stay"], ["TERM", "stay"], ["run", "status"]]
    assert "--sse" in notes(seen)[0]


@pytest.mark.anyio
@pytest.mark.system
async def test_a_pass_is_repeated_until_the_end_is_asked_for(folders: Folders, script: Path, tmp_path: Path) -> None:
    seen = tmp_path / "notes"
    async with anyio.create_task_group() as tasks:
        asked = {"NOTES": str(seen), "STATUS": "1", "POLL_INTERVAL": "0.01"}
        tasks.start_soon(partial(kept_up, folders, "poll", script, "status", **asked))
        await until(lambda: len(notes(seen)) >= 3)
        os.kill(os.getpid(), signal.SIGTERM)


@pytest.mark.anyio
@pytest.mark.system
async def test_a_usage_error_is_not_tried_again(folders: Folders, script: Path, tmp_path: Path) -> None:
    seen = tmp_path / "notes"
    assert await kept_up(folders, "sse", script, "status", NOTES=str(seen), STATUS="2") == 2
    assert len(notes(seen)) == 2


@pytest.mark.system
def test_the_command_says_what_it_wants() -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "milepost", "marathon-lb-entry", "serve"], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 2
    assert "expected sse or poll" in ran.stderr

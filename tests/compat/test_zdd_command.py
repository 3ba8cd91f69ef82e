"""The tool as pipelines know it: its flags, what it prints, and its exit status for each way to fail."""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from milepost.compat.zdd.arguments import read_arguments
from milepost.compat.zdd.colours import Pair
from milepost.compat.zdd.command import run
from milepost.compat.zdd.errors import ZddError
from milepost.compat.zdd.operator import Terminal
from support.serving import served
from support.two_colours import DEFINITION, World, with_blue

pytestmark = pytest.mark.system

METHODS = ["GET", "POST", "PUT", "DELETE"]


class Marathon:
    """Answers from a world of two colours. `refuses`: the method that is answered with 409."""

    def __init__(self, world: World, refuses: str = "") -> None:
        self.world, self.refuses = world, refuses
        self.heads: list[str] = []

    async def answer(self, request: Request) -> Response:
        self.heads.append(request.headers.get("authorization", ""))
        if request.method == self.refuses:
            return JSONResponse({"message": "App is locked"}, 409)
        if request.method == "POST":
            self.world.create(await request.json())
            return JSONResponse({}, 201)
        apps = [{**colour.document} for colour in self.world.apps()]
        path = request.path_params["path"]
        found = next((app for app in apps if app["id"] == f"/{path.removeprefix('v2/apps/')}"), None)
        return JSONResponse({"app": found} if found else {"apps": apps})


@contextmanager
def marathon(world: World | None = None, refuses: str = "") -> Iterator[tuple[str, Marathon]]:
    made = Marathon(world or World(), refuses)
    with served(Starlette(routes=[Route("/{path:path}", made.answer, methods=METHODS)])) as address:
        yield f"http://{address}", made


@pytest.fixture
def definition(tmp_path: Path) -> Path:
    path = tmp_path / "app.json"
    path.write_text(json.dumps(DEFINITION))
    return path


Zdd = Callable[..., int]


@pytest.fixture
def zdd(definition: Path) -> Zdd:
    """One run at a Marathon, with a balancer that nobody runs."""

    def call(url: str, *flags: str, path: Path = definition) -> int:
        return run(["-m", url, "-l", "http://127.0.0.1:1", "-j", str(path), "-s", "0", *flags], "zdd")

    return call


def test_a_first_deployment_is_shown_and_created(zdd: Zdd, capsys: pytest.CaptureFixture[str]) -> None:
    with marathon() as (url, made):
        assert zdd(url, "-f") == 0
        assert made.world.calls == ["create /nginx-blue with 4"]
    printed = capsys.readouterr().out
    assert printed.startswith('{\n  "container"')
    assert json.loads(printed)["id"] == "/nginx-blue"


def test_a_dry_run_prints_and_changes_nothing(zdd: Zdd) -> None:
    with marathon() as (url, made):
        assert zdd(url, "--dry-run") == 0
        assert made.world.calls == []


@pytest.mark.parametrize(("answer", "status"), [("\n", 0), ("Y\n", 0), ("what\nyes\n", 0), ("n\n", 1), ("", 1)])
def test_a_question_is_answered_with_yes_unless_with_no(
    zdd: Zdd, answer: str, status: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", StringIO(answer))
    with marathon() as (url, _):
        assert zdd(url) == status
    assert ("declined: nothing more is done" in capsys.readouterr().err) == (status == 1)


def test_each_way_to_fail_has_its_status(zdd: Zdd, tmp_path: Path) -> None:
    lacking = tmp_path / "lacking.json"
    lacking.write_text("{}")
    with marathon() as (url, _):
        assert zdd(url, "-f", path=tmp_path / "none.json") == 2
        assert zdd(url, "-f", "-c") == 3
        assert zdd(url, "-f", path=lacking) == 4
    with marathon(with_blue()) as (url, made):
        assert zdd(url, "-f") == 5
        assert made.world.now == {"/nginx-blue": 4, "/nginx-green": 1}
    assert zdd("http://127.0.0.1:1", "-f") == 6
    with marathon(refuses="POST") as (url, _):
        assert zdd(url, "-f") == 7


def test_the_second_url_is_asked_where_nobody_is_at_the_first(zdd: Zdd) -> None:
    with marathon() as (url, _):
        assert zdd(f"http://127.0.0.1:1,{url}", "-d") == 0


def test_a_standby_leads_to_the_leader_which_is_given_the_credentials(zdd: Zdd) -> None:
    with marathon() as (leader, made):

        async def redirect(request: Request) -> Response:
            return RedirectResponse(f"{leader}{request.url.path}", 307)

        with served(Starlette(routes=[Route("/{path:path}", redirect, methods=METHODS)])) as standby:
            assert zdd(f"http://{standby}", "-f", "--auth-credentials", "joe:cret") == 0
        assert made.world.calls == ["create /nginx-blue with 4"]
        assert set(made.heads) == {"Basic am9lOmNyZXQ="}


def test_credentials_are_sent_and_never_told(zdd: Zdd, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    secret = tmp_path / "secret"
    secret.write_text("joe:s3:cret\n")
    with marathon(refuses="GET") as (url, made):
        assert zdd(url, "--marathon-auth-credential-file", str(secret)) == 6
        assert made.heads == ["Basic am9lOnMzOmNyZXQ="]
    assert "s3:cret" not in "".join(capsys.readouterr())


def read(*words: str) -> Any:
    return read_arguments(["-m", "http://m", "-l", "lb:9090", "-j", "a.json", *words], "zdd", {})


def test_flags_mean_what_they_meant() -> None:
    found = read("-i", "2", "--linear", "3", "-w", "60", "-n", "1", "-r", "-f", "--pre-kill-hook", "/bin/true")
    assert (found.pace.initial_instances, found.pace.linear_increase, found.pace.max_wait_s) == (2, 3, 60)
    assert (found.pace.new_instances, found.wish.resume, found.force) == (1, True, True)
    assert (found.marathon, found.marathon_lb) == (("http://m",), "http://lb:9090")
    assert (read().pace.step_delay_s, read().pace.initial_instances, read().pace.max_wait_s) == (5, 1, 300)


@pytest.mark.parametrize("words", [("-n", "-1"), ("-i", "x"), ("--log-level", "LOUD"), ("--unknown",)])
def test_a_usage_error_exits_with_2(words: tuple[str, ...]) -> None:
    with pytest.raises(SystemExit) as raised:
        read(*words)
    assert raised.value.code == 2


def test_the_long_help_needs_no_other_flag(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--longhelp"], "zdd") == 0
    assert "Exit status" in capsys.readouterr().out


def test_a_hook_gets_both_apps_and_the_tasks_and_may_stop_it(tmp_path: Path) -> None:
    hook, got = tmp_path / "hook", tmp_path / "got"
    world = with_blue()
    both = Pair(world.app("/nginx-blue"), world.app("/nginx-blue"), is_hybrid=False)
    hook.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" > {got}\n')
    hook.chmod(0o700)
    Terminal(print, hook=hook).before_kill(both, ["nginx-blue.1"])
    old, tasks, new = map(json.loads, got.read_text().splitlines())
    assert (old["id"], tasks, new["id"]) == ("/nginx-blue", ["nginx-blue.1"], "/nginx-blue")
    hook.write_text("#!/bin/sh\nexit 3\n")
    with pytest.raises(ZddError, match="status 3"):
        Terminal(print, hook=hook).before_kill(both, ["nginx-blue.1"])
    with pytest.raises(ZddError, match="cannot be run"):
        Terminal(print, hook=tmp_path / "none").before_kill(both, ["nginx-blue.1"])

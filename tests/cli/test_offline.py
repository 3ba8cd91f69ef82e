"""Every stage works without a running milepost: from a file of apps, or from a Marathon that is read once."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from milepost.cli import main
from support.serving import served
from support.shared import ROOT, SHARED, needs_shared

WEB = {
    "id": "/web",
    "instances": 2,
    "labels": {"HAPROXY_GROUP": "external", "HAPROXY_0_VHOST": "web.example"},
    "ports": [10000],
    "tasks": [
        {"id": "web.1", "appId": "/web", "host": "192.0.2.1", "ports": [31001], "state": "TASK_RUNNING"},
        {"id": "web.2", "appId": "/web", "host": "192.0.2.2", "ports": [31002], "state": "TASK_RUNNING"},
    ],
}
INNER = {"id": "/inner", "instances": 0, "labels": {}, "ports": [10001], "tasks": []}
WRONG: dict[str, Any] = {**WEB, "id": "/wrong", "ports": [10002], "tasks": []}
WRONG["labels"] = {"HAPROXY_GROUP": "external", "HAPROXY_0_PORT": "ten"}


@pytest.fixture
def apps(tmp_path: Path) -> Path:
    path = tmp_path / "apps.json"
    path.write_text(json.dumps({"apps": [WEB, INNER]}))
    return path


@pytest.fixture
def state(tmp_path: Path) -> tuple[str, ...]:
    """Options that keep a call away from whatever runs on this machine."""
    return ("--state-dir", str(tmp_path))


def call(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments], catch_exceptions=False)


def test_snapshot_shows_the_file_s_apps(apps: Path) -> None:
    result = call("snapshot", "--apps", apps)
    assert result.exit_code == 0
    assert "192.0.2.1:31001" in result.stdout
    assert "/inner" in result.stdout


@pytest.mark.parametrize("password", ["s3cret", f"$5$s3cret${'a' * 43}"])
@pytest.mark.parametrize("command", [("snapshot",), ("explain", "/web"), ("lint",)])
def test_no_command_shows_a_password(tmp_path: Path, command: tuple[str, ...], password: str) -> None:
    apps = tmp_path / "secret.json"
    labels = {"HAPROXY_GROUP": "external", "HAPROXY_0_AUTH": f"realm:joe:{password}", "HAPROXY_0_WEB": ""}
    apps.write_text(json.dumps({"apps": [{**WEB, "labels": labels}]}))
    for options in ((), ("--json",)):
        shown = call(*command, "--apps", apps, *options).output
        assert "/web" in shown
        assert "s3cret" not in shown


@pytest.mark.parametrize("name", ["nginx1.json", "nginx2.json"])
def test_the_tutorial_s_app_definitions_can_be_looked_at_before_they_are_posted(name: str) -> None:
    apps = ROOT / "examples" / name
    assert "/nginx" in call("snapshot", "--apps", apps).stdout
    assert call("lint", "--apps", apps).exit_code == 0


def test_lint_passes_what_is_right_and_fails_what_is_wrong(apps: Path, tmp_path: Path) -> None:
    assert call("lint", "--apps", apps).exit_code == 0
    wrong = tmp_path / "wrong.json"
    wrong.write_text(json.dumps([WEB, WRONG]))
    result = call("lint", "--apps", wrong)
    assert result.exit_code == 1
    assert "/wrong: HAPROXY_0_PORT" in result.stdout
    (problem,) = json.loads(call("lint", "--apps", wrong, "--json").stdout)["problems"]
    assert problem["app_id"] == "/wrong"


def test_an_app_may_have_the_tls_port_where_the_balancer_does_no_tls(tmp_path: Path) -> None:
    apps = tmp_path / "tls.json"
    apps.write_text(json.dumps({"apps": [{**WEB, "ports": [443]}]}))
    assert call("lint", "--apps", apps).exit_code == 0
    config = tmp_path / "milepost.toml"
    config.write_text('[haproxy]\ncertificates = ["/etc/ssl/a.pem"]\n')
    refused = call("lint", "--apps", apps, "--config", config)
    assert refused.exit_code == 1
    assert "is one of the balancer's own ports" in refused.stdout


def test_explain_tells_why_an_app_is_not_taken(apps: Path) -> None:
    result = call("explain", "/inner", "--apps", apps)
    assert result.exit_code == 0
    assert "selected  no" in result.stdout
    assert "because" in result.stdout


def test_explain_follows_the_groups_of_the_call(apps: Path) -> None:
    assert "selected  yes" in call("explain", "/web", "--apps", apps).stdout
    assert "selected  no" in call("explain", "/web", "--apps", apps, "--group", "internal").stdout
    assert "selected  yes" in call("explain", "/web", "--apps", apps, "--group", "*").stdout


def test_explain_of_an_unknown_app_is_a_usage_error_that_names_the_nearest(apps: Path) -> None:
    result = call("explain", "/wbe", "--apps", apps)
    assert (result.exit_code, "did you mean /web" in result.stderr) == (2, True)


@pytest.mark.parametrize("profile", ["run", "contract"])
def test_render_writes_the_app_s_servers_in_either_profile(apps: Path, profile: str, state: tuple[str, ...]) -> None:
    text = call("render", "--apps", apps, "--profile", profile, *state).stdout
    assert "192.0.2.1:31001" in text
    assert "192.0.2.2:31002" in text
    assert text.endswith("\n")


@needs_shared
def test_the_contract_profile_writes_marathon_lb_s_text_for_the_tutorial() -> None:
    case = SHARED / "conformance" / "seed-nginx2-external"
    text = call("render", "--apps", case / "apps.json", "--profile", "contract").stdout
    assert folded(text) == folded((case / "haproxy.cfg").read_text())


def folded(text: str) -> list[str]:
    """The lines that carry meaning, with single blanks."""
    return [line for line in (" ".join(line.split()) for line in text.splitlines()) if line]


def test_render_follows_the_settings_of_the_call(apps: Path, state: tuple[str, ...]) -> None:
    text = call("render", "--apps", apps, "--haproxy-stats-port", 9999, "--haproxy-bind", "192.0.2.9", *state).stdout
    assert "192.0.2.9:9999" in text


def test_diff_against_the_file_that_render_wrote_finds_nothing(
    apps: Path, tmp_path: Path, state: tuple[str, ...]
) -> None:
    file = tmp_path / "haproxy.cfg"
    file.write_text(call("render", "--apps", apps, *state).stdout)
    result = call("diff", "--apps", apps, "--against", file, *state)
    assert (result.exit_code, result.stdout) == (0, "")


def test_diff_names_the_server_that_would_come_and_the_reload_that_would_be_needed(
    apps: Path, tmp_path: Path, state: tuple[str, ...]
) -> None:
    file, fewer = tmp_path / "haproxy.cfg", tmp_path / "fewer.json"
    fewer.write_text(json.dumps([{**WEB, "tasks": WEB["tasks"][:1]}, INNER]))  # type: ignore[index]  # a list, above
    file.write_text(call("render", "--apps", fewer, *state).stdout)
    live = call("diff", "--apps", apps, "--against", file, *state)
    assert live.exit_code == 1
    assert "192.0.2.2:31002" in live.stdout
    assert "reload" not in live.stdout
    reload = call("diff", "--apps", apps, "--against", file, "--haproxy-stats-port", "0", *state)
    assert (reload.exit_code, "reload" in reload.stdout) == (1, True)


def test_diff_against_a_haproxy_that_does_not_run_says_so(apps: Path, state: tuple[str, ...]) -> None:
    result = call("diff", "--apps", apps, *state)
    assert result.exit_code == 4
    assert result.stderr.startswith("milepost: ")


def test_the_services_of_the_settings_are_shown_and_explained_beside_a_file_s_apps(apps: Path, tmp_path: Path) -> None:
    config = tmp_path / "milepost.toml"
    config.write_text(
        "[[sources.static]]\nid = 'db'\naddresses = ['192.0.2.9:5432']\nport = 5432\n"
        "[sources.static.labels]\nHAPROXY_GROUP = 'external'\nHAPROXY_0_MODE = 'tpc'\n"
    )
    assert "static:/db" in call("snapshot", "--apps", apps, "--config", config).stdout
    assert "HAPROXY_0_MODE" in call("lint", "--apps", apps, "--config", config).stdout
    explained = call("explain", "static:db", "--apps", apps, "--config", config).stdout
    assert "seen      in static" in explained
    assert "/web" in call("explain", "web", "--apps", apps, "--config", config).stdout


def test_a_marathon_is_read_once() -> None:
    async def apps(_: Request) -> JSONResponse:
        return JSONResponse({"apps": [WEB]})

    with served(Starlette(routes=[Route("/v2/apps", apps)])) as address:
        result = call("explain", "/web", "--marathon", f"http://{address}")
    assert "serves  " in result.stdout
    assert result.exit_code == 0


def test_a_marathon_that_does_not_answer_is_named() -> None:
    result = call("snapshot", "--marathon", "http://127.0.0.1:1")
    assert (result.exit_code, "127.0.0.1:1" in result.stderr) == (5, True)

"""`milepost migrate marathon-lb` as one types it: what it prints, and the status it ends with."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from milepost.cli import main
from milepost.compat.marathon_lb.old_file import file_differences

LABELS = {"HAPROXY_GROUP": "external", "HAPROXY_0_VHOST": "web.example"}
APP = {
    "id": "/web",
    "labels": LABELS,
    "ports": [10_000],
    "tasks": [{"id": "web.1", "host": "10.0.0.1", "ports": [31_000]}],
}
FLAGS = ("--group", "external")


@pytest.fixture
def answer(tmp_path: Path) -> Path:
    path = tmp_path / "apps.json"
    path.write_text(json.dumps({"apps": [APP]}))
    return path


def migrated(*words: str) -> Result:
    return CliRunner().invoke(main, ["migrate", "marathon-lb", *words])


def test_nothing_differs_is_said_and_is_success(answer: Path) -> None:
    result = migrated("--apps", str(answer), "--", *FLAGS)
    assert (result.exit_code, result.output) == (0, "nothing differs\n")


def test_each_difference_names_app_label_and_reason_and_is_status_1(answer: Path) -> None:
    answer.write_text(json.dumps({"apps": [{**APP, "labels": {**LABELS, "HAPROXY_0_MODE": "tcp"}}]}))
    result = migrated("--apps", str(answer), "--json", "--", *FLAGS)
    assert result.exit_code == 1
    (one,) = json.loads(result.output)["differences"]
    assert (one["app_id"], one["label"], one["feature"]) == ("/web", "HAPROXY_0_VHOST", "host web.example")
    assert "needs mode http" in one["reason"]


def test_apps_that_would_need_more_trust_are_listed(answer: Path) -> None:
    text = "  http-request use-service lua.any\n"
    answer.write_text(json.dumps({"apps": [{**APP, "labels": {**LABELS, "HAPROXY_0_BACKEND_HTTP_OPTIONS": text}}]}))
    result = migrated("--apps", str(answer), "--json", "--", *FLAGS)
    assert (result.exit_code, json.loads(result.stdout)["need_trust"]) == (1, ["/web"])


def test_flags_that_marathon_lb_would_refuse_are_a_usage_error(answer: Path) -> None:
    assert migrated("--apps", str(answer), "--", "--no-such-flag").exit_code == 2


def test_what_an_old_file_has_of_its_own_is_told(answer: Path, tmp_path: Path) -> None:
    old = tmp_path / "haproxy.cfg"
    old.write_text("frontend by_hand\n  bind *:7000\n")
    result = migrated("--apps", str(answer), "--old-config", str(old), "--", *FLAGS)
    assert result.exit_code == 1
    assert "section frontend by_hand" in result.output


def test_lines_are_compared_within_their_sections() -> None:
    rules = "backend web_10000\n  balance roundrobin\n  mode http\n"
    old = "# made by hand\nbackend   web_10000\n\n  mode  http\n  balance leastconn\n"
    found = file_differences(old, rules, {"web_10000": "/web"})
    assert [(one.app_id, one.feature, one.old, one.new) for one in found] == [
        ("/web", "line of backend web_10000", "balance leastconn", ""),
        ("/web", "line of backend web_10000", "", "balance roundrobin"),
    ]

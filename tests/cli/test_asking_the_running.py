"""Commands that ask the running milepost, over its real HTTP API on loopback."""

import json
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from milepost.cli import main
from milepost.controller.board import Board, Reload
from milepost.controller.guard import Holding
from milepost.model.snapshot import Share
from milepost.proxies.base import Plan
from support import scene
from support.serving import serving

pytestmark = pytest.mark.system


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    board = scene.board()
    board.desired, board.actual = "backend b\n", {"shop_web_10000": {"192.0.2.1:31000": "serving"}}
    board.plan = Plan(live=(scene.Drain(),), structure=("new app /x",))
    board.last_reload, board.reloads = Reload(1001.0, 0.25, ("new app /shop/web",)), 1
    with serving(board) as found:
        yield found


def call(address: str, *arguments: str) -> Result:
    return CliRunner().invoke(main, [*arguments, "--web-listen", address], catch_exceptions=False)


def test_status_shows_versions_counts_and_the_last_reload(address: str) -> None:
    result = call(address, "status")
    assert result.exit_code == 0
    for words in ("haproxy 2.6.12", "2 with 3 tasks", "1 error, 1 warning", "in 250 ms: new app /shop/web", "digest"):
        assert words in result.stdout


def test_status_for_programs_is_the_api_s_answer(address: str) -> None:
    assert json.loads(call(address, "status", "--json").stdout)["proxy"]["reloads"] == 1


def test_lint_shows_problems_and_says_so_by_its_status(address: str) -> None:
    result = call(address, "lint")
    assert result.exit_code == 1
    assert "error /shop/web: HAPROXY_0_MODE: expected http" in result.stdout
    assert result.stderr == "1 error, 1 warning\n"


def test_snapshot_lists_tasks_with_their_addresses(address: str) -> None:
    result = call(address, "snapshot")
    assert "192.0.2.1:31000,31001" in result.stdout
    assert "/shop/db" in result.stdout
    assert set(json.loads(call(address, "snapshot", "--json").stdout)["apps"]) == {"/shop/web", "/shop/db"}


def test_explain_tells_the_state_in_the_live_proxy(address: str) -> None:
    result = call(address, "explain", "shop/web")
    assert result.exit_code == 0
    assert "serves  shop_web_10000 at 192.0.2.1:31000: serving" in result.stdout
    assert "because Marathon reports it not alive" in result.stdout


def test_explain_of_an_unknown_app_names_the_nearest(address: str) -> None:
    result = call(address, "explain", "/shop/wbe")
    assert result.exit_code == 2
    assert "did you mean /shop/web" in result.stderr


def test_render_prints_the_configuration_and_nothing_else(address: str) -> None:
    assert call(address, "render").stdout == "backend b\n"


def test_diff_tells_what_is_still_to_do_and_says_so_by_its_status(address: str) -> None:
    result = call(address, "diff")
    assert result.exit_code == 1
    assert result.stdout == "reload  new app /x\nlive    drain shop_web_10000/s1  (task killed)\n"


def test_diff_compares_what_the_running_milepost_decided_with_a_file(address: str, tmp_path: Path) -> None:
    file = tmp_path / "haproxy.cfg"
    file.write_text("global\n  description milepost 0123456789abcdef\nbackend shop_web_10000\n")
    result = call(address, "diff", "--against", str(file), "--state-dir", str(tmp_path))
    assert result.exit_code == 1
    assert result.stdout.startswith("reload  ")


def test_diff_names_a_file_that_is_not_there(address: str) -> None:
    result = call(address, "diff", "--against", "/nowhere.cfg")
    assert (result.exit_code, result.stderr) == (
        3,
        "milepost: /nowhere.cfg cannot be read: No such file or directory\n",
    )


def test_diff_says_by_its_status_that_nothing_is_to_do() -> None:
    with serving(scene.board()) as address:
        result = call(address, "diff")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "nothing would change\n")


def test_a_milepost_that_has_read_nothing_yet_says_so() -> None:
    with serving(Board(started_at_s=0.0)) as address:
        assert "none has been read yet" in call(address, "status").stdout
        result = call(address, "snapshot")
    assert (result.exit_code, result.stderr) == (3, "milepost: no snapshot has been read yet\n")


def test_status_says_what_the_guard_holds() -> None:
    board = scene.board()
    board.holdings["marathon"] = Holding(("/shop/web",), tasks=3, serving=4, needs_approval=False)
    with serving(board) as address:
        shown = call(address, "status").stdout
    assert "3 of 4 serving tasks would go, of /shop/web; they stay until a second read says the same" in shown


def test_status_shows_each_of_several_sources() -> None:
    board = scene.board()
    shares = (Share("marathon", "", time.time() - 90, 2), Share("static", "static:", 0.0, 1, is_lasting=True))
    board.snapshot = replace(scene.SNAPSHOT, shares=shares)
    board.sources, board.source_errors = ("marathon", "east", "static"), {"east": "refused"}
    with serving(board) as address:
        shown = call(address, "status").stdout
    assert "source       marathon: 2 apps, read in full 1 min 30 s ago" in shown
    assert "source       east: 0 apps, nothing has been read yet; refused" in shown
    assert "source       static: 1 app, as in the settings" in shown


def test_status_says_that_this_balancer_drains() -> None:
    board = scene.board()
    board.draining_since_s = time.time() - 90
    with serving(board) as address:
        shown = call(address, "status").stdout
    assert "draining     for 1 min 3" in shown


def test_to_approve_where_nothing_is_held_is_fine(address: str) -> None:
    assert call(address, "approve").stderr == "nothing is held; nothing to do\n"
    assert json.loads(call(address, "approve", "--json").stdout) == {"approved": None}


def test_status_says_that_a_saved_snapshot_is_served() -> None:
    board = scene.board()
    board.snapshot = replace(scene.SNAPSHOT, is_saved=True)
    with serving(board) as address:
        shown = call(address, "status").stdout
    assert "kept from before the start, nothing was read since: of marathon, last read in full" in shown


def test_results_can_be_piped_on_without_colour_codes(address: str) -> None:
    for command in (("status",), ("lint",), ("snapshot",), ("explain", "/shop/web"), ("diff",)):
        assert "\x1b" not in call(address, *command).output

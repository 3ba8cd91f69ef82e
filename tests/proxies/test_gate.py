"""What passes the gate, and who is kept out where HAProxy names no line."""

from pathlib import Path

import pytest

from milepost.errors import ConfigRefused
from milepost.proxies.haproxy.gate import Gate
from milepost.proxies.haproxy.proxy import Places
from support.haproxy import TinyDesigner, free_ports, table_of

pytestmark = pytest.mark.anyio

# A HAProxy that dislikes a word and does not say where: its check says so of a file that has it. Of another it ponders.
CHECK = """\
#!/bin/sh
grep -q ponder "$3" && exec sleep 60
grep -q dislike "$3" || exit 0
echo "[ALERT]    (7) : config : out of mood."
exit 1
"""


@pytest.fixture
def designer(tmp_path: Path) -> TinyDesigner:
    (tmp_path / "haproxy").write_text(CHECK)
    (tmp_path / "haproxy").chmod(0o755)
    return TinyDesigner(Places(*(tmp_path / name for name in ("h.cfg", "a.sock", "m.sock", "pid", "drain.map"))))


def gate_of(designer: TinyDesigner, check_timeout_s: float = 60.0) -> Gate:
    folder = designer.places.config.parent
    binary = folder / "haproxy"
    return Gate(designer, folder / "candidate", binary, {}, is_own=True, check_timeout_s=check_timeout_s)


async def test_an_app_that_is_refused_without_a_line_is_found_by_leaving_others_out(designer: TinyDesigner) -> None:
    apps = [f"/app{number}" for number in range(12)]
    table = table_of(*((app, port, ()) for app, port in zip(apps, free_ports(12), strict=True)))
    designer.extra = {"/app3": ("dislike",), "/app7": ("dislike",)}
    gate = gate_of(designer)
    admitted = await gate.admit(gate.desired(table), ())
    assert {problem.app_id for problem in gate.withheld.problems} == {"/app3", "/app7"}
    assert "out of mood" in gate.withheld.problems[0].message
    assert set(admitted.desired.apps.values()) == set(apps) - {"/app3", "/app7"}
    assert not designer.places.config.with_name("candidate").exists()


async def test_an_app_over_which_the_check_never_ends_is_left_out_as_a_refused_one(designer: TinyDesigner) -> None:
    one, two = free_ports(2)
    designer.extra = {"/b": ("ponder",)}
    gate = gate_of(designer, check_timeout_s=2.0)
    admitted = await gate.admit(gate.desired(table_of(("/a", one, ()), ("/b", two, ()))), ())
    (problem,) = gate.withheld.problems
    assert problem.app_id == "/b"
    assert "did not end within 2 s" in problem.message
    assert set(admitted.desired.apps.values()) == {"/a"}


async def test_a_refusal_that_is_no_apps_fault_refuses_the_whole(designer: TinyDesigner) -> None:
    (port,) = free_ports(1)
    designer.shared = ("dislike",)
    gate = gate_of(designer)
    with pytest.raises(ConfigRefused, match="out of mood"):
        await gate.admit(gate.desired(table_of(("/web", port, ()))), ())
    assert gate.withheld.problems == ()


async def test_an_app_is_tried_again_once_its_definition_changes(designer: TinyDesigner) -> None:
    one, two = free_ports(2)
    designer.extra = {"/web": ("dislike",)}
    gate = gate_of(designer)
    await gate.admit(gate.desired(table_of(("/web", one, ()))), ())
    assert gate.desired(table_of(("/web", one, (31000,)))).apps == {}
    assert set(gate.desired(table_of(("/web", two, ()))).apps.values()) == {"/web"}

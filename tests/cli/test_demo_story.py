"""What the demo shows of the configuration that milepost wrote."""

from milepost.demo.story import blocks_of
from milepost.proxies.haproxy.config import Profile
from milepost.proxies.haproxy.desired import RunDesigner
from milepost.proxies.haproxy.render import render
from milepost.routing.build import build_routing
from milepost.routing.policy import Policy
from support.apps import app, snapshot, task


def test_an_app_s_frontend_and_backend_are_found_and_no_other() -> None:
    table = build_routing(snapshot(app("/web", task(1)), app("/a/web", task(2), port=10_001)), Policy(("external",)))
    text = render(RunDesigner(Profile("/run/admin.sock", "/run/maps", max_files=20_000)).desired(table))
    assert [block.split()[:2] for block in blocks_of(text, "web_10000")] == [
        ["frontend", "web_10000"],
        ["backend", "web_10000"],
    ]

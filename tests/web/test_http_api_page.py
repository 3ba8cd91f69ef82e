"""docs/http-api.md names what there is, and nothing else."""

import re

from starlette.routing import Route

from milepost.observability.metrics import Metrics
from milepost.web.app import Commands, make_app
from support import scene
from support.shared import ROOT

PAGE = (ROOT / "docs" / "http-api.md").read_text()


def test_the_page_names_every_route_with_its_method() -> None:
    board = scene.board()
    app = make_app(board, view=None, metrics=Metrics(board), commands=Commands(lambda: None, lambda: None, None))  # type: ignore[arg-type]  # only its routes are read
    routes = {
        (method, route.path.replace("{app_id:path}", "{id}").replace("{service}", "{name}"))
        for route in app.routes
        if isinstance(route, Route)
        for method in (route.methods or set()) - {"HEAD"}
    }
    assert set(re.findall(r"^\| `(GET|POST) (\S+)`", PAGE, re.MULTILINE)) == routes


def test_the_page_names_every_metric() -> None:
    board = scene.board()
    served = re.findall(r"^# TYPE (\w+) (\w+)$", Metrics(board).exposition().decode(), re.MULTILINE)
    names = {name for name, _ in served if not name.endswith("_created")}
    assert set(re.findall(r"`(milepost_\w+)", PAGE.partition("## Metrics")[2])) == names

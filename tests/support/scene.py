"""A small cluster as values, for tests of what shows it: one app with traffic, one without, one with mistakes."""

from dataclasses import dataclass

from milepost.controller.board import Board
from milepost.model.problem import Problem, Severity
from milepost.model.routing import Auth, Check, Dropped, Endpoint, RoutingTable, Service
from milepost.model.shared_map import SharedMap
from milepost.model.snapshot import App, AppDefinition, AppPort, Snapshot, Task

WEB = App(
    AppDefinition(
        "/shop/web",
        labels={
            "HAPROXY_GROUP": "external",
            "HAPROXY_0_MODE": "htp",
            "HAPROXY_0_AUTH": "realm:joe:s3cret",
            "team": "x",
        },
        ports=(AppPort(10000, 0), AppPort(10001, 1)),
    ),
    tasks=(
        Task("web.1", "node1", "192.0.2.1", (31000, 31001), health=(True,)),
        Task("web.2", "node2", "2001:db8::2", (31002, 31003), health=(False,)),
    ),
    instances=2,
)
DB = App(AppDefinition("/shop/db", ports=(AppPort(10002, 0),)), tasks=(Task("db.1", "node1", "192.0.2.1", (31009,)),))

SNAPSHOT = Snapshot(SharedMap({"/shop/web": WEB, "/shop/db": DB}), source="marathon", read_at_s=1000.0)

PROBLEMS = (
    Problem("/shop/web", "HAPROXY_0_MODE", "expected http, tcp or health, got 'htp'"),
    Problem("/shop/web", "port 10001", "is held by /old/web", Severity.WARNING),
)

TABLE = RoutingTable(
    services=(
        Service(
            "shop_web_10000", "/shop/web", 0, 10000, "http",
            hosts=("shop.example",), path=("/a",), check=Check("http", "/", 60, 20, 4), serves_app_id=True,
            auth=Auth("realm", "joe", "s3cret"), templates={"USERLIST_HEAD": "s3cret", "FRONTEND_HEAD": "x"},
        ),
        Service("shop_web_10001", "/shop/web", 1, 10001, "tcp", listens=False),
    ),
    endpoints=SharedMap({
        "shop_web_10000": (
            Endpoint("web.1", "node1", "192.0.2.1", 31000),
            Endpoint("web.2", "node2", "2001:db8::2", 31002),
        ),
        "shop_web_10001": (Endpoint("web.1", "node1", "192.0.2.1", 31001),),
    }),
    dropped={
        "/shop/web": (Dropped("/shop/web", "web.2", 1, "Marathon reports it not alive"),),
        "/shop/db": (
            Dropped("/shop/db", "", None, "no label HAPROXY_GROUP; groups taken: external"),
            Dropped("/shop/db", "", 0, "port 10002 asks for no group"),
        ),
    },
    problems=PROBLEMS,
)  # fmt: skip


@dataclass(frozen=True)
class Drain:
    """One step of a plan."""

    app_id: str = "/shop/web"
    reason: str = "task killed"

    def describe(self) -> str:
        return "drain shop_web_10000/s1"


def board() -> Board:
    """A board after the first snapshot was routed, before it was applied."""
    return Board(started_at_s=900.0, snapshot=SNAPSHOT, table=TABLE)

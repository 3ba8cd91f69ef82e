"""The HTTP API as a client sees it, over a board that the test fills."""

import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from hashlib import sha256
from typing import Any

import httpx2
import pytest
from starlette.routing import Route

from milepost.controller.board import Board, Reload
from milepost.controller.guard import Holding
from milepost.errors import ProxyGone
from milepost.model.problem import Problem
from milepost.model.reload import ReloadKind
from milepost.observability.metrics import Metrics
from milepost.proxies.base import Plan
from milepost.proxies.haproxy.statistics import ServerStatistics
from milepost.web.app import Commands, make_app
from support import scene
from support.serving import TextView


class Site:
    """The API over a board, with the passes that were asked for counted."""

    def __init__(self, board: Board) -> None:
        self.board, self.asked = board, 0
        self.counted: Sequence[ServerStatistics] | None = None
        self.app = make_app(
            board,
            TextView(),
            Metrics(board),
            Commands(self._reconcile, self._approve, self._statistics),
            clock=lambda: 1007.5,
        )
        transport = httpx2.ASGITransport(app=self.app, raise_app_exceptions=False)
        self.client = httpx2.AsyncClient(transport=transport, base_url="http://milepost.test:9095")

    def _approve(self) -> Holding | None:
        held = self.board.holding
        self.board.holdings.clear()
        return held

    async def _statistics(self, service: str) -> Sequence[ServerStatistics]:
        if self.counted is None:
            raise ProxyGone("no HAProxy answers")
        return self.counted

    def _reconcile(self) -> None:
        self.asked += 1

    async def get(self, path: str, status: int = 200) -> Any:
        response = await self.client.get(path)
        assert response.status_code == status, response.text
        return response.json()


@pytest.fixture
async def site(anyio_backend: str) -> AsyncIterator[Site]:
    site = Site(scene.board())
    async with site.client:
        yield site


@pytest.fixture
async def empty(anyio_backend: str) -> AsyncIterator[Site]:
    site = Site(Board(started_at_s=900.0))
    async with site.client:
        yield site


pytestmark = pytest.mark.anyio
SERVICE = "shop_web_10000"
PATHS = [
    "/v1/status",
    "/v1/snapshot",
    "/v1/routing",
    "/v1/problems",
    "/v1/apps/shop/web/explain",
    f"/v1/services/{SERVICE}/servers",
    "/v1/proxies/haproxy/config",
    "/v1/proxies/haproxy/plan",
    "/v1/reconcile",
    "/v1/approve",
    "/metrics",
    "/healthz",
]


def assert_error(response: httpx2.Response, status: int) -> None:
    assert response.status_code == status
    assert response.headers["content-type"] == "application/json"
    body = response.json()
    assert set(body) == {"error"}
    assert set(body["error"]) == {"status", "message"}
    assert body["error"]["status"] == status
    assert body["error"]["message"]


def test_these_tests_know_every_route(site: Site) -> None:
    known = {
        route.path.replace("{app_id:path}", "shop/web").replace("{service}", SERVICE)
        for route in site.app.routes
        if isinstance(route, Route)
    }
    assert known == set(PATHS)


@pytest.mark.parametrize("path", PATHS)
async def test_a_wrong_method_is_answered_in_the_one_shape(site: Site, path: str) -> None:
    response = await site.client.request("DELETE", path)
    assert_error(response, 405)
    assert response.headers["allow"]


@pytest.mark.parametrize("path", [f"{path}/" for path in PATHS] + ["/", "/v2/apps", "/v1/apps/shop/web"])
async def test_an_address_that_is_not_there_is_answered_in_the_one_shape(site: Site, path: str) -> None:
    assert_error(await site.client.get(path), 404)


@pytest.mark.parametrize(
    "path",
    [
        "/v1/snapshot",
        "/v1/routing",
        "/v1/apps/a/explain",
        "/v1/services/a/servers",
        "/v1/proxies/haproxy/config",
        "/healthz",
    ],
)
async def test_what_is_not_known_yet_is_answered_in_the_one_shape(empty: Site, path: str) -> None:
    assert_error(await empty.client.get(path), 503)


async def test_a_fault_of_ours_is_answered_in_the_one_shape_and_tells_no_more_than_its_kind(site: Site) -> None:
    site.board.desired = 5  # has no length: the view fails on it
    response = await site.client.get("/v1/status")
    assert_error(response, 500)
    assert "TypeError" in response.text
    assert "has no len" not in response.text


async def test_status_tells_versions_counts_age_and_the_last_reload(site: Site) -> None:
    site.board.desired, site.board.reloads = "the text", 1
    site.board.last_reload = Reload(1001.0, 0.25, ("new app /shop/web",))
    site.board.reload_kinds.update([ReloadKind.SHARED, ReloadKind.APP])
    status = await site.get("/v1/status")
    assert status["versions"] == {"milepost": "0.1.0", "haproxy": "2.6.12", "openssl": "OpenSSL 3.0.17"}
    assert status["uptime_s"] == 107.5
    assert status["snapshot"] == {
        "source": "marathon",
        "read_at_s": 1000.0,
        "age_s": 7.5,
        "error": "",
        "is_saved": False,
    }
    assert status["counts"] == {
        "apps": 2, "tasks": 3, "services": 2, "endpoints": 3, "errors": 1, "warnings": 1,
    }  # fmt: skip
    assert status["proxy"]["structure"] == "digest of 8"
    assert status["proxy"]["digest"] == sha256(b"the text").hexdigest()[:32]
    assert status["proxy"]["reload_kinds"] == {"app": 1, "shared": 1}
    assert status["proxy"]["last_reload"] == {"at_s": 1001.0, "took_s": 0.25, "reasons": ["new app /shop/web"]}


async def test_status_answers_before_anything_was_read(empty: Site) -> None:
    status = await empty.get("/v1/status")
    assert status["snapshot"] is None
    assert status["counts"]["apps"] == 0


async def test_the_snapshot_is_shown_without_secrets(site: Site) -> None:
    snapshot = await site.get("/v1/snapshot")
    assert set(snapshot["apps"]) == {"/shop/web", "/shop/db"}
    assert "s3cret" not in json.dumps(snapshot)


async def test_routing_and_problems_show_what_was_decided(site: Site) -> None:
    routing = await site.get("/v1/routing")
    assert "s3cret" not in json.dumps(routing)
    assert [service["name"] for service in routing["services"]] == [
        "shop_web_10000",
        "shop_web_10001",
    ]
    assert [problem["subject"] for problem in (await site.get("/v1/problems"))["problems"]] == [
        "HAPROXY_0_MODE",
        "port 10001",
    ]


@pytest.mark.parametrize("app_id", ["shop/web", "/shop/web", "%2Fshop%2Fweb"])
async def test_an_app_is_explained_however_its_slashes_are_written(site: Site, app_id: str) -> None:
    site.board.actual = {"shop_web_10000": {"192.0.2.1:31000": "up"}}
    explanation = await site.get(f"/v1/apps/{app_id}/explain")
    assert explanation["app_id"] == "/shop/web"
    assert explanation["tasks"][0]["servers"][0]["state"] == "up"


async def test_what_the_proxy_refused_of_an_app_is_part_of_its_explanation(site: Site) -> None:
    site.board.refused = (Problem("/shop/web", "port 10000", "is held by another program"),)
    explanation = await site.get("/v1/apps/shop/web/explain")
    assert explanation["ports"][0]["reasons"] == ["port 10000: is held by another program"]


async def test_an_unknown_app_is_an_error_that_names_the_nearest(site: Site) -> None:
    response = await site.client.get("/v1/apps/shop/wbe/explain")
    assert_error(response, 404)
    assert "did you mean /shop/web" in response.json()["error"]["message"]


async def test_the_configuration_is_plain_text_without_passwords(site: Site) -> None:
    site.board.desired = "userlist u\n  user joe password abc\n"
    response = await site.client.get("/v1/proxies/haproxy/config")
    assert response.headers["content-type"] == "text/plain; charset=utf-8"
    assert response.text == "userlist u\n  user joe password (hidden)\n"


async def test_the_plan_tells_each_step_with_its_reason(site: Site) -> None:
    site.board.plan = Plan(live=(scene.Drain(),), structure=("new app /x",))
    assert await site.get("/v1/proxies/haproxy/plan") == {
        "live": [{"step": "drain shop_web_10000/s1", "app_id": "/shop/web", "reason": "task killed"}],
        "structure": ["new app /x"],
    }


async def test_metrics_are_served_in_prometheus_form(site: Site) -> None:
    response = await site.client.get("/metrics")
    assert response.headers["content-type"].startswith("text/plain; version=")
    assert "milepost_apps 2.0" in response.text


async def test_a_post_asks_for_a_pass(site: Site) -> None:
    response = await site.client.post("/v1/reconcile")
    assert (response.status_code, response.json(), site.asked) == (202, {"accepted": True}, 1)


async def test_reading_asks_for_nothing(site: Site) -> None:
    for path in PATHS:
        await site.client.get(path)
    assert site.asked == 0


@pytest.mark.parametrize("origin", ["http://evil.test", "http://milepost.test", "http://milepost.test:80", "null", ""])
async def test_a_page_of_another_origin_cannot_ask_for_a_pass(site: Site, origin: str) -> None:
    assert_error(await site.client.post("/v1/reconcile", headers={"Origin": origin}), 403)
    assert site.asked == 0


async def test_a_page_of_milepost_s_own_origin_can(site: Site) -> None:
    response = await site.client.post("/v1/reconcile", headers={"Origin": "http://milepost.test:9095"})
    assert (response.status_code, site.asked) == (202, 1)


async def test_health_is_good_once_a_snapshot_was_applied(site: Site) -> None:
    await site.get("/healthz", 503)
    site.board.desired = "the text"
    assert await site.get("/healthz") == {"healthy": True}


async def test_a_saved_snapshot_that_serves_is_healthy_with_a_remark(site: Site) -> None:
    site.board.snapshot = replace(scene.SNAPSHOT, is_saved=True)
    site.board.desired, site.board.last_applied_at_s = "the text", 1001.0
    assert await site.get("/healthz") == {
        "healthy": True,
        "remark": "the source is silent since the start; a saved snapshot is served, 8 s old",
    }
    assert (await site.get("/v1/status"))["snapshot"]["is_saved"]
    assert "milepost_snapshot_is_saved 1.0" in (await site.client.get("/metrics")).text


async def test_what_the_guard_holds_is_told_everywhere_until_an_operator_approves(site: Site) -> None:
    site.board.desired, site.board.last_applied_at_s = "the text", 1001.0
    site.board.holdings["marathon"] = Holding(("/shop/web", "/shop/db"), tasks=12, serving=20, needs_approval=True)
    words = "12 of 20 serving tasks would go, of 2 apps; they stay until an operator approves"
    assert await site.get("/healthz") == {"healthy": True, "remark": words}
    assert (await site.get("/v1/status"))["guard"]["tasks"] == 12
    assert "milepost_guard_held_tasks 12.0" in (await site.client.get("/metrics")).text
    response = await site.client.post("/v1/approve")
    assert (response.status_code, response.json()["approved"]["tasks"]) == (200, 12)
    assert (await site.client.post("/v1/approve")).json() == {"approved": None}
    assert await site.get("/healthz") == {"healthy": True}
    assert_error(await site.client.post("/v1/approve", headers={"Origin": "http://evil.example"}), 403)


async def test_health_waits_until_the_first_structure_runs(site: Site) -> None:
    site.board.desired, site.board.plan = "the text", Plan(structure=("first configuration",))
    assert (await site.get("/healthz", 503))["error"]["message"] == "no snapshot has been applied yet"
    site.board.last_applied_at_s = 1.0
    await site.get("/healthz")


async def test_health_says_why_it_is_not_good(site: Site) -> None:
    site.board.desired, site.board.proxy_error = "the text", "haproxy does not answer"
    assert (await site.get("/healthz", 503))["error"]["message"] == "haproxy does not answer"


async def test_a_balancer_that_drains_is_not_healthy_and_tells_since_when(site: Site) -> None:
    site.board.desired, site.board.draining_since_s = "the text", 1000.0
    assert "draining" in (await site.get("/healthz", 503))["error"]["message"]
    assert (await site.get("/v1/status"))["proxy"]["draining_since_s"] == 1000.0


async def test_a_source_that_fails_leaves_health_good_since_the_last_snapshot_serves(site: Site) -> None:
    site.board.desired, site.board.source_errors = "the text", {"marathon": "connection refused"}
    await site.get("/healthz")
    assert (await site.get("/v1/status"))["snapshot"]["error"] == "connection refused"


async def test_the_servers_of_a_service_are_told_by_their_tasks_as_the_proxy_counts_them(site: Site) -> None:
    site.board.old_workers = 1
    site.counted = (
        ServerStatistics(SERVICE, "node1_31000", "192.0.2.1:31000", "MAINT", 3, 1),
        ServerStatistics(SERVICE, "node2_31002", "[2001:db8::2]:31002", "UP", 0, 0),
        ServerStatistics(SERVICE, "node3_31003", "192.0.2.3:31003", "MAINT", 1, 0),
    )
    assert await site.get(f"/v1/services/{SERVICE}/servers") == {
        "service": SERVICE,
        "servers": [
            {"task_id": "web.1", "name": "node1_31000", "status": "MAINT", "sessions": 3, "queued": 1},
            {"task_id": "web.2", "name": "node2_31002", "status": "UP", "sessions": 0, "queued": 0},
            {"task_id": "", "name": "node3_31003", "status": "MAINT", "sessions": 1, "queued": 0},
        ],
        "old_workers": 1,
    }


async def test_servers_of_no_service_and_of_a_proxy_that_is_gone_are_errors(site: Site) -> None:
    assert_error(await site.client.get("/v1/services/nobody_1/servers"), 404)
    assert_error(await site.client.get(f"/v1/services/{SERVICE}/servers"), 503)

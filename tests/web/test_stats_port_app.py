"""What milepost answers for HAProxy's statistics port: marathon-lb's addresses, types and texts."""

from dataclasses import dataclass, field

import httpx2
import pytest

from milepost.controller.board import Board
from milepost.errors import ProxyGone
from milepost.proxies.haproxy.config import Desired, Section, Structure
from milepost.proxies.haproxy.view import HaproxyView
from milepost.web.stats_port import Asks, make_endpoints

pytestmark = pytest.mark.anyio

DESIRED = Desired(
    Structure(
        (
            Section("userlist", "u", ("user joe password $5$hash", "user ann insecure-password s3cret")),
            Section(
                "backend", "b", ("http-request set-header Authorization Basic\\ czNjcmV0", "stats auth joe:s3cret")
            ),
        ),
        "d1",
    ),
    maps={"/m/hosts.map": (("a.example", "web_80"), ("b.example", "web_80")), "/m/apps.map": (("/web", "web_80"),)},
)


@dataclass
class Site:
    """The endpoints over a board, with what was asked of milepost and a clock that the test moves."""

    board: Board = field(default_factory=lambda: Board(started_at_s=0.0, desired=DESIRED))
    asked: list[str] = field(default_factory=list)
    now_s: float = 100.0
    is_gone: bool = False

    async def pids(self) -> tuple[int, ...]:
        if self.is_gone:
            raise ProxyGone("no HAProxy master answers")
        return (11, 14, 12)

    async def get(self, path: str) -> httpx2.Response:
        async with self._client as client:
            return await client.get(path)

    async def times(self, count: int, path: str) -> list[int]:
        async with self._client as client:
            return [(await client.get(path)).status_code for _ in range(count)]

    def __post_init__(self) -> None:
        asks = Asks(lambda: self.asked.append("fetch"), lambda: self.asked.append("reload"), self.pids)
        self.app = make_endpoints(self.board, HaproxyView(None), asks, lambda: self.now_s)

    @property
    def _client(self) -> httpx2.AsyncClient:
        transport = httpx2.ASGITransport(app=self.app, raise_app_exceptions=False)
        return httpx2.AsyncClient(transport=transport, base_url="http://balancer:9090")


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/_haproxy_getvhostmap", "a.example web_80\nb.example web_80\n"),
        ("/_haproxy_getappmap", "/web web_80\n"),
        ("/_haproxy_getpids", "11 14 12\n"),
        ("/_mlb_signal/hup", "Sent SIGHUP signal to marathon-lb"),
        ("/_mlb_signal/usr1", "Sent SIGUSR1 signal to marathon-lb"),
    ],
)
async def test_the_answers_are_marathon_lbs(path: str, body: str) -> None:
    answer = await Site().get(path)
    assert (answer.status_code, answer.text) == (200, body)
    assert answer.headers["content-type"].partition(";")[0] == "text/plain"


async def test_the_configuration_is_shown_whole_but_for_its_secrets() -> None:
    answer = await Site().get("/_haproxy_getconfig")
    assert answer.status_code == 200
    assert answer.text.splitlines()[:3] == [
        "userlist u",
        "  user joe password (hidden)",
        "  user ann insecure-password (hidden)",
    ]
    assert not {"$5$hash", "s3cret", "czNjcmV0"} & set(answer.text.replace("\\", " ").split())


async def test_a_signal_reaches_this_milepost_only_once() -> None:
    site = Site()
    await site.get("/_mlb_signal/hup")
    assert site.asked == ["fetch"]
    await site.get("/_mlb_signal/usr1")
    assert site.asked == ["fetch", "reload"]


@pytest.mark.parametrize("path", ["/_haproxy_getconfig", "/_mlb_signal/hup", "/_mlb_signal/usr1"])
async def test_what_is_costly_is_answered_a_few_times_at_once_and_then_once_a_second(path: str) -> None:
    site = Site()
    assert await site.times(7, path) == [200] * 5 + [429] * 2
    site.now_s += 1.0
    assert await site.times(2, path) == [200, 429]
    assert len(site.asked) in (0, 6)


async def test_a_refusal_says_when_to_come_again() -> None:
    site = Site()
    await site.times(5, "/_mlb_signal/hup")
    answer = await site.get("/_mlb_signal/hup")
    assert (answer.headers["retry-after"], answer.text) == ("1", "/_mlb_signal/hup answers once a second")


@pytest.mark.parametrize("path", ["/_haproxy_getconfig", "/_haproxy_getvhostmap", "/_haproxy_getappmap"])
async def test_before_the_first_configuration_there_is_none_to_show(path: str) -> None:
    answer = await Site(Board(started_at_s=0.0)).get(path)
    assert answer.status_code == 503
    assert "has made no configuration yet" in answer.text


async def test_pids_that_nobody_tells_are_a_503_with_the_reason() -> None:
    answer = await Site(is_gone=True).get("/_haproxy_getpids")
    assert (answer.status_code, answer.text) == (503, "no HAProxy master answers")

"""Marathon's API over real connections: limits, fail-over, redirects, credentials."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from milepost.errors import SettingsError, SourceError
from milepost.sources.marathon.client import MarathonClient
from milepost.sources.marathon.events import EVENT_TYPES
from milepost.sources.marathon.settings import MarathonSettings
from milepost.sources.marathon.source import read_once
from support.fake_marathon import FakeMarathon, Reply, app, json_reply
from support.watching import settings_for

pytestmark = [pytest.mark.anyio, pytest.mark.system]

BAD_ANSWERS = {
    "401": Reply(401, b"<html>who are you?</html>", "text/html"),
    "503 as JSON": Reply(503, b'{"apps": []}'),
    "500": Reply(500, b""),
    "204": Reply(204, b""),
    "a page with status 200": Reply(200, b"<html>Login</html>", "text/html"),
    "a list of apps as text": Reply(200, b'{"apps": []}', "text/plain"),
    "a list of apps as nothing": Reply(200, b'{"apps": []}', ""),
    "cut short": Reply(200, b'{"apps": [{"id": "/web"}', claims=4000),
    "not JSON": Reply(200, b"<html>"),
    "no apps": Reply(200, b"{}"),
    "null apps": Reply(200, b'{"apps": null}'),
    "nested without end": Reply(200, b'{"apps":' + b"[" * 200_000),
    "too large": Reply(200, b'{"apps": []}' + b" " * 1_000_000),
    "a redirect in a circle": Reply(302, headers={"Location": "/v2/apps"}),
    "a redirect to nowhere": Reply(302, headers={"Location": "gopher://x/"}),
    "not in time": Reply(200, b'{"apps": []}', delay_s=60.0),
}


@pytest.mark.parametrize("reply", BAD_ANSWERS.values(), ids=BAD_ANSWERS.keys())
async def test_a_bad_answer_is_an_error_that_names_the_endpoint(reply: Reply) -> None:
    async with FakeMarathon() as marathon:
        marathon.answer("/v2/apps", reply, times=10)
        patience_s = 0.1 if reply.delay_s else 10.0
        settings = settings_for(marathon, max_answer_bytes=900_000, read_timeout_s=patience_s)
        with pytest.raises(SourceError, match=f"^{marathon.url}: .+"):
            await read_once(settings)


async def test_a_marathon_that_is_not_there_is_an_error() -> None:
    marathon = FakeMarathon()
    await marathon.start()
    await marathon.stop()
    with pytest.raises(SourceError, match=f"^{marathon.url}: .+"):
        await read_once(settings_for(marathon))


async def test_the_next_endpoint_is_asked_and_the_last_good_one_is_asked_first() -> None:
    async with FakeMarathon() as first, FakeMarathon() as second:
        first.answer("/v2/apps", Reply(503), times=1)
        async with MarathonClient(settings_for(first, second)) as client:
            await client.read_apps()
            assert client.endpoint == second.url
            await client.read_apps()
        assert (first.asked("/v2/apps"), second.asked("/v2/apps")) == (1, 2)


async def test_when_all_endpoints_fail_the_error_tells_of_each() -> None:
    async with FakeMarathon() as first, FakeMarathon() as second:
        first.answer("/v2/apps", Reply(503))
        second.answer("/v2/apps", Reply(200, b"<html>", "text/html"))
        with pytest.raises(SourceError) as caught:
            await read_once(settings_for(first, second))
    assert str(caught.value) == (
        f"{first.url}: answered 503 Scripted; "
        f"{second.url}: expected an answer of type application/json, got 'text/html'"
    )


async def test_an_app_is_gone_only_where_marathon_says_so() -> None:
    async with FakeMarathon() as marathon, MarathonClient(settings_for(marathon)) as client:
        assert await client.read_app("/web") is None
        words = ("URI not found: /v2/x", "The resource does not exist", "App '/shop/web' does not exist")
        not_gone = [json_reply({"message": message}, 404) for message in words]
        for reply in (*not_gone, Reply(404, b"<html>", "text/html"), Reply(404, b"[]"), Reply(404, b"")):
            marathon.answer("/v2/apps/web", reply)
            with pytest.raises(SourceError, match="answered 404"):
                await client.read_app("/web")


async def test_an_app_is_asked_for_by_its_path() -> None:
    async with FakeMarathon() as marathon, MarathonClient(settings_for(marathon)) as client:
        marathon.put(app("/shop/web"))
        assert await client.read_app("/shop/web") is not None
        assert marathon.requests[-1].path == "/v2/apps/shop/web"


async def test_a_kept_connection_that_the_server_closed_is_replaced() -> None:
    async with FakeMarathon() as marathon, MarathonClient(settings_for(marathon)) as client:
        await client.read_apps()
        await marathon.stop()
        await marathon.start()
        assert await client.read_apps() == b'{"apps": []}'


async def test_credentials_are_sent_and_never_told() -> None:
    async with FakeMarathon(credentials="u:hunter2") as marathon:
        url = marathon.url.replace("//", "//u:hunter2@")
        assert (await read_once(MarathonSettings((url,)))).apps == {}
        marathon.credentials = "u:another"
        with pytest.raises(SourceError, match="answered 401") as caught:
            await read_once(MarathonSettings((url,)))
    assert "hunter2" not in str(caught.value)


@asynccontextmanager
async def leader_and_standby(status: int) -> AsyncIterator[tuple[FakeMarathon, FakeMarathon]]:
    async with FakeMarathon("u:p") as leader, FakeMarathon("u:p") as standby:
        location = leader.url.replace("//", "//x:y@") + "/v2/events?plan-format=light"
        standby.answer("/v2/events", Reply(status, headers={"Location": location}), times=10)
        yield leader, standby


@pytest.mark.parametrize("status", [302, 307])
async def test_a_standby_leads_the_stream_to_the_leader_with_credentials_sent_anew(status: int) -> None:
    async with leader_and_standby(status) as (leader, standby):
        settings = settings_for(standby, user="u", password="p")
        async with MarathonClient(settings) as client, client.events() as stream:
            assert stream.endpoint == standby.url
            await leader.streams(1)
            leader.push("app_terminated_event", appId="/web")
            event = await anext(aiter(stream.events))
        assert event.event == "app_terminated_event"
        assert leader.requests[-1].headers["authorization"] == standby.requests[-1].headers["authorization"]


async def test_the_stream_is_asked_for_exactly_as_marathon_wants_it() -> None:
    async with FakeMarathon() as marathon, MarathonClient(settings_for(marathon)) as client, client.events():
        (request,) = marathon.requests
        assert request.headers["accept"] == "text/event-stream"
        assert request.query == {"plan-format": ["light"], "event_type": list(EVENT_TYPES)}


@pytest.mark.parametrize("reply", [Reply(405, b"<html>"), Reply(200, b"{}"), Reply(200, b"<html>", "text/html")])
async def test_what_is_no_event_stream_is_an_error(reply: Reply) -> None:
    async with FakeMarathon() as marathon, MarathonClient(settings_for(marathon)) as client:
        marathon.answer("/v2/events", reply)
        with pytest.raises(SourceError):
            async with client.events():
                pass


async def drain(client: MarathonClient, act: Callable[[], Awaitable[None]]) -> list[str]:
    """The types of the events of one stream, until it ends; `act` is done once it is open."""
    async with client.events() as stream:
        await act()
        return [event.event async for event in stream.events]


async def test_a_stream_without_a_byte_is_dead_after_its_time() -> None:
    async def nothing() -> None:
        pass

    async with FakeMarathon() as marathon, MarathonClient(settings_for(marathon, stream_silence_s=0.05)) as client:
        with pytest.raises(SourceError, match=r"silent for 0\.05 s"):
            await drain(client, nothing)


async def test_an_event_of_megabytes_is_read_and_one_beyond_the_limit_is_an_error() -> None:
    async with FakeMarathon() as marathon:

        async def push() -> None:
            await marathon.streams(1)
            marathon.push("deployment_info", plan="x" * 3_000_000)
            marathon.push("app_terminated_event", appId="/web")
            marathon.drop_streams()

        async with MarathonClient(settings_for(marathon)) as client:
            assert await drain(client, push) == ["deployment_info", "app_terminated_event"]
        async with MarathonClient(settings_for(marathon, max_event_bytes=1_000_000)) as client:
            with pytest.raises(SourceError, match=r"the event stream broke: .*1000000 byte"):
                await drain(client, push)


async def test_after_a_stream_ended_another_endpoint_is_asked_first() -> None:
    async with FakeMarathon() as first, FakeMarathon() as second:

        async def drop() -> None:
            await first.streams(1)
            first.drop_streams()

        async with MarathonClient(settings_for(first, second)) as client:
            assert await drain(client, drop) == []
            assert client.endpoint == second.url


def test_a_ca_file_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    settings = MarathonSettings(("https://m",))
    empty = tmp_path / "empty.pem"
    empty.write_text("no certificate")
    for path in (tmp_path / "none.pem", empty):
        with pytest.raises(SettingsError, match=rf"ca_file .*{path.name} cannot be used"):
            MarathonClient(replace(settings, ca_file=path))


async def test_agent_names_are_resolved_in_a_single_reading() -> None:
    async with FakeMarathon() as marathon:
        marathon.put(app("/web", tasks=[{"id": "web.1", "host": "agent1", "ports": [1]}]))
        started_s = time.time()
        snapshot = await read_once(settings_for(marathon), resolve={"agent1": "10.0.0.1"}.get)
    assert [task.address for task in snapshot.apps["/web"].tasks] == ["10.0.0.1"]
    assert snapshot.read_at_s >= started_s

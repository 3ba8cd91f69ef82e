"""Reads of one app: over connections that are kept, and by the whole client where that is not enough."""

import pytest

from milepost.errors import SourceError
from milepost.sources.marathon.client import MarathonClient
from support.fake_marathon import FakeMarathon, Reply, app, json_reply, task
from support.watching import settings_for

pytestmark = [pytest.mark.anyio, pytest.mark.system]

WEB = "/v2/apps/web"
GONE = json_reply({"message": "App '/web' does not exist"}, status=404)

BAD_ANSWERS = {
    "401": Reply(401, b"{}"),
    "503 as JSON": Reply(503, b'{"app": {}}'),
    "204": Reply(204, b""),
    "404 of somebody else": Reply(404, b"<html>no such page</html>", "text/html"),
    "a page with status 200": Reply(200, b"<html>Login</html>", "text/html"),
    "cut short": Reply(200, b'{"app": {"id"', claims=4000),
    "too large": Reply(200, b'{"app": {}}' + b" " * 1_000_000),
    "no HTTP": Reply(200, b"", headers={"Bad\x00Name": "x"}),
    "not in time": Reply(200, b'{"app": {}}', delay_s=60.0),
}


@pytest.mark.parametrize("reply", BAD_ANSWERS.values(), ids=BAD_ANSWERS.keys())
async def test_a_bad_answer_about_an_app_is_an_error_and_the_next_read_is_good(reply: Reply) -> None:
    async with FakeMarathon() as marathon:
        marathon.put(app("/web", tasks=[task("web.1")]))
        patience_s = 0.3 if reply.delay_s else 10.0
        settings = settings_for(marathon, max_answer_bytes=900_000, read_timeout_s=patience_s)
        async with MarathonClient(settings) as client:
            marathon.answer(WEB, reply, times=2)  # the kept connection gives up on it, then the whole client does
            with pytest.raises(SourceError, match=f"^{marathon.url}: .+"):
                await client.read_app("/web")
            while marathon.asked(WEB) < 2:  # of an answer with a plain error one is enough
                with pytest.raises(SourceError):
                    await client.read_app("/web")
            assert b"web.1" in (await client.read_app("/web") or b"")


async def test_an_app_that_is_gone_is_none() -> None:
    async with FakeMarathon() as marathon, MarathonClient(settings_for(marathon)) as client:
        marathon.answer(WEB, GONE, times=1)
        assert await client.read_app("/web") is None


async def test_a_connection_that_the_other_side_closed_meanwhile_costs_no_read() -> None:
    async with FakeMarathon() as marathon, MarathonClient(settings_for(marathon)) as client:
        marathon.put(app("/web", tasks=[task("web.1")]))
        await client.read_app("/web")
        await marathon.stop()
        await marathon.start()
        assert b"web.1" in (await client.read_app("/web") or b"")


async def test_a_standby_sends_us_to_the_leader() -> None:
    async with FakeMarathon() as standby, FakeMarathon() as leader:
        leader.put(app("/web", tasks=[task("web.1")]))
        standby.answer(WEB, Reply(302, headers={"Location": f"{leader.url}{WEB}?embed=app.tasks"}), times=2)
        async with MarathonClient(settings_for(standby)) as client:
            assert b"web.1" in (await client.read_app("/web") or b"")


async def test_credentials_are_sent_as_with_every_other_read() -> None:
    async with FakeMarathon(credentials="ann:s3cret:word") as marathon:
        marathon.put(app("/web", tasks=[task("web.1")]))
        async with MarathonClient(settings_for(marathon, user="ann", password="s3cret:word")) as client:
            assert b"web.1" in (await client.read_app("/web") or b"")
        assert marathon.asked(WEB) == 1

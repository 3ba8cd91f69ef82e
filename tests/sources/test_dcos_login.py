"""A DC/OS service account against a login that checks signatures, and a Marathon that wants its tokens."""

import json
import shutil
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import anyio
import pytest

from milepost.errors import SettingsError, SourceError
from milepost.sources.marathon.account import ServiceAccount, read_account
from milepost.sources.marathon.client import MarathonClient
from milepost.sources.marathon.token import Login
from support.fake_login import FakeLogin, fake_login
from support.fake_marathon import FakeMarathon, app
from support.waiting import until
from support.watching import settings_for, watching

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(shutil.which("openssl") is None, reason="missing capability: openssl, which signs"),
]


class Clock:
    now_s = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
async def login(anyio_backend: str, tmp_path: Path) -> AsyncIterator[FakeLogin]:
    async with fake_login(tmp_path) as login:
        yield login


def held(login: FakeLogin, clock: Clock) -> Login:
    return Login(login.account, ssl.create_default_context(), clock)


async def test_a_login_is_signed_for_a_minute_and_asks_for_an_hour(login: FakeLogin) -> None:
    assert await held(login, Clock()).token() == "t1"
    (asked,) = login.asked
    assert (asked["uid"], asked["exp"]) == ("milepost", int(Clock.now_s) + 3600)
    assert login.claims(0) == {"uid": "milepost", "exp": int(Clock.now_s) + 60}


async def test_a_token_is_used_until_its_end_and_then_got_anew(login: FakeLogin) -> None:
    clock = Clock()
    login.tokens = ["t1", "t2"]
    account = held(login, clock)
    for wait_s, token in ((0, "t1"), (3599, "t1"), (2, "t2"), (100, "t2")):
        clock.now_s += wait_s
        assert await account.token() == token
    assert len(login.asked) == 2


async def test_a_token_is_renewed_ahead_and_a_failed_renewal_is_tried_again(login: FakeLogin) -> None:
    clock = Clock()
    account = held(login, clock)
    await account.token()
    async with anyio.create_task_group() as tasks:
        clock.now_s += 3400  # its last minutes
        login.tokens = []
        tasks.start_soon(account.run)
        await until(lambda: len(login.asked) == 2)
        assert await account.token() == "t1"
        login.tokens = ["t2"]
        await until(lambda: len(login.asked) == 3)
        with anyio.fail_after(5):
            while await account.token() != "t2":
                await anyio.sleep(0.01)
        tasks.cancel_scope.cancel()


async def test_without_any_token_a_failed_login_is_an_error_and_the_next_try_is_good(login: FakeLogin) -> None:
    account = held(login, Clock())
    login.tokens = []
    with pytest.raises(SourceError, match=r"the login at http://127\S+ failed: answered 503"):
        await account.token()
    login.tokens = ["t1"]
    assert await account.token() == "t1"


async def test_a_token_that_marathon_refuses_is_got_anew_but_not_over_and_over(login: FakeLogin) -> None:
    clock = Clock()
    login.tokens = ["t1", "t2"]
    account = held(login, clock)
    assert await account.token() == "t1"
    account.refused()
    assert await account.token() == "t1"
    clock.now_s += 60
    account.refused()
    assert await account.token() == "t2"


@pytest.mark.parametrize("key", ["-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----\n"])
async def test_a_key_that_does_not_sign_is_an_error_that_does_not_show_it(login: FakeLogin, key: str) -> None:
    account = ServiceAccount("milepost", login.account.login_endpoint, key)
    with pytest.raises(SourceError, match="no usable RSA key") as failure:
        await Login(account, ssl.create_default_context()).token()
    assert "MIIB" not in str(failure.value) + repr(account)


async def test_a_source_reads_with_the_token_on_all_its_requests(login: FakeLogin) -> None:
    async with FakeMarathon("token=t1") as marathon:
        marathon.put(app("/web"))
        settings = settings_for(marathon, account=login.account)
        async with watching(settings) as watch:
            await watch.until(lambda seen: seen.app())
            marathon.put(app("/api"))
            marathon.push("app_terminated_event", appId="/api")
            await watch.until(lambda seen: seen.app("/api"))
        assert {request.headers["authorization"] for request in marathon.requests} == {"token=t1"}
        assert len(login.asked) == 1


async def test_a_login_that_is_down_at_the_start_delays_the_source_and_does_not_end_it(login: FakeLogin) -> None:
    login.tokens = []
    async with FakeMarathon("token=t1") as marathon:
        marathon.put(app("/web"))
        async with watching(settings_for(marathon, account=login.account)) as watch:
            await until(lambda: len(login.asked) >= 2)
            assert not marathon.requests
            login.tokens = ["t1"]
            await watch.until(lambda seen: seen.app())


async def test_a_user_wins_over_an_account(login: FakeLogin) -> None:
    async with FakeMarathon("u:p") as marathon:
        settings = settings_for(marathon, user="u", password="p", account=login.account)
        async with MarathonClient(settings) as client:
            assert await client.read_apps() == b'{"apps": []}'
    assert not login.asked


GOOD = {"uid": "u", "private_key": "-----BEGIN PRIVATE KEY-----", "login_endpoint": "https://master/login"}


def test_an_account_is_read_from_what_dcos_gives_out() -> None:
    assert read_account(json.dumps({**GOOD, "scheme": "RS256"})) == ServiceAccount(
        "u", "https://master/login", "-----BEGIN PRIVATE KEY-----"
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "s3cret",
        "[]",
        json.dumps({**GOOD, "uid": 5}),
        json.dumps({"uid": "u", "private_key": "s3cret"}),
        json.dumps({**GOOD, "login_endpoint": "file:///s3cret"}),
        json.dumps({**GOOD, "private_key": "s3cret"}),
        json.dumps({**GOOD, "private_key": "-----BEGIN PRIVATE KEY-----s3cret" + "x" * 40_000}),
    ],
)
def test_what_is_no_account_is_refused_unseen(text: str) -> None:
    with pytest.raises(SettingsError) as refusal:
        read_account(text)
    assert "s3cret" not in str(refusal.value)

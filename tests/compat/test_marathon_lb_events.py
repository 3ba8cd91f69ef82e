"""`--sse` for a HAProxy of somebody else's: each event, each signal and each fault leads where it should."""

import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
import pytest

from milepost.compat.marathon_lb.foreign import follow
from milepost.proxies.haproxy.binary import Binary
from support.fake_marathon import App, FakeMarathon, Reply, app, task
from support.haproxy import each_haproxy
from support.one_shot import Place
from support.waiting import until

pytestmark = [pytest.mark.anyio, pytest.mark.system]


def web(*hosts: str, **labels: str) -> App:
    tasks = [task(f"web.{number}", host=host) for number, host in enumerate(hosts)]
    return app("/web", tasks=tasks, labels={"HAPROXY_GROUP": "external", "HAPROXY_0_MODE": "http", **labels})


@asynccontextmanager
async def following(place: Place, marathon: FakeMarathon, *flags: str) -> AsyncIterator[None]:
    """Once the first pass is done."""
    arguments = place.arguments(marathon, "--sse", *flags)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(follow, arguments, place.command, place.environ)
        await until(place.config.exists)
        await until(lambda: place.reloads == 1)
        yield
        tasks.cancel_scope.cancel()


def has(place: Place, words: str) -> bool:
    return words in place.config.read_text()


async def test_an_event_brings_what_is_new_into_the_file_and_reloads(place: Place) -> None:
    async with FakeMarathon() as marathon:
        marathon.put(web("10.0.0.1"))
        async with following(place, marathon, "--skip-validation"):
            await marathon.streams(1)
            marathon.put(web("10.0.0.1", "10.0.0.2"))
            marathon.push("status_update_event", appId="/web", taskId="web.1", taskStatus="TASK_RUNNING")
            await until(lambda: has(place, "10.0.0.2:31000"))
            await until(lambda: place.reloads == 2)


async def test_a_hangup_is_a_refresh(place: Place) -> None:
    async with FakeMarathon() as marathon:
        marathon.put(web("10.0.0.1"))
        async with following(place, marathon, "--skip-validation"):
            marathon.put(web("10.0.0.3"))
            os.kill(os.getpid(), signal.SIGHUP)
            await until(lambda: has(place, "10.0.0.3:31000"))


@each_haproxy
async def test_usr1_reloads_a_file_that_haproxy_takes_and_no_other(
    binary: Binary, place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    place.use(binary)
    async with FakeMarathon() as marathon:
        marathon.put(web("10.0.0.1"))
        async with following(place, marathon):
            os.kill(os.getpid(), signal.SIGUSR1)
            await until(lambda: place.reloads == 2)
            place.config.write_text("nonsense\n")
            os.kill(os.getpid(), signal.SIGUSR1)
            await until(lambda: "and is not reloaded" in caplog.text)
            assert place.reloads == 2


async def test_a_marathon_that_fails_changes_nothing_and_is_asked_again(place: Place) -> None:
    async with FakeMarathon() as marathon:
        marathon.put(web("10.0.0.1"))
        async with following(place, marathon, "--skip-validation"):
            marathon.put(web("10.0.0.4"))
            marathon.answer("/v2/apps", Reply(503, b"{}"), times=2)
            os.kill(os.getpid(), signal.SIGHUP)
            await until(lambda: has(place, "10.0.0.4:31000"))
        assert marathon.asked("/v2/apps") >= 4


async def test_a_pass_that_cannot_write_is_told_and_the_next_one_writes(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    async with FakeMarathon() as marathon:
        marathon.put(web("10.0.0.1"))
        async with following(place, marathon, "--skip-validation"):
            place.config.unlink()
            place.config.mkdir()
            os.kill(os.getpid(), signal.SIGHUP)
            await until(lambda: "cannot be written" in caplog.text)
            place.config.rmdir()
            os.kill(os.getpid(), signal.SIGHUP)
            await until(place.config.is_file)


@each_haproxy
async def test_an_app_that_was_refused_is_not_judged_again_before_a_definition_changes(
    binary: Binary, place: Place
) -> None:
    place.use(binary)
    bad = {**web("10.0.1.1", HAPROXY_0_BALANCE="no-such-algorithm"), "id": "/bad"}
    async with FakeMarathon() as marathon:
        marathon.put(web("10.0.0.1"), bad)
        async with following(place, marathon):
            rejected = place.folder / "haproxy_tmp_conf_fail"
            rejected.unlink()
            marathon.put(web("10.0.0.2"))
            os.kill(os.getpid(), signal.SIGHUP)
            await until(lambda: has(place, "10.0.0.2:31000"))
            assert not rejected.exists()
            marathon.put({**web("10.0.1.1"), "id": "/bad"})
            os.kill(os.getpid(), signal.SIGHUP)
            await until(lambda: has(place, "backend bad_10000"))


@each_haproxy
async def test_an_app_is_taken_once_what_it_hangs_on_is_there(binary: Binary, place: Place) -> None:
    place.use(binary)
    leaning = {**web("10.0.1.1", HAPROXY_0_FRONTEND_BACKEND_GLUE="  default_backend zoo_10000\n"), "id": "/leaning"}
    async with FakeMarathon() as marathon:
        marathon.put(web("10.0.0.1"), leaning)
        async with following(place, marathon):
            assert not has(place, "leaning")
            marathon.put({**web("10.0.2.1"), "id": "/zoo"})
            os.kill(os.getpid(), signal.SIGHUP)
            await until(lambda: has(place, "backend leaning_10000"))

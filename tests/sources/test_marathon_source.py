"""A source at work against a Marathon that reads, fails, falls silent and comes back."""

import threading
import time
from dataclasses import dataclass
from functools import partial

import anyio
import pytest

from milepost.model.notice import BadNews, SourceConnected, SourceFailed, SourceRead
from milepost.model.snapshot import Snapshot
from milepost.routing.build import build_routing
from milepost.routing.policy import Policy
from support.fake_marathon import FakeMarathon, Reply, app, task
from support.watching import Watch, settings_for, watching

pytestmark = [pytest.mark.anyio, pytest.mark.system]

KILLED = "status_update_event TASK_KILLED"


def web(*task_ids: str, **members: object) -> dict[str, object]:
    return app("/web", [task(task_id) for task_id in task_ids], **members)


async def connected(marathon: FakeMarathon, watch: Watch) -> None:
    """The first snapshot is out and the stream is open."""
    await watch.until(lambda watch: watch.snapshots)
    await marathon.streams(1)


async def test_the_stream_is_opened_before_all_apps_are_read() -> None:
    async with FakeMarathon() as marathon:
        marathon.put(web("web.1"))
        async with watching(settings_for(marathon), name="m") as watch:
            await connected(marathon, watch)
        assert [request.path for request in marathon.requests] == ["/v2/events", "/v2/apps"]
        assert marathon.requests[1].query == {"embed": ["apps.tasks", "apps.readiness"]}
        (snapshot,) = watch.snapshots
        assert [(cause.reason, cause.app_id) for cause in snapshot.causes] == [("event stream opened", "")]
        assert snapshot.source == "m"
        assert watch.told(SourceConnected) == [SourceConnected("m", marathon.url)]
        assert [(n.what, n.apps) for n in watch.notices if isinstance(n, SourceRead)] == [("all apps", 1)]


async def test_an_event_leads_to_the_read_of_its_app_alone() -> None:
    async with FakeMarathon() as marathon:
        marathon.put(web("web.1"), app("/db", [task("db.1")]))
        async with watching(settings_for(marathon)) as watch:
            await connected(marathon, watch)
            first = watch.snapshots[-1]
            marathon.put(web("web.1", "web.2"))
            marathon.push("status_update_event", appId="/web", taskId="web.2", taskStatus="TASK_RUNNING")
            await watch.until(lambda watch: len(watch.states()) == 2)
        last = watch.snapshots[-1]
        assert [request.path for request in marathon.requests[2:]] == ["/v2/apps/web"]
        assert [(cause.reason, cause.app_id) for cause in last.causes] == [("status_update_event TASK_RUNNING", "/web")]
        assert last.apps["/db"] is first.apps["/db"]
        assert last.apps["/web"].definition is first.apps["/web"].definition


async def test_a_deleted_app_is_gone_after_its_event() -> None:
    async with FakeMarathon() as marathon:
        marathon.put(web("web.1"), app("/db"))
        async with watching(settings_for(marathon)) as watch:
            await connected(marathon, watch)
            del marathon.apps["/web"]
            marathon.push("app_terminated_event", appId="/web")
            await watch.until(lambda watch: watch.app() is None)
        assert list(watch.snapshots[-1].apps) == ["/db"]


async def test_a_deployment_has_its_apps_read_which_tells_what_it_kills() -> None:
    async with FakeMarathon() as marathon:
        marathon.put(web("web.1", "web.2"), app("/db", [task("db.1")]))
        async with watching(settings_for(marathon)) as watch:
            await connected(marathon, watch)
            marathon.put(app("/web", [task("web.1"), task("web.2", state="TASK_KILLING")]))
            step = {"actions": [{"action": "ScaleApplication", "app": "/web"}]}
            marathon.push("deployment_info", plan={"id": "d", "steps": [step], "version": "v"}, currentStep=step)
            await watch.until(lambda watch: watch.states() == ["TASK_RUNNING", "TASK_KILLING"])
        assert [request.path for request in marathon.requests[2:]] == ["/v2/apps/web"]


async def test_a_killed_task_is_out_before_anything_is_read() -> None:
    async with FakeMarathon() as marathon:
        marathon.put(web("web.1", "web.2"))
        async with watching(settings_for(marathon), name="m") as watch:
            await connected(marathon, watch)
            held = marathon.hold("/v2/apps/web")
            marathon.push("status_update_event", appId="/web", taskId="web.1", taskStatus="TASK_KILLED")
            await watch.until(lambda watch: watch.states() == ["TASK_KILLED", "TASK_RUNNING"])
            news = watch.snapshots[-1]
            assert news.apps["/web"].tasks[0].unconfirmed == KILLED
            assert [(cause.reason, cause.app_id) for cause in news.causes] == [(KILLED, "/web")]
            assert watch.told(BadNews) == [BadNews("/web", "web.1", KILLED)]
            marathon.put(web("web.2"))
            held.set()
            await marathon.until(lambda fake: fake.asked("/v2/apps/web") == 1)


async def test_the_end_of_a_task_is_told_even_where_a_read_no_longer_showed_it() -> None:
    async with FakeMarathon() as marathon:
        marathon.put(app("/db"))
        async with watching(settings_for(marathon)) as watch:
            await connected(marathon, watch)
            marathon.push("status_update_event", appId="/web", taskId="web.1", taskStatus="TASK_KILLED")
            await watch.until(lambda watch: len(watch.snapshots) == 2)
        assert [(cause.app_id, cause.ended) for cause in watch.snapshots[-1].causes] == [("/web", "web.1")]


async def test_what_an_owner_does_is_told_even_where_the_read_shows_nothing_new() -> None:
    async with FakeMarathon() as marathon:
        marathon.put(web("web.1"))
        async with watching(settings_for(marathon)) as watch:
            await connected(marathon, watch)
            marathon.push("app_terminated_event", appId="/gone")
            await watch.until(lambda watch: len(watch.snapshots) == 2)
        assert [(cause.app_id, cause.is_owners) for cause in watch.snapshots[-1].causes] == [("/gone", True)]


async def test_a_restart_forgets_no_task_that_was_alive_once() -> None:
    def checked(*, alive: bool) -> dict[str, object]:
        return app("/web", [task("web.1", healthCheckResults=[{"alive": alive}])], healthChecks=[{"portIndex": 0}])

    async with FakeMarathon() as marathon:
        marathon.put(checked(alive=True))
        async with watching(settings_for(marathon)) as watch:
            await connected(marathon, watch)
        marathon.put(checked(alive=False))
        async with watching(settings_for(marathon), before=watch.snapshots[-1]) as again:
            await again.until(lambda watch: watch.snapshots)
        table = build_routing(again.snapshots[-1], Policy(("*",)))
        assert [[one.task_id for one in pool] for pool in table.endpoints.values()] == [["web.1"]]


async def test_a_reused_port_is_taken_from_its_old_task_before_anything_is_read() -> None:
    async with FakeMarathon() as marathon:
        marathon.put(web("web.1"), app("/db"))
        async with watching(settings_for(marathon)) as watch:
            await connected(marathon, watch)
            held = marathon.hold("/v2/apps/db")
            members = {"taskStatus": "TASK_STAGING", "host": "10.0.0.1", "ports": [31000]}
            marathon.push("status_update_event", appId="/db", taskId="db.1", **members)
            await watch.until(lambda watch: watch.states("/db") == ["TASK_STAGING"])
            table = build_routing(watch.snapshots[-1], Policy(("external",)))
            assert not any(table.endpoints.values())
            assert watch.told(BadNews) == []
            held.set()


async def test_a_read_that_began_before_the_event_never_undoes_it() -> None:
    async with FakeMarathon() as marathon:
        marathon.put(web("web.1", "web.2"))
        async with watching(settings_for(marathon)) as watch:
            await connected(marathon, watch)
            early, late = marathon.hold("/v2/apps/web"), None
            marathon.push("health_status_changed_event", appId="/web", instanceId="web.2", alive=True)
            await marathon.until(lambda fake: fake.asked("/v2/apps/web") == 1)
            late = marathon.hold("/v2/apps/web")
            marathon.push("status_update_event", appId="/web", taskId="web.1", taskStatus="TASK_FAILED")
            await watch.until(lambda watch: watch.states() == ["TASK_FAILED", "TASK_RUNNING"])
            early.set()  # its answer shows web.1 running
            await marathon.until(lambda fake: fake.asked("/v2/apps/web") == 2)
            assert watch.states() == ["TASK_FAILED", "TASK_RUNNING"]
            late.set()  # so does this one, but it was asked for after the event
            await watch.until(lambda watch: watch.states() == ["TASK_RUNNING", "TASK_RUNNING"])
        states = [[task.state for task in snapshot.apps["/web"].tasks] for snapshot in watch.snapshots]
        assert states == [["TASK_RUNNING"] * 2, ["TASK_FAILED", "TASK_RUNNING"], ["TASK_RUNNING"] * 2]


async def test_a_failed_check_takes_the_task_out_until_it_is_read_again() -> None:
    def checked(alive: bool) -> dict[str, object]:
        tasks = [task("web.1", healthCheckResults=[{"alive": alive}])]
        return app("/web", tasks, healthChecks=[{"portIndex": 0}])

    def health(watch: Watch) -> object:
        found = watch.app()
        return found and found.tasks[0].health

    async with FakeMarathon() as marathon:
        marathon.put(checked(alive=True))
        async with watching(settings_for(marathon)) as watch:
            await connected(marathon, watch)
            held = marathon.hold("/v2/apps/web")
            marathon.push("health_status_changed_event", appId="/web", instanceId="web.1", alive=False)
            await watch.until(lambda watch: health(watch) == (False,))
            held.set()
            await watch.until(lambda watch: health(watch) == (True,))


async def test_a_thousand_events_of_one_app_cost_a_handful_of_reads() -> None:
    async with FakeMarathon() as marathon:
        marathon.put(web("web.1"))
        async with watching(settings_for(marathon)) as watch:
            await connected(marathon, watch)
            held = marathon.hold("/v2/apps/web")
            for _ in range(1000):
                marathon.push("status_update_event", appId="/web", taskId="web.1", taskStatus="TASK_RUNNING")
            marathon.put(web("web.1", "web.2"), app("/last"))
            marathon.push("api_post_event", appDefinition={"id": "/last"})
            await watch.until(lambda watch: watch.app("/last"))
            held.set()
            await watch.until(lambda watch: len(watch.states()) == 2)
        assert marathon.asked("/v2/apps/web") <= 3


async def test_very_many_hints_become_one_full_read() -> None:
    async with FakeMarathon() as marathon:
        marathon.put(*(app(f"/a{number}") for number in range(1500)))
        async with watching(settings_for(marathon)) as watch:
            await connected(marathon, watch)
            for number in range(1500):
                marathon.push("status_update_event", appId=f"/a{number}", taskStatus="TASK_RUNNING")
            await marathon.until(lambda fake: fake.asked("/v2/apps") == 2)
            await watch.until(lambda watch: len(watch.snapshots) > 1)
        reasons = {cause.reason for snapshot in watch.snapshots for cause in snapshot.causes}
        assert "500 hints wait" in reasons


BAD_ANSWERS = {
    "401": Reply(401, b"<html>", "text/html"),
    "503 as JSON": Reply(503, b'{"apps": []}'),
    "a page": Reply(200, b"<html>", "text/html"),
    "cut short": Reply(200, b'{"apps": []', claims=100),
    "wrong type": Reply(200, b'{"apps": []}', "text/plain"),
    "no apps": Reply(200, b"{}"),
    "null apps": Reply(200, b'{"apps": null}'),
    "absurd": Reply(200, b'{"apps": [1, 2]}'),
}


@pytest.mark.parametrize("reply", BAD_ANSWERS.values(), ids=BAD_ANSWERS.keys())
async def test_a_bad_answer_is_told_and_publishes_nothing(reply: Reply) -> None:
    async with FakeMarathon() as marathon:
        marathon.put(web("web.1"))
        marathon.answer("/v2/apps", reply, times=2)
        async with watching(settings_for(marathon)) as watch:
            await connected(marathon, watch)
            failures = watch.told(SourceFailed)
            marathon.answer("/v2/apps", reply, times=2)
            marathon.drop_streams()
            await watch.until(lambda watch: len(watch.snapshots) == 2)
        assert len(failures) == 2
        assert all(list(snapshot.apps) == ["/web"] for snapshot in watch.snapshots)


async def test_an_endpoint_whose_answers_are_none_is_left_for_the_next() -> None:
    async with FakeMarathon() as first, FakeMarathon() as second:
        first.answer("/v2/apps", Reply(200, b'{"apps": null}'), times=10_000)
        second.put(web("web.1"))
        async with watching(settings_for(first, second)) as watch:
            await watch.until(lambda watch: watch.states() == ["TASK_RUNNING"])
        (failure,) = [notice for notice in watch.notices if isinstance(notice, SourceFailed)]
        assert (failure.endpoint, first.asked("/v2/apps")) == (first.url, 1)
        assert failure.error.startswith(f"{first.url}: no answer of Marathon: ")


@pytest.mark.parametrize(
    "reply",
    [Reply(404, b"<html>", "text/html"), Reply(200, b"{}"), Reply(200, b'{"app": {"id": "/other"}}')],
    ids=["a page", "no app", "another app"],
)
async def test_a_hint_that_cannot_be_read_is_tried_again(reply: Reply) -> None:
    async with FakeMarathon() as marathon:
        marathon.put(web("web.1"))
        async with watching(settings_for(marathon)) as watch:
            await connected(marathon, watch)
            marathon.answer("/v2/apps/web", reply, times=3)
            marathon.put(web("web.1", "web.2"))
            marathon.push("status_update_event", appId="/web", taskId="web.2", taskStatus="TASK_RUNNING")
            await watch.until(lambda watch: len(watch.states()) == 2)
        assert marathon.asked("/v2/apps/web") == 4
        assert len(watch.told(SourceFailed)) == 3
        assert all(snapshot.apps for snapshot in watch.snapshots)


async def test_the_end_of_a_stream_that_was_good_is_no_further_failure_in_a_row() -> None:
    async with FakeMarathon() as marathon:
        marathon.put(web("web.1"))
        settings = settings_for(marathon, healthy_stream_s=0.0, first_backoff_s=0.001, max_backoff_s=60.0)
        async with watching(settings) as watch:
            for count in range(1, 13):
                await marathon.streams(1)
                marathon.drop_streams()
                await watch.until(partial(has_failed, count))
        failures = [notice for notice in watch.notices if isinstance(notice, SourceFailed)]
        assert max(failure.retry_s for failure in failures) <= 0.001


def has_failed(times: int, watch: Watch) -> bool:
    return len(watch.told(SourceFailed)) >= times


@dataclass
class JumpingClock:
    """The monotonic clock, and what it was set forward by."""

    ahead_s: float = 0.0

    def __call__(self) -> float:
        return time.monotonic() + self.ahead_s


async def test_a_reader_that_rests_after_a_failure_reads_as_soon_as_a_stream_opens() -> None:
    clock = JumpingClock()
    async with FakeMarathon() as marathon:
        marathon.put(web("web.1"))
        held = marathon.hold("/v2/apps")
        marathon.answer("/v2/apps", Reply(503))
        async with watching(settings_for(marathon), clock=clock) as watch:
            await marathon.until(lambda fake: fake.asked("/v2/apps") == 1)
            await marathon.streams(1)
            clock.ahead_s += 4.0
            held.set()
            await watch.until(lambda watch: [n for n in watch.notices if isinstance(n, SourceFailed) and n.retry_s > 3])
            with anyio.fail_after(3.0):
                marathon.drop_streams()
                await watch.until(lambda watch: watch.app() is not None)


async def test_a_lost_stream_is_opened_again_and_all_apps_are_read() -> None:
    async with FakeMarathon() as marathon:
        marathon.put(web("web.1"))
        async with watching(settings_for(marathon)) as watch:
            await connected(marathon, watch)
            marathon.put(web("web.1", "web.2"))  # while nobody listens
            marathon.drop_streams()
            await watch.until(lambda watch: len(watch.states()) == 2)
        assert [request.path for request in marathon.requests] == ["/v2/events", "/v2/apps"] * 2
        (failure,) = [notice for notice in watch.notices if isinstance(notice, SourceFailed)]
        assert (failure.endpoint, failure.error) == (marathon.url, f"{marathon.url}: the event stream was ended")


async def test_a_silent_stream_is_left_for_another() -> None:
    async with FakeMarathon() as marathon:
        async with watching(settings_for(marathon, stream_silence_s=0.1)) as watch:
            await marathon.until(lambda fake: fake.asked("/v2/events") >= 3)
        assert "silent for 0.1 s" in str(watch.told(SourceFailed)[0])


async def test_bare_line_ends_keep_a_stream_alive() -> None:
    async with FakeMarathon(keep_alive_s=0.1) as marathon:
        async with watching(settings_for(marathon, stream_silence_s=1.0)) as watch:
            await connected(marathon, watch)
            await marathon.until(lambda fake: fake.keep_alives > 20)
        assert marathon.asked("/v2/events") == 1


async def test_without_a_stream_there_is_still_the_timer() -> None:
    def by_timer(watch: Watch) -> bool:
        return len(watch.states()) == 2 and any(cause.reason == "timer" for cause in watch.snapshots[-1].causes)

    async with FakeMarathon() as marathon:
        marathon.put(web("web.1"))
        marathon.answer("/v2/events", Reply(403, b"{}"), times=10_000)
        async with watching(settings_for(marathon, read_interval_s=0.02)) as watch:
            await watch.until(lambda watch: watch.snapshots)
            marathon.put(web("web.1", "web.2"))
            await watch.until(by_timer)


async def test_a_dead_endpoint_is_left_for_the_next() -> None:
    async with FakeMarathon() as first, FakeMarathon() as second:
        first.put(web("web.1"))
        second.put(web("web.1", "web.2"))
        async with watching(settings_for(first, second)) as watch:
            await connected(first, watch)
            await first.stop()
            await watch.until(lambda watch: len(watch.states()) == 2)
            await second.streams(1)
            second.put(web("web.3"))
            second.push("api_post_event", appDefinition={"id": "/web"})
            await watch.until(lambda watch: len(watch.states()) == 1)
        assert SourceConnected("marathon", second.url) in watch.notices


async def test_a_marathon_that_comes_late_is_found() -> None:
    marathon = FakeMarathon()
    marathon.put(web("web.1"))
    await marathon.start()
    await marathon.stop()
    async with watching(settings_for(marathon)) as watch:
        await watch.until(lambda watch: len(watch.told(SourceFailed)) >= 3)
        assert not watch.snapshots
        await marathon.start()
        await watch.until(lambda watch: watch.states() == ["TASK_RUNNING"])
        await marathon.stop()


@pytest.mark.parametrize("data", ["{", "{}", '{"appId": 5}', "<html>"])
async def test_an_unreadable_event_leads_to_a_full_read_and_the_stream_goes_on(data: str) -> None:
    async with FakeMarathon() as marathon:
        async with watching(settings_for(marathon)) as watch:
            await connected(marathon, watch)
            marathon.push_raw(f"event: status_update_event\r\ndata: {data}\r\n\r\n".encode())
            await watch.until(lambda watch: len(watch.snapshots) == 2)
        assert marathon.asked("/v2/events") == 1
        assert watch.snapshots[-1].causes[0].reason == "unreadable status_update_event"


async def test_an_odd_app_is_a_problem_and_keeps_what_it_had() -> None:
    async with FakeMarathon() as marathon:
        marathon.put(web("web.1"), app("/db"))
        async with watching(settings_for(marathon)) as watch:
            await connected(marathon, watch)
            marathon.put(web("web.1", labels=["odd"]))
            marathon.push("api_post_event", appDefinition={"id": "/web"})
            await watch.until(lambda watch: watch.snapshots[-1].problems)
            assert watch.states() == ["TASK_RUNNING"]
            marathon.drop_streams()
            await watch.until(lambda watch: len(watch.snapshots) == 3)
        assert watch.states() == ["TASK_RUNNING"]
        assert [problem.app_id for problem in watch.snapshots[-1].problems] == ["/web"]


def addresses(snapshot: Snapshot) -> list[str | None]:
    return [task.address for app_id in sorted(snapshot.apps) for task in snapshot.apps[app_id].tasks]


async def test_the_first_snapshot_knows_the_agents_and_a_slow_name_holds_up_nothing_later() -> None:
    known, answer = {"agent1": "10.0.0.1", "agent2": "10.0.0.2"}, threading.Event()

    def resolve(name: str) -> str | None:
        if name == "agent2":
            answer.wait(20)
        return known[name]

    async with FakeMarathon() as marathon:
        marathon.put(app("/a", [task("a.1", host="agent1")]))
        async with watching(settings_for(marathon), resolve=resolve) as watch:
            await connected(marathon, watch)
            marathon.put(app("/b", [task("b.1", host="agent2")]))
            marathon.push("api_post_event", appDefinition={"id": "/b"})
            await watch.until(lambda watch: watch.app("/b"))
            before = addresses(watch.snapshots[-1])
            answer.set()
            await watch.until(lambda watch: None not in addresses(watch.snapshots[-1]))
        assert before == ["10.0.0.1", None]
        assert addresses(watch.snapshots[0]) == ["10.0.0.1"]
        assert watch.snapshots[-1].causes[0].reason == "agent names resolved"


async def test_credentials_reach_neither_notices_nor_snapshots() -> None:
    async with FakeMarathon("u:hunter2") as marathon:
        marathon.put(web("web.1"))
        marathon.answer("/v2/apps", Reply(503), times=1)
        settings = settings_for(marathon, user="u", password="hunter2")
        async with watching(settings) as watch:
            await connected(marathon, watch)
            marathon.credentials = "u:changed"
            marathon.drop_streams()
            await watch.until(lambda watch: "401" in str(watch.notices))
        assert "hunter2" not in str((watch.notices, watch.snapshots, settings))


async def test_the_apps_of_a_named_cluster_carry_its_name_wherever_they_are_spoken_of() -> None:
    async with FakeMarathon() as marathon:
        marathon.put(web("web.1", labels={"HAPROXY_GROUP": 7}), app("/db", [task("db.1")]))
        async with watching(settings_for(marathon, name="east")) as watch:
            await connected(marathon, watch)
            assert list(watch.snapshots[-1].apps) == ["east:/web", "east:/db"]
            assert [problem.app_id for problem in watch.snapshots[-1].problems] == ["east:/web"]
            assert watch.snapshots[-1].source == "east"
            held = marathon.hold("/v2/apps/web")
            marathon.push("status_update_event", appId="/web", taskId="web.1", taskStatus="TASK_KILLED")
            await watch.until(lambda watch: watch.states("east:/web") == ["TASK_KILLED"])
            assert watch.told(BadNews) == [BadNews("east:/web", "web.1", KILLED)]
            del marathon.apps["/web"]
            held.set()
            marathon.push("status_update_event", appId="/web", taskId="web.1", taskStatus="TASK_KILLED")
            await watch.until(lambda watch: list(watch.snapshots[-1].apps) == ["east:/db"])


async def test_a_start_without_name_server_keeps_the_agents_addresses_of_before() -> None:
    async with FakeMarathon() as marathon:
        marathon.put(app("/web", [task("web.1", host="agent1")]))
        async with watching(settings_for(marathon), resolve={"agent1": "10.0.0.1"}.get) as watch:
            await watch.until(lambda watch: watch.snapshots)
        async with watching(settings_for(marathon), watch.snapshots[-1], resolve={}.get) as later:
            await later.until(lambda watch: watch.snapshots)
        assert [task.address for task in later.snapshots[0].apps["/web"].tasks] == ["10.0.0.1"]

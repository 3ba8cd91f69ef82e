"""Readiness checks: a deployment waits until the tasks that it started are ready (marathon-api 5.6)."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import pytest
from anyio.abc import SocketStream

from milepost.local.apps.readiness import ReadinessCheck
from milepost.local.apps.refusal import Refused
from milepost.local.probes import Prober
from milepost.local.scheduler import render
from milepost.local.scheduler.deployments import cancel
from milepost.local.scheduler.effects import ProbeReadiness, TaskEnded
from milepost.local.scheduler.faults import partition_node
from milepost.local.scheduler.readiness import Answer
from support.local_world import SLEEPER, World, definition

BUSY = Answer(503, "text/plain", "loading")
DEAF = Answer(504, "text/plain", "refused")
PORTS = [{"port": 0, "name": "admin"}, {"port": 0, "name": "http"}]
CHECK: dict[str, Any] = {"name": "up", "portName": "http"}
APP: dict[str, Any] = {**SLEEPER, "portDefinitions": PORTS, "readinessChecks": [CHECK]}


class Asked:
    """A world whose tasks all give `answer` when they are asked whether they are ready."""

    def __init__(self, app: dict[str, Any], answer: Answer = BUSY) -> None:
        self.world = World()
        self.answer: Answer | None = answer
        self.world.put(app)

    @property
    def questions(self) -> list[ProbeReadiness]:
        return [each for each in self.world.pending if isinstance(each, ProbeReadiness)]

    def start(self) -> None:
        for effect in [each for each in self.world.pending if not isinstance(each, ProbeReadiness)]:
            self.world.happen(effect)

    def answers(self) -> None:
        """Every task that is asked answers."""
        for question in self.questions:
            if self.answer:
                self.world.unready[question.task_id] = self.answer
            else:
                self.world.unready.pop(question.task_id, None)
            self.world.happen(question)

    def shown(self) -> Any:
        (deployment,) = self.world.cluster.deployments.values()
        (action,) = render.deployment(self.world.cluster, deployment)["currentActions"]
        results = action["readinessCheckResults"]
        assert render.app(self.world.cluster, self.world.record(), {"readiness"})["readinessCheckResults"] == results
        return results


def test_a_deployment_waits_until_its_task_is_ready() -> None:
    asked = Asked(APP)
    asked.start()
    assert asked.shown() == []  # nothing was heard yet
    asked.answers()
    (task,) = asked.world.instances()
    assert asked.shown() == [{"name": "up", "taskId": task.task_id, "ready": False}]
    asked.answer = None
    asked.answers()
    assert not asked.world.cluster.deployments
    assert asked.questions == []
    app = render.app(asked.world.cluster, asked.world.record(), {"readiness"})
    assert app["readinessCheckResults"] == []  # gone with the deployment


def test_a_task_is_asked_at_once_at_the_port_of_that_name_and_then_at_each_interval() -> None:
    asked = Asked({**APP, "readinessChecks": [{**CHECK, "intervalSeconds": 7, "timeoutSeconds": 5}]})
    asked.start()
    (first,) = asked.questions
    assert (first.after_s, first.port) == (0.0, asked.world.instances()[0].ports[1])
    asked.answers()
    assert [each.after_s for each in asked.questions] == [7.0]


def test_a_new_task_that_does_not_listen_yet_is_asked_again_soon() -> None:
    asked = Asked(APP, DEAF)
    asked.start()
    asked.answers()
    assert [each.after_s for each in asked.questions] == [0.2]
    asked.world.now_s += 5
    asked.answers()
    assert [each.after_s for each in asked.questions] == [30.0]


@pytest.mark.parametrize(
    ("codes", "status", "ready"), [([200], 204, False), ([200, 204], 204, True), ([503], 503, True)]
)
def test_which_statuses_mean_ready_is_up_to_the_check(codes: list[int], status: int, ready: bool) -> None:
    asked = Asked({**APP, "readinessChecks": [{**CHECK, "httpStatusCodesForReady": codes}]}, Answer(status, "", ""))
    asked.start()
    asked.answers()
    assert (not asked.world.cluster.deployments) is ready


def test_the_last_answer_is_shown_where_the_check_asks_for_it() -> None:
    asked = Asked({**APP, "readinessChecks": [{**CHECK, "preserveLastResponse": True}]})
    asked.start()
    asked.answers()
    (result,) = asked.shown()
    assert result["lastResponse"] == {"status": 503, "contentType": "text/plain", "body": "loading"}


def test_once_ready_a_task_is_ready_though_its_deployment_goes_on() -> None:
    asked = Asked({**APP, "instances": 2})
    asked.start()
    first, second = asked.questions
    asked.world.happen(first)
    asked.world.unready[second.task_id] = BUSY
    asked.world.happen(second)
    assert [each.task_id for each in asked.questions] == [second.task_id]
    assert {each["taskId"]: each["ready"] for each in asked.shown()} == {first.task_id: True, second.task_id: False}


def test_health_and_readiness_must_both_be_there() -> None:
    asked = Asked({**APP, "healthChecks": [{"path": "/"}]})
    asked.start()
    asked.start()  # the health probe passes
    assert asked.world.instances()[0].healthy
    assert asked.world.cluster.deployments
    asked.answer = None
    asked.answers()
    assert not asked.world.cluster.deployments


def test_old_tasks_stay_until_new_ones_are_ready() -> None:
    asked = Asked(APP, Answer(200, "", ""))
    asked.start()
    asked.answers()
    (old,) = asked.world.instances()
    asked.answer = BUSY
    asked.world.put({**APP, "env": {"A": "new"}})
    asked.start()
    asked.answers()
    assert old in asked.world.instances()
    asked.answer = None
    asked.answers()
    asked.start()
    assert old.id not in {each.id for each in asked.world.instances()}


def test_a_task_that_follows_a_failed_one_outside_a_deployment_is_not_asked() -> None:
    asked = Asked(APP, Answer(200, "", ""))
    asked.start()
    asked.answers()
    asked.world.tell(TaskEnded(asked.world.instances()[0].task_id, 1))
    asked.world.run()
    assert asked.world.instances()[0].is_good
    assert asked.questions == []


def test_nobody_is_asked_any_more_once_the_deployment_is_cancelled() -> None:
    asked = Asked(APP)
    asked.start()
    (deployment,) = asked.world.cluster.deployments.values()
    asked.world.command(cancel, deployment)
    asked.answers()
    assert asked.questions == []
    assert asked.world.instances()[0].is_good


def test_a_task_that_cannot_be_reached_is_not_heard_but_asked_again() -> None:
    asked = Asked({**APP, "unreachableStrategy": "disabled"})
    asked.start()
    asked.world.command(partition_node, asked.world.instances()[0].node)
    asked.answer = None
    asked.answers()
    assert asked.world.cluster.deployments
    assert len(asked.questions) == 1


@pytest.mark.parametrize(
    ("checks", "path", "said"),
    [
        ([CHECK, CHECK], "/readinessChecks", "at most one"),
        ([{}], "/readinessChecks(0)/portName", "No port definition reference for portName http-api"),
        ([{**CHECK, "timeoutSeconds": 30}], "/readinessChecks(0)/timeoutSeconds", "less than intervalSeconds"),
        ([{**CHECK, "protocol": "TCP"}], "/readinessChecks(0)/protocol", "HTTP, HTTPS"),
        ([{**CHECK, "httpStatusCodesForReady": []}], "/readinessChecks(0)/httpStatusCodesForReady", "empty"),
    ],
)
def test_a_check_that_cannot_work_is_refused_at_its_place(checks: list[Any], path: str, said: str) -> None:
    with pytest.raises(Refused) as refused:
        definition({**APP, "readinessChecks": checks})
    (detail,) = refused.value.body["details"]
    assert detail["path"] == path
    assert said in detail["errors"][0]


def test_a_check_is_shown_complete() -> None:
    (shown,) = definition(APP).document()["readinessChecks"]
    assert shown == {
        "name": "up",
        "protocol": "HTTP",
        "path": "/",
        "portName": "http",
        "intervalSeconds": 30,
        "timeoutSeconds": 10,
        "httpStatusCodesForReady": (200,),
        "preserveLastResponse": False,
    }


@asynccontextmanager
async def serving(reply: bytes | None) -> AsyncIterator[int]:
    """A server that gives this reply to everybody, None for none at all; its port."""

    async def answer(stream: SocketStream) -> None:
        async with stream:
            await stream.receive()
            if reply is None:
                await anyio.sleep_forever()
            else:
                await stream.send(reply)

    async with await anyio.create_tcp_listener(local_host="127.0.0.1") as listener, anyio.create_task_group() as group:
        group.start_soon(listener.serve, answer)
        yield listener.extra(anyio.abc.SocketAttribute.local_port)
        group.cancel_scope.cancel()


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("reply", "status", "said"),
    [
        (b"HTTP/1.1 503 x\r\nContent-Type: text/x\r\nContent-Length: 4\r\n\r\nwait", 503, "wait"),
        (b"HTTP/1.1 302 x\r\nLocation: /\r\nContent-Length: 0\r\n\r\n", 302, ""),  # not followed
        (b"HTTP/1.1 200 x\r\nContent-Type: text/x; charset=none\r\nContent-Length: 2\r\n\r\nok", 200, "ok"),
        (b"no HTTP\r\n\r\n", 504, "could not be asked"),
        (None, 504, "no answer within 0.05 s"),
    ],
)
async def test_what_a_task_says_is_heard_as_it_is_and_silence_is_a_504(
    reply: bytes | None, status: int, said: str
) -> None:
    prober = Prober()
    check = ReadinessCheck(path="/ready", timeout_seconds=0.05 if reply is None else 10)
    async with serving(reply) as port:
        answer = await prober.ask(ProbeReadiness("t", check, "127.0.0.1", port, 0.0))
    await prober.aclose()
    assert answer.status == status
    assert said in answer.body

"""Any order of calls to the local scheduler's API, with tasks that come and go and time that passes meanwhile."""

from collections import Counter
from typing import Any, ClassVar
from urllib.parse import quote

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from milepost.local.scheduler.effects import KillTask, LaunchTask, PortTaken, Probed, ProbeHealth, TaskEnded
from milepost.local.scheduler.nodes import Equipment, Resources
from support import fuzz_documents as documents
from support.fuzz_claims import asked, can_be_put_back, comes_to_rest, happen
from support.local_world import World
from support.still_api import StillApi

ADDRESSES = ("127.0.59.2", "127.0.59.3", "127.0.59.4")
EQUIPMENT = Equipment(Resources.of(10, 4096, 1e12), {"rack": ("a", "b")})
FLAGS = ("force", "scale", "wipe", "partialUpdate", "dryRun")
READS = (
    "/v2/apps", "/v2/apps?embed=apps.tasks&embed=apps.failures&embed=apps.readiness", "/v2/apps?label=a%20in%20(x,y)",
    "/v2/apps?label=(", "/v2/apps?id=g&cmd=SLEEP", "/v2/tasks", "/v2/tasks?status=running", "/v2/groups",
    "/v2/groups?embed=group.apps.tasks", "/v2/groups/versions", "/v2/groups/apps", "/v2/groups/g", "/v2/apps/g/*",
    "/v2/apps/*/tasks", "/v2/deployments", "/v2/queue", "/v2/info", "/v2/leader", "/ping", "/metrics", "/v2/plugins",
    "/v2/pods", "/v2/events", "/local/nodes", "/v2/nothing", "/",
)  # fmt: skip
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "X")
PLACES = (
    "/v2/apps", "/v2/apps/{}", "/v2/apps/{}/restart", "/v2/apps/{}/tasks", "/v2/apps/{}/tasks/{}",
    "/v2/apps/{}/versions",
    "/v2/apps/{}/versions/{}", "/v2/groups", "/v2/groups/{}", "/v2/groups/{}/versions/{}", "/v2/groups/versions/{}",
    "/v2/tasks/delete", "/v2/tasks", "/v2/deployments/{}", "/v2/deployments", "/v2/queue/{}/delay", "/v2/queue",
    "/local/nodes/{}/stop", "/local/nodes/{}/{}", "/local/tasks/{}/crash", "/local/tasks/{}/output/{}", "/v2/pods/{}",
    "/v2/events", "/v2/info", "/ping", "/metrics", "/{}",
)  # fmt: skip

flags = st.dictionaries(st.sampled_from(FLAGS), st.sampled_from(["true", "True", "false", "x", ""]), max_size=3)
forces = st.sampled_from(["", "?force=true"])
app_ids = st.sampled_from(documents.APPS)
group_ids = st.sampled_from(documents.GROUPS)
any_id = st.one_of(app_ids, st.sampled_from(documents.WEIRD_IDS), st.text(max_size=5))
content_types = st.sampled_from(["application/json", "text/plain", "application/x-www-form-urlencoded", "", "é"])


class LocalMarathon(RuleBasedStateMachine):
    """One cluster of three nodes. `calls` counts over all of them: (method, place, status class)."""

    calls: ClassVar[Counter[tuple[str, str, str]]] = Counter()

    def __init__(self) -> None:
        super().__init__()
        nodes = tuple(EQUIPMENT.node(address, index) for index, address in enumerate(ADDRESSES))
        self.world = World(nodes)
        self.api = StillApi(self.world)

    def ask(self, method: str, target: str, body: Any = None, place: str = "", **headers: str) -> Any:
        answer = asked(self.api, method, target, body, headers)
        name = place or target.partition("?")[0]
        self.calls[method, name, f"{answer.status // 100}xx"] += 1
        return answer

    @rule(app=documents.apps, force=forces)
    def create(self, app: Any, force: str) -> None:
        answer = self.ask("POST", f"/v2/apps{force}", app)
        assert answer.status in (201, 409, 422), answer.body

    @rule(app_id=app_ids, body=documents.bodies, query=flags, method=st.sampled_from(["PUT", "PATCH"]))
    def change(self, app_id: str, body: Any, query: dict[str, str], method: str) -> None:
        self.ask(method, f"/v2/apps{app_id}{_query(query)}", body, "/v2/apps/{}")

    @rule(app_id=app_ids, count=st.integers(0, 5), force=forces)
    def scale(self, app_id: str, count: int, force: str) -> None:
        self.ask("PATCH", f"/v2/apps{app_id}{force}", {"instances": count}, "/v2/apps/{}")

    @rule(many=st.lists(documents.apps, max_size=3), query=flags, method=st.sampled_from(["PUT", "PATCH"]))
    def change_many(self, many: Any, query: dict[str, str], method: str) -> None:
        self.ask(method, f"/v2/apps{_query(query)}", many)

    @rule(app_id=app_ids, query=flags)
    def delete(self, app_id: str, query: dict[str, str]) -> None:
        self.ask("DELETE", f"/v2/apps{app_id}{_query(query)}", None, "/v2/apps/{}")

    @rule(app_id=app_ids, force=forces)
    def restart(self, app_id: str, force: str) -> None:
        self.ask("POST", f"/v2/apps{app_id}/restart{force}", {}, "/v2/apps/{}/restart")

    @rule(app_id=app_ids, back=st.integers(0, 5), force=forces)
    def roll_back(self, app_id: str, back: int, force: str) -> None:
        record = self.world.cluster.app(app_id)
        if record:
            version = record.versions[min(back, len(record.versions) - 1)].version
            assert (
                self.ask("GET", f"/v2/apps{app_id}/versions/{version}", None, "/v2/apps/{}/versions/{}").status == 200
            )
            self.ask("PUT", f"/v2/apps{app_id}{force}", {"version": version}, "/v2/apps/{}")

    @rule(app_id=app_ids, host=st.sampled_from(["", "*", *ADDRESSES]), query=flags)
    def kill_tasks_of_an_app(self, app_id: str, host: str, query: dict[str, str]) -> None:
        more = {"host": host} if host else {}
        self.ask("DELETE", f"/v2/apps{app_id}/tasks{_query(query | more)}", None, "/v2/apps/{}/tasks")

    @rule(data=st.data(), query=flags)
    def kill_one(self, data: st.DataObject, query: dict[str, str]) -> None:
        app_id, task_id = self._some_task(data)
        self.ask("DELETE", f"/v2/apps{app_id}/tasks/{task_id}{_query(query)}", None, "/v2/apps/{}/tasks/{}")

    @rule(data=st.data(), query=flags)
    def kill_some(self, data: st.DataObject, query: dict[str, str]) -> None:
        ids = [self._some_task(data)[1] for _ in range(data.draw(st.integers(0, 3)))]
        self.ask("POST", f"/v2/tasks/delete{_query(query)}", {"ids": ids})

    @rule(data=st.data())
    def crash(self, data: st.DataObject) -> None:
        self.ask("POST", f"/local/tasks/{self._some_task(data)[1]}/crash", None, "/local/tasks/{}/crash")

    @rule(group_id=group_ids, body=documents.groups(), query=flags, method=st.sampled_from(["PUT", "PUT", "POST"]))
    def change_group(self, group_id: str, body: Any, query: dict[str, str], method: str) -> None:
        self.ask(method, f"/v2/groups{group_id}{_query(query)}", body, "/v2/groups/{}")

    @rule(group_id=group_ids, factor=st.sampled_from([0, 0.5, 1, 2, 1.7]), force=forces)
    def scale_group(self, group_id: str, factor: float, force: str) -> None:
        if sum(record.definition.instances for record in self.world.cluster.apps() if record.definition) < 40:
            self.ask("PUT", f"/v2/groups{group_id}{force}", {"scaleBy": factor}, "/v2/groups/{}")

    @rule(group_id=group_ids, back=st.integers(0, 5), query=flags)
    def roll_group_back(self, group_id: str, back: int, query: dict[str, str]) -> None:
        history = self.world.cluster.history
        if history:
            version = history[min(back, len(history) - 1)].version
            self.ask("PUT", f"/v2/groups{group_id}{_query(query)}", {"version": version}, "/v2/groups/{}")

    @rule(group_id=group_ids, force=forces)
    def delete_group(self, group_id: str, force: str) -> None:
        self.ask("DELETE", f"/v2/groups{group_id}{force}", None, "/v2/groups/{}")

    @rule(data=st.data(), force=forces)
    def end_deployment(self, data: st.DataObject, force: str) -> None:
        found = data.draw(st.sampled_from([*self.world.cluster.deployments, "none"]))
        self.ask("DELETE", f"/v2/deployments/{found}{force}", None, "/v2/deployments/{}")

    @rule(app_id=app_ids)
    def reset_delay(self, app_id: str) -> None:
        self.ask("DELETE", f"/v2/queue{app_id}/delay", None, "/v2/queue/{}/delay")

    @rule(node=st.sampled_from([*ADDRESSES, "2", "9"]), act=st.sampled_from(["stop", "partition", "start"]))
    def node_fault(self, node: str, act: str) -> None:
        self.ask("POST", f"/local/nodes/{node}/{act}", None, f"/local/nodes/{{}}/{act}")

    @rule(read=st.sampled_from(READS))
    def look(self, read: str) -> None:
        self.ask("GET", read)

    @rule(method=st.sampled_from(METHODS), place=st.sampled_from(PLACES), ids=st.tuples(any_id, any_id), query=flags)
    def ask_anything(self, method: str, place: str, ids: tuple[str, str], query: dict[str, str]) -> None:
        """With no body. The leadership is not asked for: that ends the server."""
        target = place.format(*(quote(each.strip("/"), safe="/*:") for each in ids))
        if not (place == "/v2/apps/{}" and method == "DELETE"):
            self.ask(method, f"{target}{_query(query)}", None, place)

    @rule(method=st.sampled_from(["POST", "PUT", "PATCH", "DELETE"]), place=st.sampled_from(PLACES), data=st.data())
    def send_anything(self, method: str, place: str, data: st.DataObject) -> None:
        target = place.format(*(each.strip("/") for each in data.draw(st.tuples(app_ids, app_ids))))
        body, kind = data.draw(documents.any_body), data.draw(content_types)
        query = _query(data.draw(flags))
        self.ask(method, f"{target}{query}", body, place, **{"content-type": kind})

    @rule(data=st.data())
    def something_happens(self, data: st.DataObject) -> None:
        for _ in range(data.draw(st.integers(1, 6))):
            if self.world.pending:
                self._happen(data)

    @rule()
    def all_comes_to_rest(self) -> None:
        comes_to_rest(self.api)
        can_be_put_back(self.api)

    @rule()
    def all_can_be_put_back(self) -> None:
        can_be_put_back(self.api)

    def teardown(self) -> None:
        comes_to_rest(self.api)

    def _happen(self, data: st.DataObject) -> None:
        world = self.world
        effect = data.draw(st.sampled_from(range(len(world.pending))).map(lambda index: world.pending[index]))
        fails = data.draw(st.booleans())
        if fails and isinstance(effect, LaunchTask | KillTask):
            world.pending.remove(effect)
            taken = isinstance(effect, LaunchTask) and effect.ports and data.draw(st.booleans())
            if taken and isinstance(effect, LaunchTask):
                world.tell(PortTaken(effect.task_id, effect.ports[0]))
            else:
                world.tell(TaskEnded(effect.task_id, data.draw(st.integers(0, 1)), "it failed"))
        elif fails and isinstance(effect, ProbeHealth):
            world.pending.remove(effect)
            world.now_s += effect.after_s
            world.tell(Probed(effect.task_id, effect.index, "no"))
        else:
            happen(world, effect)

    def _some_task(self, data: st.DataObject) -> tuple[str, str]:
        """An app and a task of it, or ones that are not there."""
        unknown = ("/a", "a.instance-00000000-0000-1000-8000-00000000abcd._app.1")
        found = [(r.id, i.task_id) for r in self.world.cluster.records.values() for i in r.instances.values()]
        return data.draw(st.sampled_from([*found, unknown, ("/a", "nothing")]))


def _query(pairs: dict[str, str]) -> str:
    return "?" + "&".join(f"{key}={quote(value)}" for key, value in pairs.items()) if pairs else ""

"""Several balancers of one cluster: what each saw before leaves no trace in what it runs."""

from collections.abc import Mapping
from dataclasses import replace
from itertools import combinations
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from milepost.model.routing import Holders
from milepost.model.snapshot import App, AppDefinition, AppPort, NetworkMode, Snapshot
from milepost.proxies.haproxy.config import Desired, Profile
from milepost.proxies.haproxy.desired import RunDesigner
from milepost.proxies.haproxy.names import server_ids
from milepost.proxies.haproxy.observe import expected
from milepost.proxies.haproxy.plan import Planner
from milepost.proxies.haproxy.render import render
from milepost.routing.build import Router
from milepost.routing.policy import Conflicts, Policy
from support.apps import app, snapshot, task
from support.fake_haproxy import FakeHaproxy

PROFILE = Profile("/run/admin.sock", "/maps", 20_000)
SETTLED = Policy(("external",), conflicts=Conflicts.LOWER_ID)
COLLIDING = next(
    pair
    for pair in combinations(range(1000), 2)
    if len({*server_ids([f"10_0_0_1_{31_000 + pair[0]}"]), *server_ids([f"10_0_0_1_{31_000 + pair[1]}"])}) == 1
)
"""Two tasks whose servers would have the same id."""


class Balancer:
    """One milepost from its start, and its HAProxy."""

    def __init__(self, policy: Policy, holders: Mapping[str, str] | None = None) -> None:
        self._router, self._designer, self._planner = Router(policy), RunDesigner(PROFILE), Planner()
        self.holders = Holders(holders or {})
        self.haproxy = FakeHaproxy("")
        self.desired: Desired

    def sees(self, *history: Snapshot) -> "Balancer":
        for moment in history:
            table = self._router.build(moment, self.holders)
            self.holders = table.holders
            self.desired = self._designer.desired(table)
            for _ in range(3):  # live changes, a reload, and nothing more
                self._pass()
        return self

    def _pass(self) -> None:
        found = self._planner.plan(self.desired, self.haproxy.actual)
        for change in found.live:
            for command in change.commands:  # type: ignore[attr-defined]  # all are ours
                self.haproxy.run(command)
        if found.structure:
            runs = expected(self.desired)
            maps = {path: dict(entries) for path, entries in self.desired.maps.items()}
            pools = {backend: dict(pool) for backend, pool in runs.servers.items()}
            self.haproxy = FakeHaproxy(runs.digest, pools, maps)
            self._planner.restructured()

    @property
    def runs(self) -> tuple[str, object, object]:
        """The text, and what the HAProxy that was changed live again and again makes of it: a key follows from ids."""
        ids = {
            backend: {(server.name, server.id, server.address, server.port, server.up) for server in pool.values()}
            for backend, pool in self.haproxy.pools.items()
        }
        return render(self.desired), ids, self.haproxy.maps


def ip_per_task(app_id: str) -> App:
    """An app whose port gets its service port from milepost."""
    labels = {"HAPROXY_GROUP": "external"}
    return App(AppDefinition(app_id, labels, NetworkMode.CONTAINER, (AppPort(None, 0, number=8080),)))


IDS = ("/a", "/b", "/a/b", "/a_b")
tasks = st.lists(st.sampled_from([task(number) for number in (*COLLIDING, 1, 2)]), max_size=4, unique=True)
hosts = st.sampled_from([{}, {"HAPROXY_0_VHOST": "x.example"}, {"HAPROXY_0_BALANCE": "uri"}, {"HAPROXY_0_STICKY": "1"}])


@st.composite
def snapshots(draw: st.DrawFn) -> Snapshot:
    """Apps in any order, that want the same ports, hosts and names."""
    found = []
    for app_id in draw(st.lists(st.sampled_from(IDS), min_size=2, unique=True)):
        plain = app(app_id, *draw(tasks), port=draw(st.sampled_from([10_000, 10_001])), labels=draw(hosts))
        found.append(plain if draw(st.booleans()) else ip_per_task(app_id))
    return snapshot(*found)


def in_another_order(moment: Snapshot, chance: Random) -> Snapshot:
    """The same, as the next answer of Marathon may list it."""
    found = [replace(one, tasks=tuple(chance.sample(one.tasks, len(one.tasks)))) for one in moment.apps.values()]
    return snapshot(*chance.sample(found, len(found)))


@given(
    st.lists(st.tuples(st.lists(snapshots(), min_size=1, max_size=3), st.randoms()), min_size=2, max_size=2),
    snapshots(),
)
def test_balancers_that_saw_different_things_run_the_same_in_the_end(
    histories: list[tuple[list[Snapshot], Random]], last: Snapshot
) -> None:
    found = [Balancer(SETTLED).sees(*history, in_another_order(last, chance)).runs for history, chance in histories]
    assert found[0] == found[1] == Balancer(SETTLED).sees(last).runs


def test_the_tasks_of_these_tests_do_collide() -> None:
    one, other = (Balancer(SETTLED).sees(snapshot(app("/a", task(n)))) for n in COLLIDING)
    both = Balancer(SETTLED).sees(snapshot(app("/a", *map(task, COLLIDING))))
    ids = [{server.id for server in found.haproxy.pools["a_10000"].values()} for found in (one, other, both)]
    assert ids[0] == ids[1]
    assert len(ids[2]) == 2


def test_by_recorded_holders_a_new_balancer_agrees_only_if_it_is_given_them() -> None:
    first, both = snapshot(app("/b", task(1))), snapshot(app("/a", task(0)), app("/b", task(1)))
    policy = Policy(("external",))
    old, new = Balancer(policy).sees(first, both), Balancer(policy).sees(both)
    assert old.runs != new.runs
    assert Balancer(policy, old.holders.by_key).sees(both).runs == old.runs
    assert Balancer(SETTLED).sees(first, both).runs == Balancer(SETTLED).sees(both).runs

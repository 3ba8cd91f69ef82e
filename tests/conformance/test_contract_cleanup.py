"""What HAProxy refuses is left out app by app, and the rest is written: decided by a real HAProxy."""

from collections.abc import Collection, Sequence
from itertools import count
from pathlib import Path

import pytest

from milepost.proxies.haproxy.binary import Binary
from milepost.proxies.haproxy.bisect import find_culprit
from milepost.proxies.haproxy.contract import served_ids
from support.conformance import Case, all_cases, to_compare
from support.contract_check import judge
from support.haproxy import each_haproxy
from support.shared import needs_shared

pytestmark = [needs_shared, pytest.mark.anyio, pytest.mark.system]

JUDGED = [name for name in all_cases() if Case(name).args["validate"]]


async def refused_apps(case: Case, binary: Binary, folder: Path) -> Sequence[str]:
    """The apps that have to go before HAProxy takes the rest, in the order in which they are found."""
    numbers = count()
    found: list[str] = []
    everyone = served_ids(case.snapshot)

    async def is_refused(apps: Collection[str]) -> bool:
        _, contract = case.contract(set(everyone) - set(apps))
        checked = await judge(binary, folder / str(next(numbers)), contract, case.contract_flags)
        return bool(checked.alerts)

    apps = list(everyone)
    while await is_refused(apps):
        culprit = await find_culprit(apps, is_refused)
        assert culprit is not None
        found.append(culprit)
        apps.remove(culprit)
    return found


@each_haproxy
@pytest.mark.parametrize("name", JUDGED)
async def test_only_the_apps_that_haproxy_refuses_are_left_out(name: str, binary: Binary, tmp_path: Path) -> None:
    case = Case(name)
    dropped = await refused_apps(case, binary, tmp_path)
    table, contract = case.contract(dropped)
    left_out = {*dropped, *table.dropped}
    if case.meta["outcome"] == "nothing-written":
        assert dropped  # with all of them marathon-lb wrote nothing, by a flag or because no app was left
    else:
        assert left_out >= set(case.meta["dropped_apps"])
        expected, got = to_compare(case, contract.text)
        assert got == expected

"""HAProxy takes what the contract profile writes, though marathon-lb's words were for an older one."""

from pathlib import Path

import anyio
import pytest

from milepost.proxies.haproxy.binary import Binary
from support.conformance import Case, all_cases
from support.contract_check import judge
from support.haproxy import each_haproxy
from support.shared import needs_shared

pytestmark = [needs_shared, pytest.mark.anyio, pytest.mark.system]

AT_ONCE = 2

REFUSED = {
    "service-port-zero": "a port of 0",
    "vhost-mode-tcp": "a host of a tcp service",
    "tmpl-label-literal-backslash-n": "an owner's own template of one line",
    "tmpl-labels-multi-vhost": "an owner's own template asks for an ACL that the others no longer write",
}
"""Written as marathon-lb wrote it, and left out app by app where HAProxy is asked."""

TAKEN = [name for name in all_cases() if name not in REFUSED and "haproxy_2_6" in Case(name).meta]
TAKEN += [name for name in all_cases() if "isolate" in Case(name).meta]


async def refusals(names: list[str], binary: Binary, folder: Path) -> dict[str, str]:
    """HAProxy's words about each case that it refuses."""
    found: dict[str, str] = {}
    limit = anyio.CapacityLimiter(AT_ONCE)

    async def ask(name: str) -> None:
        async with limit:
            case = Case(name)
            _, contract = case.contract(case.meta.get("dropped_apps", ()))
            checked = await judge(binary, folder / name, contract, case.contract_flags)
            if checked.alerts:
                found[name] = checked.words

    async with anyio.create_task_group() as group:
        for name in names:
            group.start_soon(ask, name)
    return found


@each_haproxy
async def test_every_accepted_text_is_accepted_by_todays_haproxy(binary: Binary, tmp_path: Path) -> None:
    assert await refusals(TAKEN, binary, tmp_path) == {}


@each_haproxy
async def test_only_what_marathon_lb_wrote_wrongly_is_refused(binary: Binary, tmp_path: Path) -> None:
    assert (await refusals(list(REFUSED), binary, tmp_path)).keys() == REFUSED.keys()

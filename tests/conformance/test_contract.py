"""The contract profile writes what marathon-lb wrote; docs/conformance.md names the cases that come out otherwise."""

import re
from pathlib import Path

import pytest

from milepost.errors import SettingsError
from milepost.proxies.haproxy.render import render_map
from support.conformance import Case, all_cases, to_compare
from support.shared import needs_shared

pytestmark = needs_shared

_PAGE = Path(__file__).parents[2] / "docs" / "conformance.md"
DEVIATIONS = frozenset(re.findall(r"^- `([a-z0-9-]+)` \(", _PAGE.read_text(), re.MULTILINE))

JUDGED = tuple(name for name in all_cases() if Case(name).args["validate"])
"""What is left of these is decided by HAProxy: test_contract_cleanup.py."""

ISOLATED = tuple(name for name in all_cases() if Case(name).meta.get("isolate"))
REFUSED = tuple(name for name in all_cases() if "error" in Case(name).meta["tags"])
WRITTEN = tuple(sorted(set(all_cases()) - {*JUDGED, *REFUSED}))


def differs(name: str) -> tuple[list[str], list[str]] | None:
    """(expected, got) where the text or a map comes out otherwise."""
    case = Case(name)
    _, contract = case.contract()
    expected, got = to_compare(case, contract.text)
    expected += [f"{path} {text}" for path, text in case.expected_maps.items()]
    maps = {Path(path).name: render_map(entries) for path, entries in contract.maps.items()}
    got += [f"{name} {text}" for name, text in maps.items() if case.expected_maps or not case.meta.get("isolate")]
    return None if got == expected else (expected, got)


@pytest.mark.parametrize("name", sorted(set(WRITTEN) - DEVIATIONS))
def test_the_text_is_what_marathon_lb_wrote(name: str) -> None:
    found = differs(name)
    if found is not None:
        assert found[0] == found[1]


@pytest.mark.parametrize("name", sorted(DEVIATIONS))
def test_a_deviation_is_one(name: str) -> None:
    """Else its line in docs/conformance.md says something that is not so."""
    assert name in WRITTEN
    assert differs(name) is not None


def test_deviations_are_few() -> None:
    assert 0 < len(DEVIATIONS) < 10


@pytest.mark.parametrize("name", sorted(set(ISOLATED) - DEVIATIONS))
def test_the_app_that_stopped_marathon_lb_is_left_out_and_named(name: str) -> None:
    case = Case(name)
    table, contract = case.contract()
    bad_apps = set(case.meta["isolate"]["apps"])
    assert {problem.app_id for problem in (*table.problems, *contract.problems)} == bad_apps
    assert not bad_apps & {block.app_id for block in contract.blocks}


@pytest.mark.parametrize("name", REFUSED)
def test_a_head_that_cannot_be_reloaded_is_refused_before_anything_is_written(name: str) -> None:
    with pytest.raises(SettingsError, match=r"template HEAD: .*daemon"):
        Case(name).contract()

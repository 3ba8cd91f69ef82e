"""A shared map is a dict that never changes, and knows what is different from another version."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from milepost.model.shared_map import SharedMap, changed, replaced

VALUES = [frozenset({number % 3}) for number in range(6)]  # each equal to another one, none the same object


def keys(count: int) -> list[str]:
    return [f"k{number}" for number in range(count)]


values = st.sampled_from(VALUES)
some_keys = st.sampled_from(keys(300))
changes = st.dictionaries(some_keys, values, max_size=5)
models = st.builds(
    lambda count, offset: {key: VALUES[(at + offset) % 6] for at, key in enumerate(keys(count))},
    st.integers(0, 200),
    st.integers(0, 5),
)
steps = st.lists(st.tuples(st.sampled_from(["replaced", "rebuilt", "smaller", "turned round"]), changes), max_size=6)


@given(models, steps)
def test_it_is_what_a_dict_is_and_no_version_ever_changes(
    model: dict[str, frozenset[int]], history: list[tuple[str, dict[str, frozenset[int]]]]
) -> None:
    versions = [(SharedMap(model), model)]
    for step, found in history:
        shared, model = versions[-1]
        if step == "smaller":
            model = {key: value for key, value in model.items() if key not in found}
            versions.append((SharedMap(model, shared), model))
        elif step == "turned round":
            model = dict(reversed([*model.items()]))
            versions.append((SharedMap(model, shared), model))
        else:
            model = {**model, **found}
            versions.append((replaced(shared, found) if step == "replaced" else SharedMap(model, shared), model))
    for shared, model in versions:
        assert shared == model
        assert [*shared] == [*shared.keys()] == [*model]
        assert len(shared) == len(model)
        assert [id(value) for value in shared.values()] == [id(value) for value in model.values()]
        assert [(key, id(shared[key])) for key in shared] == [(key, id(value)) for key, value in shared.items()]


@given(models, changes, models, st.sampled_from(["replaced", "rebuilt", "another", "a dict"]))
def test_what_changed_is_what_a_look_at_every_value_finds(
    model: dict[str, frozenset[int]], found: dict[str, frozenset[int]], other: dict[str, frozenset[int]], way: str
) -> None:
    before = SharedMap(model)
    after = {
        "replaced": replaced(before, found),
        "rebuilt": SharedMap({**model, **found}, before),
        "another": SharedMap(other),
        "a dict": other,
    }[way]
    assert [*changed(before, after)] == [key for key in after if key not in model or after[key] is not model[key]]
    assert [*changed(after, before)] == [key for key in model if key not in after or after[key] is not model[key]]


@given(models, changes)
def test_a_plain_dict_can_be_replaced_in_as_well(
    model: dict[str, frozenset[int]], found: dict[str, frozenset[int]]
) -> None:
    assert [*replaced(model, found).items()] == [*{**model, **found}.items()]


@given(models)
def test_where_no_value_is_another_object_it_stays_itself(model: dict[str, frozenset[int]]) -> None:
    shared = SharedMap(model)
    assert replaced(shared, model) is shared
    assert replaced(shared, {}) is shared


class Untouchable:
    """Fails whoever compares it."""

    def __eq__(self, other: object) -> bool:
        raise AssertionError("compared")

    __hash__ = None  # type: ignore[assignment]  # no value needs one


def test_values_are_told_apart_by_identity_alone() -> None:
    shared = SharedMap({key: Untouchable() for key in keys(100)})
    assert [*changed(shared, replaced(shared, {"k70": Untouchable()}))] == ["k70"]
    assert [*changed(shared, SharedMap(dict(shared.items()), shared))] == []


def test_it_holds_no_unknown_key() -> None:
    shared = SharedMap({"a": 1})
    assert "b" not in shared
    assert shared.get("b") is None
    with pytest.raises(KeyError):
        shared["b"]


def test_equal_values_make_equal_maps_in_any_order() -> None:
    assert SharedMap({"a": 1, "b": 2}) == SharedMap({"b": 2, "a": 1}) == {"a": 1, "b": 2}
    assert SharedMap({"a": 1}) != SharedMap({"a": 2})
    assert repr(SharedMap({"a": 1})) == "SharedMap({'a': 1})"

"""Values as JSON, whatever kind of mapping they hold."""

from types import MappingProxyType

import msgspec
import pytest

from milepost.model.shared_map import SharedMap
from milepost.model.snapshot import Snapshot
from milepost.web.encoding import to_json
from support.apps import app, snapshot, task


@pytest.mark.parametrize("kind", [SharedMap, MappingProxyType, dict])
def test_any_mapping_is_an_object_and_is_read_back_as_it_was(kind: type) -> None:
    seen = snapshot(app("/web", task(1)), app("/api"))
    body = to_json(Snapshot(kind(seen.apps), seen.source, seen.read_at_s))
    assert body == msgspec.json.encode(seen)
    assert msgspec.json.decode(body, type=Snapshot) == seen


def test_what_json_has_no_shape_for_is_an_error() -> None:
    with pytest.raises(TypeError, match="no JSON for values of type object"):
        to_json({"a": object()})

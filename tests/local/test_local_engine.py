"""What the engine does with effects at the edge of what they can say."""

from pathlib import Path

import anyio
import anyio.lowlevel
import pytest

from milepost.local.scheduler.effects import WakeAt
from support.local_server import local_api


@pytest.mark.anyio
async def test_a_moment_to_look_again_that_has_passed_already_does_no_harm(tmp_path: Path) -> None:
    async with local_api(tmp_path) as api:
        api.engine.command(lambda turn: turn.want(WakeAt("/web", turn.now_s - 1)))
        await anyio.lowlevel.checkpoint()
        assert await api.call("GET", "/v2/deployments") == []

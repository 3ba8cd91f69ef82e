"""A scheduler's life in which every event of its own has happened."""

import pytest

from milepost.local.scheduler import changes
from milepost.local.scheduler.effects import Probed, TaskEnded
from support.local_world import CHECKED, World


def eventful_life() -> World:
    """A world in which everything has happened once."""
    world = World()
    app = {**CHECKED, "healthChecks": [{"path": "/", "maxConsecutiveFailures": 1}]}
    world.put(app)
    world.run()
    task_id = world.instances()[0].task_id
    for _ in range(2):
        world.tell(Probed(task_id, 0, "503 Service Unavailable"))
    world.tell(TaskEnded(task_id, -15, "Command terminated with signal Terminated"))
    world.run()
    world.tell(TaskEnded(world.instances()[0].task_id, 1, "Command exited with status 1"))
    world.put({**app, "cmd": "sleep 2"})
    with pytest.raises(Exception, match="locked"):
        world.put(app)
    world.put(app, force=True)
    world.run()
    world.command(changes.deploy, {"/web": None}, force=True)
    world.run()
    return world

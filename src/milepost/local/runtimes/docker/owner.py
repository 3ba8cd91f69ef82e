"""Whose a container is: labels by which a scheduler finds what an earlier one has left."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

from milepost.local.runtimes.leader import identity
from milepost.local.scheduler.effects import LaunchTask, Survivor

SCHEDULER = "milepost.scheduler"  # the folder of the scheduler, which is its for as long as it lives
PROCESS = "milepost.process"  # the scheduler's process
TASK, APP = "milepost.task", "milepost.app"
SURVIVOR = "milepost.survivor"  # what the next scheduler must know of a task that may outlive its own


@dataclass(frozen=True, slots=True)
class Owner:
    """A scheduler of the folder `scheduler`. With `keeps` its containers outlive it."""

    scheduler: Path
    keeps: bool

    def labels(self, launch: LaunchTask, now_s: float) -> dict[str, str]:
        """What its container of this task is labelled with."""
        labels = {
            SCHEDULER: str(self.scheduler),
            PROCESS: this_process(),
            TASK: launch.task_id,
            APP: launch.definition.id,
        }
        if self.keeps:
            task = Survivor(launch.task_id, launch.definition, launch.node, launch.ports, now_s)
            labels[SURVIVOR] = msgspec.json.encode(task).decode()
        return labels

    def survivor(self, labels: Mapping[str, str], state: str) -> Survivor | None:
        """The task of a container in the engine's `state` that goes on under this scheduler, None if it does not."""
        if not (self.keeps and state == "running" and labels.get(SCHEDULER) == str(self.scheduler)):
            return None
        try:
            return msgspec.json.decode(labels.get(SURVIVOR, ""), type=Survivor)
        except msgspec.MsgspecError:
            return None

    def may_remove(self, labels: Mapping[str, str]) -> bool:
        """Whether the container is left over: from an earlier scheduler of this folder, or from one that is dead and
        meant its tasks to end with it."""
        if labels.get(SCHEDULER) == str(self.scheduler):
            return True
        return SURVIVOR not in labels and _is_dead(labels.get(PROCESS, ""))


def this_process() -> str:
    """What tells this process from all others that this engine may hear of: namespace, number, boot and start."""
    return f"{_namespace()} {os.getpid()} {identity(os.getpid())}"


def _namespace() -> str:
    return os.readlink("/proc/self/ns/pid")


def _is_dead(process: str) -> bool:
    """False where that cannot be told from here: numbers mean nothing in another namespace."""
    namespace, _, rest = process.partition(" ")
    number, _, known = rest.partition(" ")
    return namespace == _namespace() and number.isdecimal() and identity(int(number)) != known

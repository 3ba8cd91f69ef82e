"""One turn of the scheduler: the state it works on, the time, and the effects it wants."""

from dataclasses import dataclass, field

from milepost.local.scheduler.cluster import Cluster
from milepost.local.scheduler.effects import Effect


@dataclass(slots=True)
class Turn:
    """`now_s` (Unix seconds) stands still within a turn. Effects are carried out in order, after it."""

    cluster: Cluster
    now_s: float
    effects: list[Effect] = field(default_factory=list)

    def want(self, *effects: Effect) -> None:
        self.effects.extend(effects)

"""The numbers of a rolling restart (marathon-api 10.4)."""

import math
from dataclasses import dataclass

from milepost.local.apps.definition import UpgradeStrategy


@dataclass(frozen=True, slots=True)
class Rollout:
    """Fixed at the start: `wanted` new instances, at most `cap` at any moment, `spare` old ones left after the
    first kills; from then on each new good one lets an old one go."""

    wanted: int
    cap: int
    spare: int


@dataclass(frozen=True, slots=True)
class Census:
    """Of one app now: old instances that are meant to stay, those that still die, new ones started, new ones good."""

    old: int
    dying: int
    new: int
    new_good: int


def begin(wanted: int, strategy: UpgradeStrategy, old: int, old_good: int) -> Rollout:
    """Decide how many old instances go at once, and how many may exist together.

    One more than allowed may exist where nothing could move otherwise: with equal limits (the rule's own case),
    and where unhealthy old instances fill the room.
    """
    keep = math.ceil(wanted * strategy.minimum_health_capacity - 1e-9)
    cap = math.floor(wanted * (1 + strategy.maximum_over_capacity) + 1e-9)
    at_once = min(old, max(0, old_good - keep, old - wanted))
    spare = old - at_once
    return Rollout(wanted, cap if spare < cap else spare + 1, spare)


def to_kill(rollout: Rollout, now: Census) -> int:
    """How many old instances go now."""
    return max(0, now.old - max(0, rollout.spare - now.new_good))


def to_start(rollout: Rollout, now: Census) -> int:
    """How many new instances start now."""
    return max(0, min(rollout.wanted - now.new, rollout.cap - now.old - now.dying - now.new))


def is_done(rollout: Rollout, now: Census) -> bool:
    """All new ones good, none of the old left."""
    return now.new_good >= rollout.wanted and now.old == now.dying == 0

"""How a change came out, by HAProxy's answers to its commands."""

from enum import Enum, auto


class Verdict(Enum):
    """DONE: seen to be applied. WAITS: nothing is wrong, a session must end first. REFUSED: HAProxy said no."""

    DONE = auto()
    WAITS = auto()
    REFUSED = auto()

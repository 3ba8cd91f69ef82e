"""What a deployment does, and in which order."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Action:
    """One app's part of a step. `kind` is Marathon's word: Start-, Stop-, Scale-, RestartApplication."""

    kind: str
    app_id: str


Step = tuple[Action, ...]

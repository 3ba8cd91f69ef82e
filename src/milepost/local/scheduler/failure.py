"""What went wrong with an app's tasks lately."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TaskFailure:
    """The latest failure of an app; `at_s` in Unix seconds."""

    task_id: str
    node: str
    state: str
    message: str
    at_s: float
    version: str

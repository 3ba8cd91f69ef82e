"""Marathon's times: UTC with exactly three fraction digits (marathon-api 2). Inside, times are float Unix seconds."""

from datetime import UTC, datetime
from functools import lru_cache


@lru_cache(maxsize=64)  # the many events of one turn bear one time
def written(at_s: float) -> str:
    """`at_s` as `2024-05-01T10:00:00.000Z`."""
    moment = datetime.fromtimestamp(round(at_s * 1000) / 1000, UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def read(text: str) -> float:
    """Unix seconds of an ISO-8601 time with its offset; ValueError for anything else."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"no offset from UTC: {text}")
    return moment.timestamp()


def version_after(previous: str, now_s: float) -> str:
    """A version for a change made at `now_s`: later than `previous` even within one millisecond."""
    floor_s = read(previous) + 0.001 if previous else now_s
    return written(max(now_s, floor_s))

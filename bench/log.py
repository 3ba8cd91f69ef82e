"""What a milepost under measurement tells in its log: notices as JSON, one a line."""

import asyncio
import json
from pathlib import Path
from typing import Any

POLL_S = 0.002


class Log:
    """Reads on from where the log ended when this was made."""

    def __init__(self, path: Path) -> None:
        self._path, self._at = path, path.stat().st_size

    async def next(self, event: str, deadline_s: float = 120.0) -> dict[str, Any]:
        """The next notice `event` (its class in snake case), waited for. Raises TimeoutError."""
        async with asyncio.timeout(deadline_s):
            while True:
                for notice in self._news():
                    if notice.get("event") == event:
                        return notice
                await asyncio.sleep(POLL_S)

    def _news(self) -> list[dict[str, Any]]:
        with self._path.open("rb") as file:
            file.seek(self._at)
            whole, _, _ = file.read().rpartition(b"\n")
        self._at += len(whole) + 1 if whole else 0
        return [json.loads(line) for line in whole.splitlines() if line.startswith(b"{")]

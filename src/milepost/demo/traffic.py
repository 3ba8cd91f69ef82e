"""A client that keeps asking one address and counts what it got: the judge of "no request was lost"."""

from collections import Counter
from dataclasses import dataclass, field

import anyio
import httpx2


@dataclass(slots=True)
class Tally:
    """What a client saw: requests made, each way in which one failed with how often, and who answered the others."""

    made: int = 0
    failures: Counter[str] = field(default_factory=Counter)
    answered_by: Counter[str] = field(default_factory=Counter)

    @property
    def failed(self) -> int:
        return self.failures.total()


async def keep_asking(url: str, tally: Tally, *, keep_alive: bool, pause_s: float = 0.002) -> None:
    """Ask `url` again and again until cancelled, one request at a time.

    With `keep_alive` all requests share a connection, else each has its own. Anything but a whole answer
    with status 200 is a failure: refused, reset, cut short, timed out, another status.
    """
    limits = httpx2.Limits(max_connections=1, max_keepalive_connections=1 if keep_alive else 0)
    async with httpx2.AsyncClient(timeout=5.0, limits=limits, trust_env=False) as client:
        while True:
            try:
                response = await client.get(url)
            except httpx2.HTTPError as error:
                outcome, task = type(error).__name__, ""
            else:
                outcome = "" if response.status_code == httpx2.codes.OK else f"status {response.status_code}"
                task = title(response.text)
            tally.made += 1
            if outcome:
                tally.failures[outcome] += 1
            else:
                tally.answered_by[task] += 1
            await anyio.sleep(pause_s)


def title(page: str) -> str:
    """The title of an HTML page; the local scheduler's nginx pages name the app and where its task runs."""
    return page.partition("<title>")[2].partition("</title>")[0]

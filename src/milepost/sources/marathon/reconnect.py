"""When to open the next event stream. Pure."""

from dataclasses import dataclass, replace

from milepost.sources.backoff import backoff_s
from milepost.sources.marathon.settings import MarathonSettings


@dataclass(frozen=True, slots=True)
class Reconnect:
    """What the streams so far came to: `short` ones in a row that were opened and ended soon, `refused` tries since.

    Two rows, since they cost differently. A stream that opens brings a read of all apps with it, so where they end at
    once the next waits ever longer. A try that is refused costs Marathon nothing, and while there is no stream nobody
    hears where a port has gone: such tries stay close together, however long Marathon was away.
    """

    short: int = 0
    refused: int = 0

    def opened(self, lived_s: float, settings: MarathonSettings) -> "Reconnect":
        """A stream has ended that lived for `lived_s` seconds."""
        return Reconnect(short=1 if lived_s >= settings.healthy_stream_s else self.short + 1)

    def not_opened(self) -> "Reconnect":
        return replace(self, refused=self.refused + 1)

    def wait_s(self, settings: MarathonSettings, chance: float) -> float:
        """Until the next try, in seconds; `chance` as in `backoff_s`."""
        if self.refused:
            limit_s = min(settings.max_backoff_s, settings.max_refused_s)
            return backoff_s(self.refused, settings.first_backoff_s, limit_s, chance)
        return backoff_s(self.short, settings.first_backoff_s, settings.max_backoff_s, chance)

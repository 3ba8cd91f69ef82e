"""How labels of our own are read that say how a service's traffic is treated."""

import re

from milepost.model.routing import ServerTls
from milepost.routing.grammar import Wrong, read_truth

SHORTEST_S, LONGEST_S = 0.1, 604_800.0

_DURATION = re.compile(r"([0-9]{1,9})\s*(ms|s|m|h|d)", re.ASCII)
_UNIT_S = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3_600.0, "d": 86_400.0}


def read_duration(text: str) -> float | Wrong:
    """Seconds. Not without a unit: HAProxy would take milliseconds, and an owner mean seconds."""
    found = _DURATION.fullmatch(text.strip().lower())
    seconds = int(found[1]) * _UNIT_S[found[2]] if found else 0.0
    return seconds if SHORTEST_S <= seconds <= LONGEST_S else Wrong("a time from 100ms to 7d, such as 30s or 5m")


def read_server_tls(text: str) -> ServerTls | Wrong:
    if text.strip().lower() == ServerTls.VERIFIED:
        return ServerTls.VERIFIED
    found = read_truth(text)
    if isinstance(found, Wrong):
        return Wrong("true, verify or false")
    return ServerTls.UNVERIFIED if found else ServerTls.OFF

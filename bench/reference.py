"""The machine's noise: a fixed piece of work that no change of milepost makes faster or slower."""

import hashlib
import time

_BLOCK = bytes(1 << 20)


def work_s() -> float:
    """Seconds that it takes this time, a few milliseconds: half of it in C, half in Python."""
    begun_s = time.perf_counter()
    hashlib.sha256(_BLOCK).digest()
    sum(number * number for number in range(20_000))
    return time.perf_counter() - begun_s

"""Where HAProxy logs to, and what it says of each request or connection. Pure.

A daemon has no standard output. So `stdout` means milepost's: HAProxy keeps the lines in a ring in its memory and sends
them to milepost's socket. While nobody reads there, the newest ones wait and the oldest go; no request ever waits.
"""

from collections.abc import Iterator

from milepost.proxies.haproxy.config import Profile, Section

STDOUT = "stdout"

_RING = "milepost_log"
_BYTES = 1_048_576
_LONGEST_LINE = 8_192  # bytes; the default of 1,024 cuts requests off


def log_lines(profile: Profile) -> Iterator[str]:
    """For the global section."""
    if profile.log == STDOUT:
        yield f"log ring@{_RING} len {_LONGEST_LINE} format raw local0"
    elif profile.log:
        yield f"log {profile.log}"


def log_ring(profile: Profile) -> Iterator[Section]:
    """The section that holds the lines for milepost, where it is to have them."""
    if profile.log == STDOUT:
        lines = (
            "format raw",
            f"maxlen {_LONGEST_LINE}",
            f"size {_BYTES}",
            "timeout connect 1s",
            "timeout server 10s",
            f"server milepost unix@{profile.log_socket}",
        )
        yield Section("ring", _RING, lines)


def logging(profile: Profile, mode: str) -> tuple[str, ...]:
    """For a section that takes clients, or the defaults of such: one line for each request or connection."""
    return ("log global", f"option {mode}log") if profile.log else ()

"""How many connections fit into the file descriptors that HAProxy will have. Pure arithmetic."""

MOST_CONNECTIONS = 50_000  # marathon-lb's `maxconn`: more would only make HAProxy allocate more at start
LEAST_CONNECTIONS = 100

_RESERVE = 100  # sockets, logs, pollers, and both ends of a reload
_CHECKED_SERVERS = 4  # reckoned for each service with a check, since structure must not follow tasks


def max_connections(max_files: int, listeners: int, checked_services: int) -> int:
    """`maxconn` for a process that may open `max_files`: each connection takes two, a listener and a check one.

    Checks get no more than a quarter of what is left. Never under LEAST_CONNECTIONS, so that a limit that is far too
    low shows as a `shortage`, or as HAProxy's own warning, and not as a balancer that takes nobody
    (haproxy-mechanics.md 4).
    """
    left = max_files - listeners - _RESERVE
    checks = min(checked_services * _CHECKED_SERVERS, left // 4)
    return max(LEAST_CONNECTIONS, min(MOST_CONNECTIONS, (left - checks) // 2))


def shortage(max_files: int, listeners: int) -> str:
    """What is too much for a process that may open `max_files`, in numbers, and what to raise; "" where it fits."""
    needed = listeners + 2 * LEAST_CONNECTIONS + _RESERVE
    if needed <= max_files:
        return ""
    return (
        f"HAProxy would need {needed} open files ({listeners} listeners, {LEAST_CONNECTIONS} connections of two each, "
        f"{_RESERVE} of its own) and may have {max_files}: raise the hard limit on open files (LimitNOFILE= in the "
        "unit, `ulimit -Hn`) and restart milepost and HAProxy, or expose fewer ports"
    )

"""Host ports in other hands."""

import socket

from milepost.local.scheduler.effects import LaunchTask


def taken_port(launch: LaunchTask) -> int | None:
    """The first host port of the task that somebody else on this machine listens at."""
    return next((port for port in launch.ports if not _is_free(launch.node, port)), None)


def _is_free(node: str, port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((node, port))
        except OSError:
            return False
    return True

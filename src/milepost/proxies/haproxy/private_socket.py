"""Unix sockets of milepost's own at which HAProxy's worker, and nobody else, reaches it."""

import os
import socket
from pathlib import Path


def private_socket(path: Path, owner: int, kind: socket.SocketKind) -> socket.socket:
    """A socket at `path` that only processes of `owner` (uid), and root, can send to. What lay there is replaced.

    It is made beside and renamed, so that it is never open to others. Raises OSError.
    """
    beside = path.with_name(f".{path.name}.new")
    beside.unlink(missing_ok=True)
    made = socket.socket(socket.AF_UNIX, kind)
    try:
        made.bind(str(beside))
        beside.chmod(0o600)
        if owner != os.geteuid():
            os.chown(beside, owner, -1)
        if kind is socket.SOCK_STREAM:
            made.listen()
        beside.rename(path)
    except OSError:
        made.close()
        raise
    return made

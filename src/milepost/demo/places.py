"""Where the demo puts its parts: addresses, ports and files; and whether they are free."""

import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from milepost.errors import MilepostError

NODES = ("127.0.59.1", "127.0.59.2", "127.0.59.3")
HOME = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Places:
    """The demo's ports; each can be moved by the option of its name (`--marathon-port`)."""

    marathon_port: int = 8080
    service_port: int = 10000
    appid_port: int = 9091
    stats_port: int = 9090
    web_port: int = 9095

    @property
    def marathon_url(self) -> str:
        return f"http://{HOME}:{self.marathon_port}"

    @property
    def service_url(self) -> str:
        return f"http://{HOME}:{self.service_port}"

    @property
    def web_url(self) -> str:
        return f"http://{HOME}:{self.web_port}"

    def listeners(self) -> Iterator[tuple[str, str, int, str]]:
        """What will listen, at which address and port, and the option that moves it."""
        yield "Marathon's API", HOME, self.marathon_port, "--marathon-port"
        yield "milepost's own API", HOME, self.web_port, "--web-port"
        for address in (HOME, NODES[0]):
            yield "nginx2's fixed address", address, self.service_port, "--service-port"
            yield "HAProxy's app-id frontend", address, self.appid_port, "--appid-port"
            yield "HAProxy's statistics", address, self.stats_port, "--stats-port"

    def require_free(self) -> None:
        """Raise MilepostError naming the first port that is taken, and the option that chooses another."""
        for what, address, port, option in self.listeners():
            with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    probe.bind((address, port))
                except OSError as error:
                    reason = error.strerror or str(error)
                    raise MilepostError(
                        f"port {port} on {address} is wanted for {what} but cannot be had ({reason}); "
                        f"choose another with {option} PORT. Nothing was started."
                    ) from None


def example(name: str) -> Path:
    """The path of one of the tutorial's app definitions: in the checkout, or inside the installed package."""
    package = Path(__file__).resolve().parent.parent
    for folder in (package.parent.parent / "examples", package / "examples"):
        if (folder / name).is_file():
            return folder / name
    raise MilepostError(f"examples/{name} is neither in the checkout nor in the installed package")

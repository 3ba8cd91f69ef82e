"""What HAProxy's part of the board looks like to those who ask."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from milepost.proxies.haproxy.actual import Actual, ActualServer
from milepost.proxies.haproxy.binary import Binary
from milepost.proxies.haproxy.config import Desired
from milepost.proxies.haproxy.render import render, render_map, section_texts
from milepost.proxies.haproxy.shared_frontends import APPS_MAP, HOSTS_MAP


@dataclass(frozen=True, slots=True)
class HaproxyView:
    """`binary` is the program that milepost starts or checks with, None where it has none (attached)."""

    binary: Binary | None

    def config_text(self, desired: Desired) -> str:
        return render(desired)

    def hosts_map(self, desired: Desired) -> str:
        """Host -> backend, as it should stand in the file."""
        return _map_text(desired, HOSTS_MAP)

    def apps_map(self, desired: Desired) -> str:
        """App id -> backend, likewise."""
        return _map_text(desired, APPS_MAP)

    def structure_digest(self, desired: Desired) -> str:
        return desired.structure.digest

    def parts(self, desired: Desired) -> Iterator[str]:
        """The configuration and its maps."""
        yield from section_texts(desired)
        for path, entries in desired.maps.items():
            yield f"{path}\n{render_map(entries)}"

    def server_states(self, actual: Actual) -> Mapping[str, Mapping[str, str]]:
        return {
            backend: {_address(server): _state(server) for server in servers.values()}
            for backend, servers in actual.servers.items()
        }

    def versions(self) -> Mapping[str, str]:
        if self.binary is None:
            return {}
        bundled = " (bundled)" if self.binary.bundled else ""
        openssl = {"openssl": self.binary.openssl} if self.binary.openssl else {}
        return {"haproxy": self.binary.version + bundled, **openssl}


def _map_text(desired: Desired, name: str) -> str:
    return "".join(render_map(entries) for path, entries in desired.maps.items() if path.endswith(f"/{name}"))


def _address(server: ActualServer) -> str:
    host = f"[{server.address}]" if ":" in server.address else server.address
    return f"{host}:{server.port}"


def _state(server: ActualServer) -> str:
    if server.maint:
        return "out of traffic, its last sessions end"
    if server.drain:
        return "draining"
    return "serving" if server.up else "down: HAProxy's own check fails"

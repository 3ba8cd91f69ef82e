"""Lines that a service has in the run profile only where its owner asks for something special. Pure."""

from collections.abc import Iterator

from milepost.model.routing import Service
from milepost.proxies.haproxy.denied import denials

_PATH = "var(txn.milepost_path)"


def frontend_rules(service: Service) -> tuple[str, ...]:
    """Of its own listener."""
    client_s = service.timeouts.client_s
    return () if client_s is None else (f"timeout client {_milliseconds(client_s)}",)


def backend_rules(service: Service) -> tuple[str, ...]:
    """Of its backend, before all others. What becomes of the path has its place among `rules`."""
    return (*_timeouts(service), *denials(service))


def _timeouts(service: Service) -> Iterator[str]:
    if service.timeouts.server_s is not None:
        yield f"timeout server {_milliseconds(service.timeouts.server_s)}"
    if service.timeouts.tunnel_s is not None:
        yield f"timeout tunnel {_milliseconds(service.timeouts.tunnel_s)}"


def stripping(service: Service) -> Iterator[str]:
    """What cuts off the path that fits.

    The longest path comes last, so that of several it is the one that counts. Each looks at the path as it came: what
    is left after one cut may look like a path to cut again."""
    paths = {word.rstrip("/") for word in service.path if word.startswith("/")} - {""}
    if not service.strips_path or not paths:
        return
    flag = " -i" if "-i" in service.path else ""
    yield "http-request set-var(txn.milepost_path) path"
    for path in sorted(paths, key=lambda path: (len(path), path)):
        yield f"http-request set-path / if {{ {_PATH} -m str{flag} {path} }}"
        yield f"http-request set-path %[{_PATH},bytes({len(path)})] if {{ {_PATH} -m beg{flag} {path}/ }}"


def _milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:.0f}ms"

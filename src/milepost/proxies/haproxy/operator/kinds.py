"""One service of each kind, to try an operator's texts on before any app gets them."""

from collections.abc import Iterator
from itertools import product

from milepost.model.routing import Auth, Check, Rewrites, Service


def kinds() -> Iterator[Service]:
    """Each at a port of its own."""
    rewrites = Rewrites(hsts=True, proxypass_path="/in", revproxy_path="/out", root_redirect="/start")
    flags = ((False, True),) * 4
    for port, (mode, several, path, auth, redirects) in enumerate(product(("http", "tcp"), *flags), 10_000):
        hosts = ("a.example", "b.example") if several else ("a.example",)
        yield Service(
            f"app_{port}",
            "/app",
            0,
            port,
            mode,
            hosts=hosts if mode == "http" else (),
            path=("/path",) if path else (),
            several_hosts=several,
            sticky=True,
            check=Check(mode, "/health", 5, 2, 3),
            auth=Auth("Realm", "user", "$5$a$b") if auth else None,
            networks=("10.0.0.0/8",),
            rewrites=rewrites,
            redirects_to_https=redirects,
            serves_app_id=mode == "http",
        )

"""The rules for hosts and paths, as text."""

from dataclasses import replace

from milepost.model.routing import Service
from milepost.proxies.haproxy.host_routes import routes_of, routing_rules


def service(name: str, *hosts: str, path: tuple[str, ...] = ()) -> Service:
    return Service(name, f"/{name}", 0, 1, "http", hosts=hosts, path=path)


def rules(*services: Service) -> tuple[str, ...]:
    return routing_rules(route for service in services for route in routes_of(service))


def test_a_name_comes_before_each_pattern_and_the_heavier_first() -> None:
    host = "req.hdr(host),field(1,:),lower"
    heavy = replace(service("heavy", "*.example", "*", path=("/a",)), weight=9)
    assert rules(service("long", "*.example", path=("/a/b",)), heavy, service("name", "a.example")) == (
        f"use_backend name if {{ {host} -m str a.example }}",
        f"use_backend heavy if {{ {host} -m end .example }} {{ path_beg /a }}",
        f"use_backend long if {{ {host} -m end .example }} {{ path_beg /a/b }}",
        "use_backend heavy if { path_beg /a }",
    )


def test_a_pattern_is_a_condition_on_the_host_and_paths_come_before() -> None:
    host = "req.hdr(host),field(1,:),lower"
    assert rules(
        service("rest", "*"),
        service("any", "*", path=("-i", "/x", "/xy")),
        service("some", "~a[0-9]"),
        service("all", "*.b.example", path=()),
        service("api", "*.b.example", path=("/api",)),
    ) == (
        f"use_backend api if {{ {host} -m end .b.example }} {{ path_beg /api }}",
        f"use_backend all if {{ {host} -m end .b.example }}",
        f"use_backend some if {{ {host},length le 253 }} {{ {host} -m reg '^(a[0-9])$' }}",
        "use_backend any if { path_beg -i /xy /x }",
        "use_backend rest",
    )

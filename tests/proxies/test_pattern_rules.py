"""The rules for hosts that are patterns, as text."""

from milepost.model.routing import Service
from milepost.proxies.haproxy.pattern_rules import pattern_rules


def service(name: str, *hosts: str, path: tuple[str, ...] = ()) -> Service:
    return Service(name, f"/{name}", 0, 1, "http", hosts=hosts, path=path)


def test_names_make_no_rule() -> None:
    assert pattern_rules([service("a", "a.example")]) == ()


def test_a_pattern_is_a_condition_on_the_host_and_paths_come_before() -> None:
    host = "req.hdr(host),field(1,:),lower"
    assert pattern_rules(
        [
            service("rest", "*"),
            service("any", "*", path=("-i", "/x", "/xy")),
            service("some", "~a[0-9]"),
            service("all", "*.b.example", path=()),
            service("api", "*.b.example", path=("/api",)),
        ]
    ) == (
        f"use_backend api if {{ {host} -m end .b.example }} {{ path_beg /api }}",
        f"use_backend all if {{ {host} -m end .b.example }}",
        f"use_backend some if {{ {host},length le 253 }} {{ {host} -m reg '^(a[0-9])$' }}",
        "use_backend any if { path_beg -i /xy /x }",
        "use_backend rest",
    )

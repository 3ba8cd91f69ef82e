"""Documents for the local scheduler to read: good ones, ones that a schema allows, and spoilt ones."""

import copy
import gzip
import json
import string
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from hypothesis import strategies as st

from support.shared import SHARED

Document = dict[str, Any]
Documents = st.SearchStrategy[Any]

APPS = ("/a", "/b", "/c", "/g/a", "/g/b", "/g/h/c")
GROUPS = ("/", "/g", "/g/h", "/e")
WEIRD_IDS = (
    "/", "", "//a", "/a/../b", "..", "/../..", "/.", "/A", "/a_b", "/a b", "/a/restart", "/tasks", "versions", "/é",
    "/-a", "/a.b.c", "/a/*", "*", "%2F", "%00", "\x00", "/a\n", "/a?b", "x" * 3000, "/x" * 2000, "/a.instance-1._app.1",
    "::status",
)  # fmt: skip
WORDS = ("", "x", "a\x00b", "\x00", "é", "\u202e", "\U0001f600", "a=b", "\n", "../..", "x" * 20_000, "2020-01-01", "0")
NUMBERS = (
    -1, 0, 1, 1000, 65_535, 65_536, 2**31 - 1, 2**31, -(2**31) - 1, 2**53, 2**63, 2**64, 10**18, 10**30, -0.0, 0.5, 1.5,
    1e-320, 1e19, 1e300, 1.7e308, -1e308,
)  # fmt: skip
PATTERNS = (
    "127.*",
    "(",
    "(a+)+$",
    "((((.+)+)+)+)+x",
    ".*.*.*.*.*.*.*.*.*.*x",
    "[",
    "(?P<a>x)(?P=a)",
    "a{99999}",
    "\\d+",
)


def nested(levels: int) -> Any:
    """Lists within each other."""
    value: Any = []
    for _ in range(levels):
        value = [value]
    return value


junk: Documents = st.one_of(
    st.none(),
    st.booleans(),
    st.sampled_from(NUMBERS),
    st.sampled_from(WORDS),
    st.sampled_from(WEIRD_IDS),
    st.sampled_from(([], {}, [[]], [None], [0], [""], {"": None}, {"a": {"b": [1]}}, [{}, {}], nested(60), nested(99))),
).map(copy.deepcopy)  # what is spoilt further must not be what the next document is made of


def some_of(optional: Mapping[str, Documents], **always: Documents) -> Documents:
    return st.fixed_dictionaries(always, optional=dict(optional))


shares = st.sampled_from([0, 0.25, 0.5, 1, 1.0])
ports = st.sampled_from([0, 0, 80, 10_000, 10_001, 31_500])
names = st.sampled_from(["http", "a", "a-b"])
mappings = st.lists(
    some_of({"containerPort": ports, "hostPort": ports, "servicePort": ports, "name": names}, labels=st.just({})),
    max_size=2,
)
checks = some_of(
    {
        "path": st.sampled_from(["/", "/x", "x y"]),
        "portIndex": st.integers(0, 1),
        "port": st.sampled_from([80, 8080]),
        "gracePeriodSeconds": st.integers(0, 5),
        "intervalSeconds": st.integers(1, 5),
        "maxConsecutiveFailures": st.integers(0, 2),
    },
    protocol=st.sampled_from(["HTTP", "TCP", "MESOS_HTTP"]),
)
constraints = st.sampled_from(
    [
        ["hostname", "UNIQUE"],
        ["hostname", "MAX_PER", "1"],
        ["hostname", "GROUP_BY"],
        ["hostname", "LIKE", "127.*"],
        ["rack", "CLUSTER"],
        ["hostname", "UNLIKE", ".*2"],
    ]
)
unreachable = st.sampled_from(
    ["disabled", {"inactiveAfterSeconds": 5, "expungeAfterSeconds": 50}, {"expungeAfterSeconds": 3}]
)
MEMBERS: dict[str, Documents] = {
    "instances": st.integers(0, 4),
    "cpus": st.sampled_from([0.1, 1, 2.5]),
    "env": st.dictionaries(st.sampled_from(["A", "PORT"]), st.sampled_from(["1", "é"]), max_size=2),
    "labels": st.dictionaries(st.sampled_from(["a", "b.c", "HAPROXY_GROUP"]), st.sampled_from(["", "x"]), max_size=2),
    "constraints": st.lists(constraints, max_size=2),
    "dependencies": st.lists(st.sampled_from([*APPS, "b", "../c", "/g"]), max_size=2),
    "upgradeStrategy": some_of({"minimumHealthCapacity": shares, "maximumOverCapacity": shares}),
    "backoffSeconds": st.integers(0, 3),
    "maxLaunchDelaySeconds": st.integers(0, 20),
    "killSelection": st.sampled_from(["YOUNGEST_FIRST", "OLDEST_FIRST"]),
    "unreachableStrategy": unreachable,
    "taskKillGracePeriodSeconds": st.integers(0, 5),
    "healthChecks": st.lists(checks, max_size=2),
}
on_host: dict[str, Documents] = {
    "portDefinitions": st.lists(some_of({"name": names, "protocol": st.just("tcp,udp")}, port=ports), max_size=2),
    "requirePorts": st.booleans(),
}
containers = st.one_of(
    some_of({"portMappings": mappings}, type=st.just("MESOS")),
    some_of({"portMappings": mappings}, type=st.just("DOCKER"), docker=st.just({"image": "nginx"})),
    st.just({"docker": {"image": "x", "network": "BRIDGE", "portMappings": [{"containerPort": 80}]}}),
)
networks = st.sampled_from([[{"mode": "container/bridge"}], [{"mode": "container", "name": "n"}], [{"mode": "host"}]])
bodies: Documents = st.one_of(
    some_of({**MEMBERS, **on_host}, cmd=st.just("sleep 1000")),
    some_of({**MEMBERS, "networks": networks, "container": containers}, cmd=st.just("sleep 1000")),
    some_of({"instances": st.integers(0, 4)}, cmd=st.sampled_from(["sleep 1", "sleep 2"])),
)


def with_id(documents: Documents, ids: Documents) -> Documents:
    return st.builds(lambda document, app_id: {**document, "id": app_id}, documents, ids)


apps: Documents = with_id(bodies, st.sampled_from(APPS))
relative_apps: Documents = with_id(bodies, st.sampled_from(["a", "b", "h/c"]))


def groups(depth: int = 2) -> Documents:
    """Bodies for `PUT /v2/groups/...`, with relative ids."""
    members = {
        "apps": st.lists(relative_apps, max_size=2),
        "dependencies": st.lists(st.sampled_from([*GROUPS, *APPS]), max_size=1),
    }
    if depth:
        members["groups"] = st.lists(with_id(groups(depth - 1), st.sampled_from(["h", "e", "a"])), max_size=2)
    return some_of(members)


@cache
def by_schema(name: str) -> Documents:
    """What Marathon's published schema of this name (`AppDefinition`, `Group`) allows."""
    schema = json.loads((SHARED / "marathon/schema" / f"{name}.json").read_text())
    return _of_schema(schema, schema, 3)


def _of_schema(schema: Mapping[str, Any], root: Mapping[str, Any], depth: int) -> Documents:
    if "$ref" in schema:
        return _referred(schema["$ref"], root, depth)
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    if "oneOf" in schema:
        return st.one_of([_of_schema(each, root, depth) for each in schema["oneOf"]])
    make = KINDS.get(schema.get("type", "object"), _objects)
    return make(schema, root, depth)


def _referred(target: str, root: Mapping[str, Any], depth: int) -> Documents:
    if target.endswith("pathType"):
        return st.sampled_from(("a", "a/b", "/g/a", "..", "../b", "/x.y"))
    if depth <= 0:
        return st.just({"id": "deep"})
    if target == "#":
        return _of_schema(root, root, depth - 1)
    return by_schema("AppDefinition")


def _objects(schema: Mapping[str, Any], root: Mapping[str, Any], depth: int) -> Documents:
    members = {name: _of_schema(each, root, depth) for name, each in schema.get("properties", {}).items()}
    required = {name: members.pop(name) for name in schema.get("required", ()) if name in members}
    if not members and not required:
        values = schema.get("additionalProperties")
        value = _of_schema(values, root, depth) if isinstance(values, dict) else _texts(schema, root, depth)
        return st.dictionaries(st.sampled_from(("A", "b.c", "HTTP")), value, max_size=2)
    chosen = st.lists(st.sampled_from(sorted(members)), max_size=5, unique=True) if members else st.just([])
    return chosen.flatmap(lambda names: st.fixed_dictionaries({**required, **{name: members[name] for name in names}}))


def _lists(schema: Mapping[str, Any], root: Mapping[str, Any], depth: int) -> Documents:
    items = schema.get("items", {"type": "string"})
    if isinstance(items, list):
        return st.tuples(*(_of_schema(each, root, depth) for each in items)).map(list)
    return st.lists(_of_schema(items, root, depth), max_size=2)


def _numbers(schema: Mapping[str, Any], root: Mapping[str, Any], depth: int) -> Documents:
    low, high = schema.get("minimum", 0), schema.get("maximum", 2**31 - 1)
    if schema["type"] == "integer":
        return st.one_of(st.integers(int(low), min(int(high), int(low) + 3)), st.integers(int(low), int(high)))
    return st.floats(low, high, allow_nan=False)


def _texts(schema: Mapping[str, Any], root: Mapping[str, Any], depth: int) -> Documents:
    return st.text(string.ascii_lowercase, min_size=schema.get("minLength", 0), max_size=8)


Make = Callable[[Mapping[str, Any], Mapping[str, Any], int], Documents]
KINDS: dict[str, Make] = {
    "object": _objects,
    "array": _lists,
    "integer": _numbers,
    "number": _numbers,
    "string": _texts,
    "boolean": lambda schema, root, depth: st.booleans(),
}


@st.composite
def spoilt(draw: st.DrawFn, documents: Documents) -> Any:
    """A document with one to three things wrong in it: a member replaced, taken away, added, or wrapped."""
    document = copy.deepcopy(draw(documents))
    for _ in range(draw(st.integers(1, 3))):
        holders = list(_holders(document))
        if not holders:
            return draw(junk)
        holder = draw(st.sampled_from(holders))
        keys = list(holder) if isinstance(holder, dict) else list(range(len(holder)))
        act = draw(st.sampled_from(("replace", "remove", "add", "wrap")))
        if act == "add" or not keys:
            _add(holder, draw(st.sampled_from(WORDS + KEYS)), draw(junk))
            continue
        key = draw(st.sampled_from(keys))
        if act == "remove":
            del holder[key]
        else:
            holder[key] = [holder[key]] if act == "wrap" else draw(_instead(key))
    return document


KEYS = (
    "version", "versionInfo", "ports", "ipAddress", "uris", "scaleBy", "id", "instances", "check", "residency", "gpus",
    "mem", "disk", "user", "secrets", "acceptedResourceRoles", "executor", "readinessChecks", "fetch", "container",
)  # fmt: skip


def _instead(key: object) -> Documents:
    if key == "constraints":
        return st.lists(st.tuples(st.just("hostname"), st.sampled_from(("LIKE", "UNLIKE")), st.sampled_from(PATTERNS)))
    return junk


def _add(holder: Any, key: str, value: Any) -> None:
    if isinstance(holder, dict):
        holder[key] = value
    else:
        holder.append(value)


def _holders(value: Any) -> Any:
    """All objects and lists in it that are not deep."""
    if isinstance(value, dict | list) and value != nested(60) and value != nested(99):
        yield value
        for member in list(value.values() if isinstance(value, dict) else value):
            yield from _holders(member)


def damaged(data: bytes) -> st.SearchStrategy[bytes]:
    """The same bytes as no JSON, or as JSON that few would write."""
    half = len(data) // 2
    return st.sampled_from(
        [
            b"",
            b" \n",
            data[:half],
            data + b"x",
            b"\xef\xbb\xbf" + data,
            data[:half] + b"\xff\xfe" + data[half:],
            gzip.compress(data, mtime=0),
            data.decode().encode("utf-16"),
            b"[" * 10_000,
            b"[" * 10_000 + b"]" * 10_000,
            b'{"a":' * 5_000 + b"1" + b"}" * 5_000,
            b"[" + data + b"]",
            data.replace(b": ", b": -", 1),
            data.replace(b"{", b'{"cmd": "\\ud800", ', 1),
            data.replace(b"{", b'{"id": "/a", "id": 5, ', 1),
            b"NaN",
            b"1e999",
            b"1" * 5_000,
            b'{"id": "/n", "cmd": "x", "mem": NaN}',
            b'{"id": "/n", "cmd": "x", "mem": 1e999}',
            b'{"id": "/n", "cmd": "x", "instances": ' + b"9" * 400 + b"}",
            b"null",
            b"true",
            b'"text"',
        ]
    )


def written(documents: Documents) -> st.SearchStrategy[bytes]:
    """A document as bytes that may be damaged."""
    plain = documents.map(lambda document: json.dumps(document).encode())
    return st.one_of(plain, plain, plain.flatmap(damaged))


any_document: Documents = st.one_of(
    apps, groups(), st.lists(apps, max_size=3), st.builds(lambda ids: {"ids": ids}, junk)
)
any_body: st.SearchStrategy[bytes] = written(st.one_of(spoilt(any_document), spoilt(apps), any_document, junk))

NO_COUNT: tuple[Any, ...] = (-1, 0.5, "1", True, [1], {}, 2**31, 10**30)
NO_AMOUNT: tuple[Any, ...] = (-1, -0.001, "1", True, [1], {}, 1e300)
NO_TEXT: tuple[Any, ...] = (1, True, ["x"], {})
NO_FLAG: tuple[Any, ...] = (0, 1, "true", [], {})
NO_LIST: tuple[Any, ...] = (1, True, "x", {"a": 1}, [1], [[1]])
NO_MAPPING: tuple[Any, ...] = (1, True, "x", [1], {"a": []})
REFUSED: dict[str, tuple[Any, ...]] = {
    **dict.fromkeys(("instances", "gpus"), NO_COUNT),
    **dict.fromkeys(("cpus", "mem", "disk", "backoffSeconds", "maxLaunchDelaySeconds"), NO_AMOUNT),
    **dict.fromkeys(("taskKillGracePeriodSeconds", "backoffFactor"), NO_AMOUNT),
    **dict.fromkeys(("cmd", "user", "executor", "killSelection"), NO_TEXT),
    **dict.fromkeys(("requirePorts", "tty"), NO_FLAG),
    **dict.fromkeys(("args", "constraints", "dependencies", "healthChecks", "fetch"), NO_LIST),
    **dict.fromkeys(("portDefinitions", "acceptedResourceRoles"), NO_LIST),
    "ports": ("x", {"a": 1}, [-1], [65_536], ["80"], [[1]]),
    **dict.fromkeys(("labels", "env"), NO_MAPPING),
    **dict.fromkeys(("upgradeStrategy", "container"), (1, True, "x", [1])),
}

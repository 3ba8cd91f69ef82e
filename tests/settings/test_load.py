"""Where a setting may come from, who wins, and what is said about a wrong one."""

from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from milepost.errors import SettingsError
from milepost.routing.claims import Grant
from milepost.settings import Settings, StaticApp, load_settings
from milepost.settings.grants import GRANTS
from milepost.settings.keys import KEYS, TABLES, Key
from milepost.settings.kinds import Listen
from support.shared import ROOT

Write = Callable[[str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write_config(text: str) -> Path:
        path = tmp_path / "milepost.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return write_config


UNNAMED = "[[sources.marathon]]\nurls = ['http://m1']"
EAST = f"{UNNAMED}\nname = 'east'"

BAD_FILES = [
    ("haproxy = 3", r"haproxy: expected a table \[haproxy\], got 3"),
    ("[haproxy]\nhttp_prt = 80", r"unknown key haproxy.http_prt; did you mean haproxy.http_port\?"),
    ("[haproxi]\nhttp_port = 80", r"unknown table \[haproxi\]; did you mean haproxy\?"),
    ("[sources.marathn]\nurls = []", r"unknown table \[sources.marathn\]; did you mean sources.marathon\?"),
    ("zzz = 1", r"milepost.toml: unknown key zzz$"),
    ("[haproxy]\nhttp_port = '80'", r'haproxy.http_port: expected a port number 0..65535, got "80"'),
    ("[haproxy]\nhttp_port = true", r"haproxy.http_port: expected a port number 0..65535, got true"),
    ("[haproxy.http_port]\nx = 1", r"haproxy.http_port: expected a port number"),
    ("[haproxy]\nmode = 'owned'", r'haproxy.mode: expected one of "own", "attach", got "owned"'),
    ("state_dir = '/var/lib/mile post'", r'state_dir: expected a path of letters.*, got "/var/lib/mile post"'),
    (f"state_dir = '/{'x' * 80}'", r"haproxy-admin.sock is too long for a socket, 97 bytes at most"),
    ("[haproxy]\nmode = 'attach'", r"haproxy.mode: mode \"attach\" needs haproxy.master_socket"),
    ("[haproxy]\nsettle_limit_s = 0.1", r"settle_limit_s: expected at least settle_quiet_s \(0.2\), got 0.1"),
    ("[routing]\ngroups = 'external'", r'routing.groups: expected a list of texts without commas, got "external"'),
    ("[web]\nlisten = 9095", r"web.listen: expected \"host:port\""),
    ("[sources.marathon]\nurls = []", r"expected an array of tables, each headed \[\[sources.marathon\]\]"),
    ("[[sources.marathon]]\n[[sources.marathon]]", r"sources.marathon\]\]: of several each needs urls"),
    ("sources.marathon = 3", r"sources.marathon: expected an array of tables, each headed \[\[sources.marathon\]\]"),
    ("sources = 3", r"unknown key sources"),
    (
        "[[sources.marathon]]\nname = 'static'",
        r'sources.marathon.name: expected .* but not "static" or "marathon", got "static"',
    ),
    ("[[sources.marathon]]\nname = 'a:b'", r'sources.marathon.name: expected up to 32 letters.*, got "a:b"'),
    (f"{EAST}\n{EAST}", r'sources.marathon\]\]: several have the name "east"; their apps could not be told apart'),
    (f"{UNNAMED}\n{UNNAMED}", r"sources.marathon\]\]: several have no name"),
    (f"{EAST}\nca_file = 3\n{UNNAMED}", r"sources.marathon.ca_file of entry 1: expected a path"),
    ("[[sources.static]]\nport = 1", r"sources.static\]\]: each needs an id"),
    ("[[sources.static]]\nid = '/a b'", r'sources.static.id: expected letters, digits.*, got "/a b"'),
    ("[[sources.static]]\nid = '/'", r'sources.static.id: expected letters, digits.*, got "/"'),
    ("[[sources.static]]\nid = '/a'\n[[sources.static]]\nid = 'a'", r'several have the id "a"'),
    ("[[sources.static]]\nid = 'a'\naddresses = ['h']", r"addresses: expected a list of \"host:port\".*, got \['h'\]"),
    ("[[sources.static]]\nid = 'a'\naddresses = ['h:0']", r"addresses: expected a list of \"host:port\""),
    ("[[sources.static]]\nid = 'a'\naddresses = ['unix@x:1']", r"addresses: expected a list of \"host:port\""),
    ("[[sources.static]]\nid = 'a'\naddresses = ['0.0.0.0:1']", r"addresses: expected a list of \"host:port\""),
    ("[[sources.static]]\nid = 'a'\nport = 0", r"sources.static.port: expected a port number 1..65535.*, got 0"),
    ("[[sources.static]]\nid = 'a'\n[sources.static.labels]\nA = 1", r"labels: expected a table of texts"),
    (
        "[[sources.static]]\nid = 'a'\nlabel = 1",
        r"unknown key sources.static.label; did you mean sources.static.labels",
    ),
    ("[[sources.marathon]]\nurls = ['http://a:b@m1']", r"without credentials, got \['http://\(hidden\)@m1'\]"),
    ("[[sources.marathon]]\nurls = ['http://a:b/@c d@m1']", r"without credentials, got \['http://\(hidden\)@m1'\]"),
    ("[[sources.marathon]]\nurls = ['a:b//c@m1']", r"without credentials, got \['\(hidden\)@m1'\]"),
    ("[[sources.marathon]]\nurls = ['http://m1']\npassword_file = '/nowhere/x'", r"/nowhere/x cannot be read: No such"),
    (
        "[[sources.marathon]]\nurls = ['http://m1']\npassword = 'a'\npassword_file = '/x'",
        r"password_file: a password is given as well",
    ),
    (
        "[[sources.marathon]]\nurls = ['http://m1']\nuser = 'a'\ncredentials_file = '/x'",
        r"credentials_file: a user is given as well",
    ),
    (
        "[[sources.marathon]]\nurls = ['http://m1']\ndcos_credentials = '{}'\ndcos_credentials_file = '/x'",
        r"dcos_credentials_file: a dcos_credentials is given as well",
    ),
    ("[haproxy]\nhttp_port = eighty", r"milepost.toml is not TOML: .*line 2"),
]


@pytest.mark.parametrize(("text", "message"), BAD_FILES)
def test_a_bad_file_is_refused_with_its_key_and_what_would_be_right(write: Write, text: str, message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        load_settings(write(text))


def test_a_file_that_is_not_there_is_named() -> None:
    with pytest.raises(SettingsError, match=r"nowhere.toml cannot be read: No such file"):
        load_settings(Path("nowhere.toml"))


@pytest.mark.parametrize(
    ("variable", "text", "message"),
    [
        ("MILEPOST_HAPROXY_HTTP_PRT", "80", "unknown environment variable .*did you mean MILEPOST_HAPROXY_HTTP_PORT"),
        ("MILEPOST_HAPROXY_HTTP_PORT", "eighty", 'MILEPOST_HAPROXY_HTTP_PORT: expected a port .*, got "eighty"'),
    ],
)
def test_a_bad_variable_is_refused_by_name(variable: str, text: str, message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        load_settings(environ={variable: text})


def test_variables_of_others_with_the_same_prefix_are_not_judged() -> None:
    assert load_settings(environ={"MILEPOST_SHARED": "/data", "PATH": "/bin"}) == Settings()


def test_a_bad_option_is_refused_by_its_short_name() -> None:
    with pytest.raises(SettingsError, match=r"--marathon: expected a list of URLs .*, got \['m1'\]"):
        load_settings(options={"marathon_urls": ("m1",)})


# One value per key that differs from its default: (as TOML, as word, as read).
VALUES: dict[str, tuple[str, str, object]] = {
    "a port number 0..65535": ("7", "7", 7),
    "seconds, a number above 0": ("1.5", "1.5", 1.5),
    "seconds up to 2000000; 0 switches it off": ("1.5", "1.5", 1.5),
    "seconds, 0.001 to 2000000": ("1.5", "1.5", 1.5),
    "a number from 0 to 1": ("0.125", "0.125", 0.125),
    "a whole number from 1": ("7", "7", 7),
    "a path": ("'/a/b'", "/a/b", Path("/a/b")),
    'a path, or ""': ("'/a/b'", "/a/b", Path("/a/b")),
    '"host:port" ("[address]:port" for IPv6), or ""': ("'h:7'", "h:7", Listen("h", 7)),
    'two ports "first-last", or ""': ("'1-7'", "1-7", (1, 7)),
    "a list of texts without commas": ("['x', 'y']", "x,y", ("x", "y")),
    "a list of lines; in a variable each stands on a line of its own": (
        "['log-format a,b', 'x']",
        "log-format a,b\nx",
        ("log-format a,b", "x"),
    ),
    'a path of letters, digits and "/._-+@=~"': ("'/a/b'", "/a/b", Path("/a/b")),
    'a path of letters, digits and "/._-+@=~", or ""': ("'/a/b'", "/a/b", Path("/a/b")),
    'a list of paths of letters, digits and "/._-+@=~"': ("['/x']", "/x", (Path("/x"),)),
    'a list of URLs "http://host:port" without credentials': ("['http://m:1']", "http://m:1", ("http://m:1",)),
    'a list of IP addresses, or ["*"] for all': ("['::1']", "::1", ("::1",)),
    "a list of at most 40 IP addresses and networks": (
        "['10.0.0.1/8', '::1']",
        "10.0.0.1/8,::1",
        ("10.0.0.0/8", "::1/128"),
    ),
    "a list of at most 200 IP addresses and networks": ("['10.0.0.1']", "10.0.0.1", ("10.0.0.1/32",)),
    'a list of "http", "https", "appid", "services"': ("['http']", "http", ("http",)),
    'a name, or ""': ("'nobody'", "nobody", "nobody"),
    "a list of names of environment variables": ("['A', 'B']", "A,B", ("A", "B")),
    "a text": ("'{}'", "{}", "{}"),
    'up to 32 letters, digits, "-" and "_", but not "static" or "marathon"': ("'x-1'", "x-1", "x-1"),
    "a text on one line": ("'x y'", "x y", "x y"),
    'words of letters, digits and "/._-+@=:,[]"': ("'x y'", "x y", "x y"),
    'one of "own", "attach"': ("'attach'", "attach", "attach"),
    'one of "heal", "report"': ("'report'", "report", "report"),
    'one of "holder", "lower-id"': ("'lower-id'", "lower-id", "lower-id"),
    'one of "off", "section", "trusted"': ("'off'", "off", "off"),
    GRANTS.expected: (
        "[{apps = '/a/*', hosts = ['*.A.example'], ports = '1-7'}]",
        "apps=/a/* hosts=*.a.example ports=1-7",
        (Grant("/a/*", ("*.a.example",), ((1, 7),)),),
    ),
    'one of "auto", "console", "json"': ("'json'", "json", "json"),
    'one of "debug", "info", "warning", "error"': ("'error'", "error", "error"),
}


def _other_value(key: Key) -> tuple[str, str, object]:
    if key.kind.is_flag:
        value = not key.default
        return str(value).lower(), str(value).lower(), value
    return VALUES[key.kind.expected]


def _value_of(settings: Settings, key: Key) -> object:
    if key.table == "sources.marathon":
        return getattr(settings.sources.marathon[0], key.name)
    return getattr(getattr(settings, key.table) if key.table else settings, key.name)


# Files with secrets are read at load: see the tests of secrets in files below.
SECRET_FILES = ("password_file", "credentials_file", "dcos_credentials_file")


@pytest.fixture(params=[key for key in KEYS if key.name not in SECRET_FILES], ids=lambda key: key.dotted)
def key(request: pytest.FixtureRequest) -> Key:
    found: Key = request.param
    return found


@pytest.fixture
def needed(key: Key) -> dict[str, str]:
    """What must be given besides, so that the key has a place and its value is allowed."""
    besides = {"MILEPOST_SOURCES_MARATHON_URLS": "http://m1:8080", "MILEPOST_HAPROXY_MASTER_SOCKET": "/run/m"}
    besides.pop(key.variable, None)
    if key.name == "settle_quiet_s":
        besides["MILEPOST_HAPROXY_SETTLE_LIMIT_S"] = "9"
    if key.name == "accept_proxy":
        besides["MILEPOST_HAPROXY_TRUSTED_NETWORKS"] = "10.0.0.1"
    return besides


def test_every_key_can_stand_in_the_file(write: Write, key: Key, needed: dict[str, str]) -> None:
    literal, _, value = _other_value(key)
    header = f"[[{key.table}]]\n" if key.table == "sources.marathon" else f"[{key.table}]\n" if key.table else ""
    assert _value_of(load_settings(write(f"{header}{key.name} = {literal}"), needed), key) == value


def test_every_key_is_an_environment_variable(key: Key, needed: dict[str, str]) -> None:
    _, word, value = _other_value(key)
    assert _value_of(load_settings(environ={**needed, key.variable: word}), key) == value


def test_every_key_is_an_option_that_beats_the_variable(key: Key, needed: dict[str, str]) -> None:
    _, word, value = _other_value(key)
    given: object = tuple(word.split(key.kind.separator)) if key.kind.is_list else word
    other = {**needed, key.variable: word if key.kind.is_flag else _default_word(key)}
    assert _value_of(load_settings(environ=other, options={key.parameter: given}), key) == value


def _default_word(key: Key) -> str:
    match key.default:
        case None:
            return ""
        case (int(first), int(last)):
            return f"{first}-{last}"
        case tuple():
            return ",".join(str(member) for member in key.default)
        case _:
            return str(key.default)


def test_a_variable_beats_the_file(write: Write) -> None:
    settings = load_settings(write("[haproxy]\nhttp_port = 1\nstats_port = 2"), {"MILEPOST_HAPROXY_HTTP_PORT": "3"})
    assert (settings.haproxy.http_port, settings.haproxy.stats_port) == (3, 2)


def test_a_false_option_beats_a_true_file(write: Write) -> None:
    assert not load_settings(write("[routing]\nstrict = true"), {}, {"routing_strict": False}).routing.strict


def test_a_file_may_hold_several_marathons_and_services_that_none_of_them_knows(write: Write) -> None:
    text = f"""{UNNAMED}
        {EAST}
        [[sources.static]]
        id = "/db"
        addresses = ["10.0.0.1:5432", "[fd00::1]:5432", "db.example:5432"]
        port = 5432
        [sources.static.labels]
        HAPROXY_GROUP = "external"
        HAPROXY_0_MODE = "tcp"
        [[sources.static]]
        id = "old/web"
    """
    sources = load_settings(write(text)).sources
    assert [cluster.name for cluster in sources.marathon] == ["", "east"]
    addresses = (Listen("10.0.0.1", 5432), Listen("fd00::1", 5432), Listen("db.example", 5432))
    labels = {"HAPROXY_GROUP": "external", "HAPROXY_0_MODE": "tcp"}
    assert sources.static == (StaticApp("/db", addresses, 5432, labels), StaticApp("old/web"))


@pytest.mark.parametrize(
    "given", [{"options": {"marathon_user": "ops"}}, {"options": {"marathon_urls": ("http://m",)}}]
)
def test_an_option_does_not_say_which_of_several_marathons_it_means(write: Write, given: dict[str, Any]) -> None:
    with pytest.raises(SettingsError, match=r"--marathon.*: 2 Marathons stand in the file, and nothing says which one"):
        load_settings(write(f"{UNNAMED}\n{EAST}"), **given)


def test_the_password_may_stand_in_a_file_of_its_own(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("s3cret\n")
    (cluster,) = load_settings(
        options={"marathon_urls": ("http://m1",), "marathon_password_file": str(file)}
    ).sources.marathon
    assert cluster.password == "s3cret"


@pytest.mark.parametrize(
    ("text", "user", "password"),
    [
        ("joe:s3cret\nwhatever\n", "joe", "s3cret"),
        ("joe:a:b:c", "joe", "a:b:c"),
        ("joe:\n", "joe", ""),
        ("\njoe:s3cret", "", ""),
        ("", "", ""),
    ],
)
def test_user_and_password_may_stand_in_the_first_line_of_a_file(
    text: str, user: str, password: str, tmp_path: Path
) -> None:
    file = tmp_path / "credentials"
    file.write_text(text)
    (cluster,) = load_settings(
        options={"marathon_urls": ("http://m1",), "marathon_credentials_file": str(file)}
    ).sources.marathon
    assert (cluster.user, cluster.password) == (user, password)


@pytest.mark.parametrize("text", ["joe s3cret", ":s3cret"])
def test_a_first_line_that_is_no_user_and_password_is_refused_unseen(text: str, tmp_path: Path) -> None:
    file = tmp_path / "credentials"
    file.write_text(text)
    options = {"marathon_urls": ("http://m1",), "marathon_credentials_file": str(file)}
    with pytest.raises(SettingsError, match="is not user:password") as refusal:
        load_settings(options=options)
    assert "s3cret" not in str(refusal.value)


def test_a_service_account_may_stand_in_a_file_and_never_shows(tmp_path: Path) -> None:
    file = tmp_path / "account.json"
    file.write_text('{"private_key": "s3cret"}')
    settings = load_settings(options={"marathon_urls": ("http://m1",), "marathon_dcos_credentials_file": str(file)})
    assert settings.sources.marathon[0].dcos_credentials == file.read_text()
    assert "s3cret" not in repr(settings)


def test_no_secret_shows_in_a_repr_or_a_message() -> None:
    environ = {"MILEPOST_SOURCES_MARATHON_URLS": "http://m1", "MILEPOST_SOURCES_MARATHON_PASSWORD": "s3cret"}
    assert "s3cret" not in repr(load_settings(environ=environ))
    with pytest.raises(SettingsError) as refusal:
        load_settings(environ={"MILEPOST_SOURCES_MARATHON_PASSWORD": "s3cret\n"})
    assert "s3cret" not in str(refusal.value)


def test_the_sockets_stand_in_the_state_directory_unless_named() -> None:
    settings = load_settings(options={"state_dir": "/s", "haproxy_admin_socket": "/run/a"})
    assert (settings.admin_socket, settings.master_socket) == (Path("/run/a"), Path("/s/haproxy-master.sock"))


def test_every_field_of_every_table_is_a_key() -> None:
    named = {key.dotted for key in KEYS}
    inner = {"sources", "routing", "policy", "haproxy", "guard", "web", "log"}
    for table, cls in TABLES.items():
        for name in {field.name for field in fields(cls)} - (inner if cls is Settings else set()):
            assert f"{table}.{name}".lstrip(".") in named


def test_no_two_keys_share_a_spelling() -> None:
    for spellings in (
        [key.dotted for key in KEYS],
        [key.variable for key in KEYS],
        [option for key in KEYS for option in key.options],
    ):
        assert len(set(spellings)) == len(spellings)


def test_the_file_beside_the_units_puts_everything_where_they_let_milepost_write(tmp_path: Path) -> None:
    shipped = (ROOT / "packaging" / "milepost.toml").read_text()
    attached = tmp_path / "milepost.toml"
    attached.write_text(shipped.replace("# mode", "mode").replace("# master_socket", "master_socket"))
    unit = (ROOT / "packaging" / "haproxy-attached.service").read_text()
    settings = load_settings(attached)
    assert settings.haproxy.mode == "attach"
    assert f"-f {settings.haproxy.config} -S {settings.master_socket}," in unit
    assert settings.haproxy.config.parent == settings.state_dir == Path("/var/lib/milepost")


def test_the_example_file_shows_the_defaults() -> None:
    settings = load_settings(ROOT / "examples" / "milepost.toml")
    (cluster,) = settings.sources.marathon
    assert cluster.urls == ("http://m1:8080", "http://m2:8080")
    assert settings.routing == Settings().routing
    assert settings.haproxy == Settings().haproxy


def test_the_proxy_protocol_is_not_taken_from_everybody(write: Write) -> None:
    with pytest.raises(SettingsError, match=r"accept_proxy: needs haproxy\.trusted_networks"):
        load_settings(write("[haproxy]\naccept_proxy = ['http']"), {})

"""marathon-lb's flags mean what they meant, abbreviations included."""

import logging
from pathlib import Path
from typing import Any

import pytest

from milepost.compat.marathon_lb.arguments import Arguments, make_parser, read_arguments
from milepost.compat.marathon_lb.cluster import cluster_of
from milepost.compat.marathon_lb.longhelp import longhelp
from milepost.errors import SettingsError
from milepost.proxies.haproxy.templates.defaults import BY_NAME
from milepost.routing.labels import TABLE


def read(line: str, **environ: str) -> Arguments:
    found = read_arguments(line.split(), "marathon-lb", environ)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("", "--group"),
        ("--group", "expected one argument"),
        ("--group x --min-serv-port-ip-per-task 0", "both or none"),
        ("--group x --max-serv-port-ip-per-task 0", "both or none"),
        ("--group x --min-serv 20 --max-serv 10", "not above"),
        ("--group x --log-level loud", "DEBUG"),
        ("--group x --max-reload-retries few", "invalid int"),
        ("--group x --h", "ambiguous"),
        ("--group x --s", "ambiguous"),
        ("--group x --no-such-flag", "unrecognized"),
    ],
)
def test_a_wrong_line_exits_with_2_and_says_why(line: str, words: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        read(line)
    assert ended.value.code == 2
    told = capsys.readouterr().err
    assert words in told
    assert "usage: marathon-lb" in told


@pytest.mark.parametrize(
    ("line", "name", "value"),
    [
        ("", "marathon", ("http://master.mesos:8080",)),
        ("-m http://a http://b", "marathon", ("http://a", "http://b")),
        ("-m http://a --marathon http://b", "marathon", ("http://b",)),
        ("", "groups", ("x",)),
        ("--group y --group z,w", "groups", ("x", "y", "z,w")),
        ("", "ports", (10050, 10100)),
        ("--min-serv 0 --max-serv 0", "ports", None),
        ("--min-serv 1 --max-serv=1", "ports", (1, 1)),
        ("", "ssl_certs", ("/etc/ssl/cert.pem",)),
        ("--ssl-certs=", "ssl_certs", ("/etc/ssl/cert.pem",)),
        ("--ssl-certs /a,/b", "ssl_certs", ("/a", "/b")),
        ("", "command", None),
        ("--comm=reload", "command", "reload"),
        ("", "haproxy_config", Path("/etc/haproxy/haproxy.cfg")),
        ("--max-reload-retries -1", "max_reload_retries", -1),
        ("--reload-i 3", "reload_interval", 3.0),
        ("-s", "sse", True),
        ("-H", "health_check", True),
        ("--hea", "health_check", True),
        ("-d", "dry", True),
        ("--log-level debug", "log_level", logging.DEBUG),
        ("", "log_level", logging.INFO),
        ("--lru-cache-capacity 5", "sse", False),
        ("--dont", "dont_bind_http_https", True),
        ("--trust-app", "trust_app_labels", True),
    ],
)
def test_a_flag_means_what_it_meant(line: str, name: str, value: Any) -> None:
    assert getattr(read(f"--group x {line}"), name) == value


def test_what_its_user_may_have_meant_otherwise_is_told() -> None:
    assert read("--group x -m http://a http://b").warnings == ()
    comma, twice = read("--group a,b -m http://a -m http://b").warnings
    assert "--group a,b is one group" in comma
    assert "2 times" in twice


def test_a_service_account_comes_from_the_environment_too() -> None:
    assert read("--group x", DCOS_SERVICE_ACCOUNT_CREDENTIAL="{}").dcos_auth_credentials == "{}"


def test_no_secret_is_in_what_the_arguments_show() -> None:
    shown = repr(read("--group x --auth-credentials me:secret --dcos-auth-credentials hidden"))
    assert "secret" not in shown
    assert "hidden" not in shown


@pytest.mark.parametrize(
    ("line", "content", "expected"),
    [
        ("", None, ("", "")),
        ("--auth-credentials me:a:b", None, ("me", "a:b")),
        ("--auth-credentials me:a", "you:b\nrest\n", ("you", "b")),
        ("--auth-credentials me:a", "\n", ("", "")),
    ],
)
def test_credentials_come_from_the_file_first_and_may_have_colons(
    line: str, content: str | None, expected: tuple[str, str], tmp_path: Path
) -> None:
    if content is not None:
        (tmp_path / "secret").write_text(content)
        line += f" --marathon-auth-credential-file {tmp_path}/secret"
    cluster = cluster_of(read(f"--group x {line}"))
    assert (cluster.user, cluster.password) == expected


@pytest.mark.parametrize("line", ["--auth-credentials secret", "--marathon-auth-credential-file /nowhere"])
def test_credentials_that_cannot_be_used_are_refused_without_being_shown(line: str) -> None:
    with pytest.raises(SettingsError, match=line.split()[0]) as raised:
        cluster_of(read(f"--group x {line}"))
    assert "secret" not in str(raised.value)


def test_marathons_certificate_is_checked_unless_it_is_said_otherwise(tmp_path: Path) -> None:
    authority = f"--marathon-ca-cert {tmp_path}/ca.pem"
    assert cluster_of(read("--group x")).tls_verify
    assert not cluster_of(read("--group x --trust-any-certificate")).tls_verify
    assert cluster_of(read(f"--group x --trust-any-certificate {authority}")).tls_verify


def test_the_long_help_names_every_flag_template_and_label() -> None:
    assert read_arguments(["--longhelp"], "marathon-lb", {}) is None
    parser = make_parser("marathon-lb", {})
    page = longhelp(parser)
    labels = [label.key(None).removeprefix("HAPROXY_") + "`" for label in TABLE]
    templates = [f"`HAPROXY_{name}`" for name in ("HEAD", *BY_NAME)]
    flags = [option for action in parser._actions for option in action.option_strings]
    assert [name for name in (*labels, *templates, *flags) if name not in page] == []

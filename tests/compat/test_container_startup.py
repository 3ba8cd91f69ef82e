"""The container's environment and arguments, as tables: what they ask for, and what is refused."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from milepost.compat.container.startup import Folders, Startup, Vault, credentials_line, read_startup
from milepost.compat.marathon_lb.arguments import Arguments, read_arguments
from milepost.errors import SettingsError

FOLDERS = Folders(Path("/c"), Path("/w"))
VAULT = {"VAULT_TOKEN": "t0ken", "VAULT_HOST": "vault", "VAULT_PORT": "8200", "VAULT_PATH": "/v1/secret/lb"}


def read(words: str = "sse --group external", **environ: str) -> Startup:
    return read_startup(words.split(), environ, FOLDERS)


def understood(startup: Startup) -> Arguments:
    """The arguments as marathon-lb's own command line takes them."""
    found = read_arguments(startup.arguments, "marathon-lb", {})
    assert found is not None
    return found


@pytest.mark.parametrize("words", ["", "run --group x", "--sse sse --group x", "SSE"])
def test_only_sse_and_poll_are_modes(words: str) -> None:
    with pytest.raises(SettingsError, match="expected sse or poll"):
        read(words)


@pytest.mark.parametrize(
    ("environ", "words"),
    [
        ({"POLL_INTERVAL": "soon"}, "POLL_INTERVAL: expected seconds above 0, got 'soon'"),
        ({"POLL_INTERVAL": "0"}, "POLL_INTERVAL: expected seconds above 0"),
        ({"MARATHON_USER": "a:b", "MARATHON_PASSWORD": "s3cret"}, "the user without a colon"),
        ({"MARATHON_USER": "a", "MARATHON_PASSWORD": "s3\ncret"}, "on one line"),
    ],
)
def test_what_cannot_be_meant_is_refused(environ: dict[str, str], words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        read(**environ)


def test_without_any_variable_haproxy_is_ours_and_its_certificate_signs_itself() -> None:
    startup = read("sse --group external --health-check")
    arguments = understood(startup)
    assert (arguments.sse, arguments.own_haproxy, arguments.health_check) == (True, True, True)
    assert (arguments.groups, arguments.syslog_socket) == (("external",), "/dev/null")
    assert (arguments.haproxy_config, arguments.ssl_certs) == (Path("/w/haproxy.cfg"), ("/c/cert.pem",))
    assert (startup.self_signed, startup.files, startup.warnings) == (Path("/c/cert.pem"), (), ())


def test_poll_passes_again_and_again() -> None:
    startup = read("poll --group external", POLL_INTERVAL="2.5")
    assert (startup.is_poll, startup.poll_interval_s, understood(startup).sse) == (True, 2.5, False)


@pytest.mark.parametrize(
    ("flags", "environ", "certificates", "written"),
    [
        ("", {"HAPROXY_SSL_CERT": "A"}, ("/c/cert.pem",), {"/c/cert.pem": "A\n"}),
        ("--ssl-certs /x,/y", {}, ("/x", "/y"), {}),
        ("--ssl-certs=/x,/y", {}, ("/x", "/y"), {}),
        ("--ssl-certs /x --ssl-certs=/z", {}, ("/z",), {}),
        ("--ssl-certs=/x", {"HAPROXY_SSL_CERT": "A"}, ("/x", "/c/cert.pem"), {"/c/cert.pem": "A\n"}),
        ("", {"HAPROXY_SSL_CERT": r"-B-\nx\\n\n-E-\n"}, ("/c/cert.pem",), {"/c/cert.pem": "-B-\nx\\n\n-E-\n"}),
        (
            "",
            {"HAPROXY_SSL_CERT": "A", "HAPROXY_SSL_CERT100": "C", "HAPROXY_SSL_CERT0": "B", "HAPROXY_SSL_CERT7": ""},
            ("/c/cert.pem", "/c/cert0.pem", "/c/cert100.pem"),
            {"/c/cert.pem": "A\n", "/c/cert0.pem": "B\n", "/c/cert100.pem": "C\n"},
        ),
    ],
)
def test_certificates_come_from_flags_and_variables_and_then_none_is_made(
    flags: str, environ: dict[str, str], certificates: tuple[str, ...], written: dict[str, str]
) -> None:
    startup = read(f"sse --group x {flags}", **environ)
    assert understood(startup).ssl_certs == certificates
    assert {str(file.path): file.text for file in startup.files} == written
    assert startup.self_signed is None


def test_numbered_certificates_without_the_first_are_ignored_and_told() -> None:
    startup = read(HAPROXY_SSL_CERT0="B")
    assert startup.files == ()
    assert "HAPROXY_SSL_CERT is not set" in startup.warnings[0]


def test_credentials_go_through_a_file_and_not_through_the_command_line() -> None:
    startup = read(MARATHON_USER="me", MARATHON_PASSWORD="s3cret:x")
    (file,) = startup.files
    assert (file.path, file.text) == (Path("/w/marathon-credentials"), "me:s3cret:x\n")
    assert understood(startup).marathon_auth_credential_file == file.path
    assert "s3cret" not in repr(startup) + str(startup.environment)


@pytest.mark.parametrize(
    ("environ", "vault"),
    [
        (VAULT, Vault("https://vault:8200/v1/secret/lb", "t0ken")),
        ({**VAULT, "VAULT_URL": "http://other/x"}, Vault("http://other/x", "t0ken")),
        ({"VAULT_TOKEN": "t0ken", "VAULT_URL": "http://other/x"}, Vault("http://other/x", "t0ken")),
        ({**VAULT, "VAULT_PORT": ""}, None),
        ({**VAULT, "VAULT_TOKEN": ""}, None),
        ({**VAULT, "MARATHON_USER": "me", "MARATHON_PASSWORD": "p"}, None),
    ],
)
def test_vault_is_asked_where_all_of_its_variables_are_set(environ: dict[str, str], vault: Vault | None) -> None:
    startup = read(**environ)
    assert startup.vault == vault
    assert "t0ken" not in repr(startup)


def test_a_half_given_vault_is_told() -> None:
    assert read(VAULT_TOKEN="t", VAULT_HOST="h").warnings == ("Vault is not asked: VAULT_PORT, VAULT_PATH is not set",)


def test_the_other_variables_find_their_place() -> None:
    startup = read(
        MESOS_SANDBOX="/s", HAPROXY_SYSCTL_PARAMS="net.a=1 net.b=2", HAPROXY_SYSCTL_NONSTRICT="1", HAPROXY_SYSLOGD="1",
        SYSLOG_SOCKET="/dev/log", PORTS="80,443",
    )  # fmt: skip
    assert startup.templates == (Path("/s/templates"), Path("/w/templates"))
    assert (startup.sysctl, startup.is_sysctl_strict) == (("net.a=1", "net.b=2"), False)
    assert startup.environment["MILEPOST_HAPROXY_LOG"] == "stdout"
    assert understood(startup).syslog_socket == "/dev/log"


texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20)


@given(user=texts, password=texts)
def test_a_line_of_credentials_is_read_back_as_it_was_meant_or_refused(user: str, password: str) -> None:
    try:
        line = credentials_line(user, password)
    except SettingsError:
        return
    assert line.partition("\n")[0].partition(":") == (user, ":", password)
    assert line.count("\n") == 1

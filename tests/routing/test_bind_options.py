"""Which words owners may put on their own listener's `bind` line."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from milepost.model.problem import Severity
from milepost.model.routing import Binding
from milepost.model.snapshot import AppDefinition, AppPort, NetworkMode
from milepost.routing.bind_options import FLAGS, WITH_VALUE, read_bind_options, read_bind_options_as_written
from milepost.routing.grammar import Wrong
from milepost.routing.policy import Policy
from milepost.routing.reading import AppReading, read_app


@pytest.mark.parametrize(
    "text",
    [
        "uid 0",
        "user root",
        "mode 777",
        "level admin",
        "expose-fd listeners",
        "interface eth0",
        "namespace other",
        "process 1",
        "id 1",
        "nice -1024",
        "proto h2",
        "transparent",
        "strict-sni",
        "crt-list /etc/list",
        "ca-file /etc/ca.pem verify required",
        "crt web.pem",
        "crt /a.pem crt /b.pem",
        "crt",
        "alpn",
        "alpn ssl",
        "ssl-min-ver SSLv2",
        "maxconn many",
        'ciphers "HIGH"',
        "ciphers ${HOME}",
        "tfo # more",
        "tfo\u00a0tfo x",
        ",unix@/run/admin.sock",
        "tfo " * 41,
    ],
)
def test_what_reaches_beyond_the_listener_is_refused(text: str) -> None:
    assert isinstance(read_bind_options(text), Wrong)


@pytest.mark.parametrize(
    ("text", "binding"),
    [
        ("", Binding()),
        (" accept-proxy   tfo ", Binding(None, "accept-proxy tfo")),
        ("ssl crt /a.pem no-sslv3", Binding("/a.pem", "no-sslv3")),
        ("ssl no-sslv3", Binding(None, "ssl no-sslv3")),
        ("ssl-min-ver TLSv1.2 ciphers HIGH:!aNULL", Binding(None, "ssl-min-ver TLSv1.2 ciphers HIGH:!aNULL")),
    ],
)
def test_options_of_the_listener_are_read(text: str, binding: Binding) -> None:
    assert read_bind_options(text) == binding


def test_the_exact_profile_takes_any_words_of_one_line() -> None:
    assert read_bind_options_as_written("uid 0") == Binding(None, "uid 0")
    assert isinstance(read_bind_options_as_written("tfo\nprogram x"), Wrong)


words = st.sampled_from([*sorted(FLAGS), *sorted(WITH_VALUE), "1", "/a.pem", "TLSv1.2", "h2", "uid", "a\nb", "#", '"'])


@given(st.lists(words, max_size=6).map(" ".join) | st.text())
@example("ciphers x\nprogram x")
def test_what_passes_are_known_words_with_their_values(text: str) -> None:
    found = read_bind_options(text)
    if isinstance(found, Wrong):
        return
    left = iter(found.options.split())
    assert found.options == " ".join(found.options.split())
    for word in left:
        value = next(left) if word in WITH_VALUE else ""
        assert word in FLAGS or WITH_VALUE[word].fullmatch(value)
    assert not set("\n\r\"'\\#${}[]%;") & set(found.options + (found.certificate or ""))


def read(**labels: str) -> AppReading:
    named = {f"HAPROXY_0_{name}": value for name, value in labels.items()}
    return read_app(AppDefinition("/web", named, NetworkMode.BRIDGE, (AppPort(10_000, 0),)), Policy(("*",)))


@pytest.mark.parametrize(
    ("labels", "binding"),
    [
        ({"SSL_CERT": "/a.pem"}, Binding("/a.pem")),
        ({"SSL_CERT": ""}, Binding()),
        ({"SSL_CERT": "/a.pem", "BIND_OPTIONS": "ssl tfo"}, Binding("/a.pem", "tfo")),
        ({"SSL_CERT": "/a.pem", "BIND_OPTIONS": "ssl crt /a.pem"}, Binding("/a.pem")),
        ({"BIND_OPTIONS": "crt /a.pem"}, Binding("/a.pem")),
    ],
)
def test_a_certificate_may_stand_in_either_label(labels: dict[str, str], binding: Binding) -> None:
    reading = read(**labels)
    assert reading.wanted[0].service.binding == binding
    assert not reading.problems


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        ({"BIND_OPTIONS": "ssl"}, "asks for TLS without a certificate"),
        ({"SSL_CERT": "/a.pem", "BIND_OPTIONS": "ssl crt /b.pem"}, "names another certificate than HAPROXY_0_SSL_CERT"),
        ({"SSL_CERT": "a.pem"}, "expected the absolute path of a certificate file"),
        ({"BIND_OPTIONS": "uid 0"}, "expected only options of the listener itself ('uid' is none"),
    ],
)
def test_a_port_that_cannot_be_bound_as_asked_is_left_out(labels: dict[str, str], words: str) -> None:
    reading = read(**labels)
    assert not reading.wanted
    (problem,) = reading.problems
    assert problem.severity is Severity.ERROR
    assert problem.message.startswith(words)

"""The grammar of each kind of setting: what is refused, then what is taken."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from milepost.settings import kinds
from milepost.settings.grants import GRANTS
from milepost.settings.kinds import Kind, Listen

REFUSED: list[tuple[Kind[object], str]] = [
    (GRANTS, "hosts=a.example"),
    (GRANTS, "apps=/a"),
    (GRANTS, "apps= ports=1-2"),
    (GRANTS, "apps=/a hosts=a,,b"),
    (GRANTS, "apps=/a hosts=a#b"),
    (GRANTS, "apps=/a ports=7-1"),
    (GRANTS, "apps=/a ports=x"),
    (GRANTS, "apps=/a by_app_id=maybe"),
    (GRANTS, "apps=/a ports=1-2 colour=red"),
    (kinds.PORT, "65536"),
    (kinds.PORT, "-1"),
    (kinds.PORT, "８０"),
    (kinds.PORT, "80 "),
    (kinds.PORT, ""),
    (kinds.SECONDS, "0"),
    (kinds.SECONDS, "nan"),
    (kinds.SECONDS, "inf"),
    (kinds.SECONDS, "2s"),
    (kinds.SECONDS_OR_OFF, "-1"),
    (kinds.SECONDS_OR_OFF, "never"),
    (kinds.SECONDS_OR_OFF, "2000001"),
    (kinds.TIMEOUT, "0"),
    (kinds.TIMEOUT, "2000001"),
    (kinds.SHARE, "1.1"),
    (kinds.SHARE, "-0.1"),
    (kinds.SHARE, "nan"),
    (kinds.SHARE, "25%"),
    (kinds.COUNT, "0"),
    (kinds.COUNT, "1.5"),
    (kinds.FLAG, "on"),
    (kinds.FLAG, ""),
    (kinds.URLS, "m1:8080"),
    (kinds.URLS, "ftp://m1"),
    (kinds.URLS, "http://"),
    (kinds.URLS, "http://user:secret@m1:8080"),
    (kinds.URLS, "http://m1:0"),
    (kinds.URLS, "http://m1:99999"),
    (kinds.URLS, "http://m1/?a=b"),
    (kinds.URLS, "http://m1,,http://m2"),
    (kinds.BIND_ADDRESSES, "balancer.example"),
    (kinds.BIND_ADDRESSES, "10.0.0.1:80"),
    (kinds.BIND_ADDRESSES, "unix@/run/x"),
    (kinds.BIND_ADDRESSES, "fe80::1%a ssl crt x"),
    (kinds.LISTEN, "9095"),
    (kinds.LISTEN, ":9095"),
    (kinds.LISTEN, "::1:9095"),
    (kinds.LISTEN, "127.0.0.1:http"),
    (kinds.LISTEN, "[127.0.0.1]:9095"),
    (kinds.PORT_RANGE, "10050"),
    (kinds.PORT_RANGE, "10100-10050"),
    (kinds.PORT_RANGE, "0-10"),
    (kinds.NAMES, "A-B"),
    (kinds.NAMES, "1A"),
    (kinds.FILE, ""),
    (kinds.FILE, "a\nb"),
    (kinds.BARE_FILE, "/a b"),
    (kinds.BARE_FILE, "/a,mode,666"),
    (kinds.BARE_FILE, "/a$HOME"),
    (kinds.BARE_FILE, '/a"'),
    (kinds.BARE_FILE, "/a)"),
    (kinds.BARE_WORDS, '127.0.0.1 "$HOME"'),
    (kinds.BARE_WORDS, "127.0.0.1 # local0"),
    (kinds.BARE_WORDS, "127.0.0.1\\n"),
    (kinds.TEXT, "a\nlog 127.0.0.1"),
]

TAKEN: list[tuple[Kind[object], str, object]] = [
    (kinds.PORT, "0", 0),
    (kinds.SECONDS, "0.2", 0.2),
    (kinds.SECONDS_OR_OFF, "0", 0.0),
    (kinds.SECONDS_OR_OFF, "0.2", 0.2),
    (kinds.TIMEOUT, "2000000", 2_000_000.0),
    (kinds.COUNT, "1000", 1000),
    (kinds.FLAG, "True", True),
    (kinds.FLAG, "0", False),
    (kinds.URLS, "http://m1:8080/, https://m2", ("http://m1:8080", "https://m2")),
    (kinds.URLS, "http://[::1]:8080", ("http://[::1]:8080",)),
    (kinds.URLS, "", ()),
    (kinds.BIND_ADDRESSES, "*", ("*",)),
    (kinds.BIND_ADDRESSES, "127.0.0.1,::1", ("127.0.0.1", "::1")),
    (kinds.BARE_WORDS, " [::1]:514  len 8192 local0\n", "[::1]:514 len 8192 local0"),
    (kinds.LISTEN, "[::1]:0", Listen("::1", 0)),
    (kinds.LISTEN, "localhost:80", Listen("localhost", 80)),
    (kinds.PORT_RANGE, "10050-10050", (10050, 10050)),
    (kinds.or_none(kinds.LISTEN), "", None),
]


@pytest.mark.parametrize(("kind", "text"), REFUSED)
def test_a_word_that_does_not_fit_is_refused(kind: Kind[object], text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  # the reader makes the message; the kind only refuses
        kind.word(text)


@pytest.mark.parametrize(("kind", "text", "value"), TAKEN)
def test_a_word_that_fits_is_read(kind: Kind[object], text: str, value: object) -> None:
    assert kind.word(text) == value


def test_a_relative_path_counts_from_where_milepost_is_started() -> None:
    assert kinds.FILE.word("state") == Path.cwd() / "state"


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (kinds.PORT, "80"),
        (kinds.PORT, True),
        (kinds.PORT, 80.0),
        (kinds.FLAG, "true"),
        (kinds.FLAG, 1),
        (kinds.TEXT, 1),
        (kinds.SECONDS, True),
        (kinds.TEXTS, "external"),
        (kinds.TEXTS, ["a", 1]),
        (kinds.TEXTS, ["a,b"]),
        (kinds.TEXTS, [" "]),
        (kinds.LINES, ["a\nb"]),
    ],
)
def test_toml_s_types_are_kept_apart(kind: Kind[object], value: object) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  # the reader makes the message; the kind only refuses
        kind.from_toml(value)


@given(st.text(), st.sampled_from([kind for kind, _ in REFUSED]))
def test_any_text_is_read_or_refused_with_valueerror_only(text: str, kind: Kind[object]) -> None:
    try:
        read = kind.word(text)
    except ValueError:
        return
    words = read if isinstance(read, tuple) else (read,)
    assert all(str(word).isprintable() for word in words), "a line end or a control sign must not get through"

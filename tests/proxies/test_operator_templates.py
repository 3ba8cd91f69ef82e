"""Where an operator's templates come from, and which are refused."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from milepost.errors import SettingsError
from milepost.proxies.haproxy.templates.defaults import UNUSED
from milepost.proxies.haproxy.templates.sources import operator_templates, template_files

RELOADABLE = "global\n  stats socket /run/a expose-fd listeners\n"


@pytest.mark.parametrize(
    ("name", "text", "why"),
    [
        ("FRONTEND_HEAD", "frontend {bakend}", "template FRONTEND_HEAD: unknown placeholder {bakend}"),
        ("FRONTEND_HEAD", "frontend {backend", "template FRONTEND_HEAD: a lone {"),
        ("BACKEND_SERVER_OPTIONS", "server {port:>5}", "template BACKEND_SERVER_OPTIONS: a lone {"),
        ("HTTPS_FRONTEND_HEAD", "bind {path}", "template HTTPS_FRONTEND_HEAD: unknown placeholder {path}"),
        ("HEAD", f"{RELOADABLE}  # no daemon here\n", "template HEAD: the word daemon"),
        ("HEAD", "global\n", "template HEAD: expected `stats socket"),
    ],
)
def test_one_that_cannot_be_used_is_refused_with_its_name(name: str, text: str, why: str) -> None:
    with pytest.raises(SettingsError) as error:
        operator_templates({f"HAPROXY_{name}": text}, {})
    assert str(error.value).startswith(why)


@pytest.mark.parametrize(
    ("environment", "files", "found"),
    [
        ({}, {}, {}),
        ({"HAPROXY_BACKEND_HEAD": ""}, {}, {}),
        ({"HAPROXY_BACKEND_HEAD": "a\\nb"}, {}, {"BACKEND_HEAD": "a\nb"}),
        ({}, {"HAPROXY_BACKEND_HEAD": "a\\nb"}, {"BACKEND_HEAD": "a\\nb"}),
        ({}, {"HAPROXY_BACKEND_HEAD": ""}, {"BACKEND_HEAD": ""}),
        ({"HAPROXY_BACKEND_HEAD": "a"}, {"HAPROXY_BACKEND_HEAD": "b"}, {"BACKEND_HEAD": "a"}),
        ({"HAPROXY_BACKEND_HEAD": ""}, {"HAPROXY_BACKEND_HEAD": "b"}, {"BACKEND_HEAD": "b"}),
        ({"HAPROXY_BACKEND_HTTP_OPTIONS": "{as it is}"}, {}, {"BACKEND_HTTP_OPTIONS": "{as it is}"}),
        ({"HAPROXY_HEAD": RELOADABLE}, {}, {"HEAD": RELOADABLE}),
        ({"HAPROXY_NO_SUCH": "{"}, {"NOTES": "{"}, {}),
        ({f"HAPROXY_{name}": "{" for name in UNUSED}, {}, {}),
    ],
)
def test_a_variable_comes_before_a_file(
    environment: Mapping[str, str], files: Mapping[str, str], found: Mapping[str, str]
) -> None:
    assert operator_templates(environment, files) == found


def test_a_folder_gives_the_files_that_are_templates(tmp_path: Path) -> None:
    assert template_files(tmp_path / "none") == {}
    (tmp_path / "HAPROXY_BACKEND_HEAD").write_text("backend {backend}\n")
    (tmp_path / "HAPROXY_HEAD").write_text("global\n")
    (tmp_path / "HAPROXY_FRONTEND_HEAD").write_bytes(b"\xff")
    (tmp_path / "README").write_text("about these")
    assert template_files(tmp_path) == {"HAPROXY_BACKEND_HEAD": "backend {backend}\n", "HAPROXY_HEAD": "global\n"}

"""How a template is filled in: plain names only, braces doubled."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from milepost.proxies.haproxy.templates.template import TemplateError, filled

VALUES = {"backend": "web_1", "port": 80, "none": None}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{", "a lone {"),
        ("a }", "a lone }"),
        ("{}", "a lone {"),
        ("{backend", "a lone {"),
        ("{{backend}", "a lone }"),
        ("{port:>5}", "a lone {"),
        ("{backend.x}", "a lone {"),
        ("{backend!r}", "a lone {"),
        ("{0}", "unknown placeholder {0}"),
        ("{bakend}", "unknown placeholder {bakend}"),
    ],
)
def test_what_cannot_be_filled_in_is_refused_with_what_is_known(text: str, why: str) -> None:
    with pytest.raises(TemplateError) as error:
        filled("BACKEND_HEAD", text, VALUES)
    assert str(error.value).startswith(f"template BACKEND_HEAD: {why}")
    assert str(error.value).endswith("known are backend, none, port")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", ""),
        ("backend {backend}\n", "backend web_1\n"),
        ("{backend}{port}{none}", "web_180None"),
        ("{{ {port} }}", "{ 80 }"),
        ("{{{{", "{{"),
        ("}}}}{{backend}}", "}}{backend}"),
    ],
)
def test_fields_become_values_and_doubled_braces_one(text: str, found: str) -> None:
    assert filled("BACKEND_HEAD", text, VALUES) == found


@given(st.text())
def test_any_text_with_doubled_braces_stands_for_itself(text: str) -> None:
    assert filled("BACKEND_HEAD", text.replace("{", "{{").replace("}", "}}"), {}) == text


@given(st.text(), st.text())
def test_a_value_is_never_read_as_a_template(before: str, value: str) -> None:
    doubled = before.replace("{", "{{").replace("}", "}}")
    assert filled("BACKEND_HEAD", doubled + "{backend}", {"backend": value}) == before + value

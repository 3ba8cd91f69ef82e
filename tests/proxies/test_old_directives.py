"""Lines that HAProxy removed in 2.1: translated where the modern line does the same, else told."""

from pathlib import Path

import anyio
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from milepost.proxies.haproxy.binary import Binary
from milepost.proxies.haproxy.check import check
from milepost.proxies.haproxy.templates.directives import modernised
from milepost.proxies.haproxy.templates.words import joined, split_words
from support.haproxy import each_haproxy

pytestmark = pytest.mark.system

UNTRANSLATABLE = [
    ("reqrep ^GET\\ /a(.*) GET\\ /b\\1", "`http-request replace-path`"),
    ("reqrep ^([^\\ ]*)\\ /a(.*)\\ HTTP/1.0 \\1\\ /b\\2", "`http-request replace-path`"),
    ("reqrep ^([^\\ ]*)\\ /a(.*) \\1\\ /b", "`http-request replace-path`"),
    ("reqrep ^Host:\\ (.*) X-Host:\\ \\1", "`http-request replace-path`"),
    ("reqrep ^X:.* X", "`http-request replace-path`"),
    ("reqrep (", "`http-request replace-path`"),
    ("reqadd X-Flag", "`http-request add-header NAME VALUE`"),
    ("reqdel ^X-Secret:\\ a", "`http-request del-header NAME`"),
    ("rspidel Server:", "`http-response del-header NAME`"),
    ("reqdeny ^GET\\ /admin", "`http-request deny"),
    ("reqideny ^X-A:\\ b if { src 10.0.0.1 }", "`http-request deny"),
    ("reqallow ^Host:\\ a", "`http-request allow"),
    ("reqipass ^Host:\\ a", "`http-request allow"),
    ("reqsetbe ^Host:\\ a b", "`use_backend"),
    ("block", "`http-request deny"),
    ("reqrep ^([^\\ ]*)\\ /a\\?b=(.*) \\1\\ /\\2", "`http-request replace-path`"),
    ("reqrep ^Host:\\ (.*) Host:\\ \\0", "`http-request replace-path`"),
    ("reqidel ^X-A:b", "`http-request del-header NAME`"),
    ("reqdeny ^X-A:b", "`http-request deny"),
    ("option httpchk GET / HTTP/1.1\\r\\nHost", "`http-check send`"),
    ("option httpchk GET / HTTP/1.1\\r\\n\\r\\nbody", "`http-check send`"),
    ("rsprep", "`http-response replace-header"),
]

TRANSLATED = [
    ("reqadd X-Proto:\\ https", "http-request add-header X-Proto https"),
    ("reqadd X-Share:\\ 50% if { ssl_fc }", "http-request add-header X-Share 50%% if { ssl_fc }"),
    (
        "rspadd  Strict-Transport-Security:\\ max-age=15768000",
        "http-response add-header Strict-Transport-Security max-age=15768000",
    ),
    ('rspadd "X-A: b c" unless local', "http-response add-header X-A b\\ c unless local"),
    ("reqidel ^X-Forwarded-For:.*", "http-request del-header X-Forwarded-For"),
    ("reqdel ^X-A:", "http-request del-header X-A"),
    ("rspidel ^Server:.* if { ssl_fc }", "http-response del-header Server if { ssl_fc }"),
    ('reqirep  "^([^ :]*)\\ /auth/?(.*)" "\\1\\ /\\2"', "http-request replace-path (?i)^/auth/?(.*) /\\1"),
    ("reqrep ^([^\\ ]*)\\ /(a|b)/(.*) \\1\\ /x/\\2/\\3", "http-request replace-path ^/(a|b)/(.*) /x/\\1/\\2"),
    ("reqrep ^([^\\ :]*)\\ /v1(.*) \\1\\ /v2\\2 if local", "http-request replace-path ^/v1(.*) /v2\\1 if local"),
    ("reqrep ^([^\\ ]*\\ /)api[/]?(.*)     \\1\\2", "http-request replace-path ^/api[/]?(.*) /\\1"),
    ("reqirep ^Host:\\ (.*)\\.old Host:\\ \\1.new", "http-request replace-header Host (?i)^(.*)\\.old \\1.new"),
    (
        'rspirep "^Location: (https?://a.example(:[0-9]+)?)?(/.*)" "Location:   /x" if hdr_location',
        "http-response replace-header Location (?i)^(https?://a.example(:[0-9]+)?)?(/.*) /x if hdr_location",
    ),
    ("reqideny ^User-Agent:\\ bad", "http-request deny if { req.fhdr(User-Agent) -m reg -i ^bad }"),
    ("rspdeny ^Content-Length:\\ 0", "http-response deny if { res.fhdr(Content-Length) -m reg ^0 }"),
    ("reqtarpit ^X-A:\\ b", "http-request tarpit if { req.fhdr(X-A) -m reg ^b }"),
    ("block if { path_beg /private }", "http-request deny if { path_beg /private }"),
    ("clitimeout 5s", "timeout client 5s"),
    ("contimeout 5000", "timeout connect 5000"),
    ("srvtimeout 5s", "timeout server 5s"),
    ("redispatch", "option redispatch"),
    (
        "option httpchk HEAD /h HTTP/1.1\\r\\nHost:\\ a.example\\r\\nX-A:\\ 1%",
        "option httpchk\n  http-check send meth HEAD uri /h ver HTTP/1.1 hdr Host a.example hdr X-A 1%%",
    ),
    (
        'option httpchk GET /h "HTTP/1.1\\r\\nHost: a.example"',
        "option httpchk\n  http-check send meth GET uri /h ver HTTP/1.1 hdr Host a.example",
    ),
    (
        "option  httpchk GET /h HTTP/1.0\\nUser-Agent:\\ a\\ b",
        "option httpchk\n  http-check send meth GET uri /h ver HTTP/1.0 hdr User-Agent a\\ b",
    ),
    (
        "option httpchk GET /h HTTP/1.1\\r\\nConnection:close\\r\\n",
        "option httpchk\n  http-check send meth GET uri /h ver HTTP/1.1 hdr Connection close",
    ),
]

KEPT = [
    "option httpchk GET /h HTTP/1.1",
    "option httplog",
    "",
    "backend a\n  balance source\n  timeout client 5s",
    "# reqadd X-A:\\ b",
    "http-request set-header X reqadd",
    "acl block path /blocked",
]


@pytest.mark.parametrize(("line", "advice"), UNTRANSLATABLE)
def test_a_line_without_an_equal_stays_and_its_author_hears_what_to_use(line: str, advice: str) -> None:
    modern = modernised(f"  {line}\n")
    assert modern.text == f"  {line}\n"
    (told,) = modern.advice
    assert told.startswith("HAProxy refuses ")
    assert advice in told


@pytest.mark.parametrize(("line", "modern"), TRANSLATED)
def test_a_line_with_an_equal_becomes_it(line: str, modern: str) -> None:
    found = modernised(f"\nbackend a\n  {line}\n  mode http\n")
    assert found.text == f"\nbackend a\n  {modern}\n  mode http\n"
    assert not found.advice


@pytest.mark.anyio
@each_haproxy
async def test_haproxy_takes_every_line_that_came_out(binary: Binary, tmp_path: Path) -> None:
    head = ["bind 127.0.0.1:1", "mode http", "acl local src 127.0.0.1", "acl hdr_location res.hdr(Location) -m found"]
    sections = ([f"listen a{number}", *head, modern] for number, (_, modern) in enumerate(TRANSLATED))
    text = "\n".join([*(line for section in sections for line in section), ""])
    await anyio.Path(tmp_path / "a.cfg").write_text(text)
    assert (await check(binary.path, tmp_path / "a.cfg", text, {})).alerts == ()


@pytest.mark.parametrize("text", KEPT)
def test_a_text_of_today_stays_as_it_is(text: str) -> None:
    assert modernised(text).text == text


@given(st.lists(st.text(st.sampled_from("ab \t\n\r\\\"'#$nrt{}") | st.characters(exclude_characters="\0"))))
@example(["\\", "a\\"])
@example(["\\n", "\n"])
def test_words_written_in_a_line_are_the_same_when_it_is_cut(words: list[str]) -> None:
    line = joined(words)
    assert "\n" not in line
    assert split_words(line) == words


@given(st.sampled_from(["reqrep ", "reqirep ", "rspirep ", "reqadd ", "block ", "reqideny "]), st.text())
def test_no_old_line_of_any_form_is_too_much(keyword: str, rest: str) -> None:
    modern = modernised(keyword + rest)
    assert modern.text.count("\n") == rest.count("\n")
    assert modernised(modern.text).text == modern.text

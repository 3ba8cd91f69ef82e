"""HAProxy's complaints: which line, whose app, and nothing in them that is not ours."""

import pytest

from milepost.proxies.haproxy.check import Alert, Checked, owner_of_line, owners_of, parse_alerts, without_foreign
from milepost.proxies.haproxy.config import Desired, Section, Structure

TEXT = """\
global
  maxconn 10

frontend web_80
  bind *:80

backend web_80
  blance roundrobin
  acl x src -f /etc/secret
"""

DESIRED = Desired(
    Structure(
        (
            Section("global", "", ("maxconn 10",)),
            Section("frontend", "web_80", ("bind *:80",), "/web"),
            Section("backend", "web_80", (), "/web"),
        ),
        "d1",
    )
)

SAID = """\
[NOTICE]   (7) : haproxy version is 2.6.12
[WARNING]  (7) : config : missing timeouts for frontend 'web_80'.
[ALERT]    (7) : config : parsing [/run/x.cfg:8] : unknown keyword 'blance' in 'backend' section
[ALERT]    (7) : config : Proxy 'web_80': unable to find required default_backend: 'web_80'.
[ALERT]    (7) : config : [/run/x.cfg:9] : 'acl' : 'hunter2' is not a valid address at line 1 of file '/etc/secret'.
[ALERT]    (7) : config : Error(s) found in configuration file : /run/x.cfg
[ALERT]    (7) : config : Fatal errors found in configuration.
"""


def test_each_alert_is_read_with_its_line() -> None:
    assert parse_alerts(SAID, TEXT) == (
        Alert(8, "unknown keyword 'blance' in 'backend' section"),
        Alert(None, "Proxy 'web_80': unable to find required default_backend: 'web_80'."),
        Alert(9, "'acl' : …."),
    )


@pytest.mark.parametrize(
    ("message", "ours", "shown"),
    [
        ("unknown keyword 'blance'", "blance x", "unknown keyword 'blance'"),
        ("'acl' : 'hunter2' is not valid in file '/a'.", "acl x -f /a", "'acl' : …."),
        ('bad "hunter2" here', "x", "bad … here"),
        ("expression <hunter2> : unknown", "x", "expression … : unknown"),
        ("'it's hunter2' is not valid", "it x", "… is not valid"),
        ("no quotes at all", "x", "no quotes at all"),
    ],
)
def test_what_is_quoted_from_elsewhere_is_cut_out(message: str, ours: str, shown: str) -> None:
    assert without_foreign(message, ours) == shown


@pytest.mark.parametrize(("line", "owner"), [(2, ""), (4, "/web"), (5, "/web"), (8, "/web"), (99, "/web")])
def test_a_line_belongs_to_the_app_of_its_section(line: int, owner: str) -> None:
    assert owner_of_line(DESIRED, TEXT, line) == owner


def test_a_list_of_users_is_its_apps_and_its_passwords_are_nobodys_to_read() -> None:
    text = f"{TEXT}\nuserlist web_80\n  user joe password $5$x\n\nuserlist user_web_80\n  user joe password $5$y\n"
    listed = Section("userlist", "user_web_80", (), "/web")
    desired = Desired(Structure((*DESIRED.structure.sections, listed), "d1"))
    (alert,) = parse_alerts("[ALERT]    (7) : config : parsing [/run/x.cfg:15] : the password '$5$y' is bad.\n", text)
    assert alert == Alert(15, "the password … is bad.")
    assert owner_of_line(desired, text, 15) == "/web"
    assert owner_of_line(desired, text, 12) == ""


def test_an_alert_leads_to_its_app_by_line_or_by_a_sections_name() -> None:
    by_line = Checked((Alert(8, "unknown keyword"), Alert(9, "another")))
    assert owners_of(DESIRED, TEXT, by_line) == {"/web": "unknown keyword"}
    assert owners_of(DESIRED, TEXT, Checked((Alert(None, "Proxy 'web_80': bad"),))) == {"/web": "Proxy 'web_80': bad"}
    assert owners_of(DESIRED, TEXT, Checked((Alert(2, "maxconn: bad"), Alert(None, "out of memory")))) == {}


SHARED = """\
frontend marathon_http_in
  acl evil_1:x req.hdr(a) -m ip web_80
  use_backend evil_1 if evil_1:x
  use_backend web_80
  acl east:web_80:x path web_80
"""
TWO = Desired(
    Structure(
        (
            Section("frontend", "marathon_http_in", tuple(map(str.strip, SHARED.splitlines()[1:]))),
            Section("backend", "evil_1", (), "/evil"),
            Section("backend", "web_80", (), "/web"),
            Section("backend", "east:web_80", (), "east:/web"),
        ),
        "d1",
    )
)


@pytest.mark.parametrize(
    ("line", "message", "owner"),
    [
        (2, "error detected while parsing ACL 'evil_1:x' : 'web_80' is not a valid IPv4 or IPv6 address.", "/evil"),
        (3, "error detected while parsing switching rule : no such ACL : 'web_80'.", "/evil"),
        (5, "error detected while parsing ACL 'east:web_80:x' : 'web_80' is no path.", "east:/web"),
        (1, "'web_80' is not known.", ""),
        (None, "frontend 'marathon_http_in' tries to use incompatible tcp backend 'web_80' in a rule.", "/web"),
    ],
)
def test_a_word_in_a_shared_section_brings_no_other_app_under_suspicion(
    line: int | None, message: str, owner: str
) -> None:
    found = owners_of(TWO, SHARED, Checked((Alert(line, message),)))
    assert found == ({owner: message} if owner else {})

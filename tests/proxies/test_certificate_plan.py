"""From the certificates that run to those that should: steps, their commands, and how answers are judged."""

import pytest

from milepost.model.reload import ReloadKind
from milepost.proxies.haproxy.actual import Actual, RunningCertificate
from milepost.proxies.haproxy.certificate import Certificate, CertificateList
from milepost.proxies.haproxy.certificate_changes import (
    AddCertificate,
    CertificateChange,
    RemoveCertificate,
    SetCertificate,
)
from milepost.proxies.haproxy.certificate_plan import plan_certificates
from milepost.proxies.haproxy.config import Desired, Structure
from milepost.proxies.haproxy.judge import after
from milepost.proxies.haproxy.observe import parse_fingerprint, parse_names
from milepost.proxies.haproxy.plan import Planner
from milepost.proxies.haproxy.verdict import Verdict

LIST = "/c/list"
WEB = Certificate("/c/web.pem", "/etc/web.pem", "F1", "D1", "SECRET\n")
API = Certificate("/c/api.pem", "/etc/api.pem", "F2", "D2", "SECRET\n")
RUNS = {WEB.path: RunningCertificate("F1", "D1")}

SET = SetCertificate(WEB, "")
ADD = AddCertificate(WEB, LIST, "")
REMOVE = RemoveCertificate(WEB.path, LIST, "")

SHOWN = "Filename: /c/web.pem\nStatus: Used\nSHA1 FingerPrint: F1\nSubject: /CN=web"
COMMITTED = "Committing /c/web.pem.\nSuccess!"
NONE_OPEN = "No ongoing transaction! !\nCan't commit /c/web.pem!"


@pytest.mark.parametrize(
    ("wanted", "running", "steps"),
    [
        (None, RUNS, []),
        (CertificateList(LIST, ()), RUNS, []),
        (CertificateList(LIST, (WEB,)), {}, []),
        (CertificateList(LIST, (WEB,)), RUNS, []),
        (CertificateList(LIST, (WEB,)), {WEB.path: RunningCertificate("F1")}, []),
        (CertificateList(LIST, (WEB,)), {WEB.path: RunningCertificate("F0", "D1")}, [SetCertificate]),
        (CertificateList(LIST, (WEB,)), {WEB.path: RunningCertificate("F1", "D0")}, [SetCertificate]),
        (CertificateList(LIST, (WEB, API)), RUNS, [AddCertificate]),
        (CertificateList(LIST, (API,)), RUNS, [AddCertificate, RemoveCertificate]),
    ],
)
def test_what_differs_is_changed(
    wanted: CertificateList | None, running: dict[str, RunningCertificate], steps: list[type]
) -> None:
    found = plan_certificates(wanted, running)
    assert [type(step) for step in found] == steps
    if wanted and found:
        done = after(Actual(1, "2.6.12", "d", certificates=running), found)
        assert plan_certificates(wanted, done.certificates) == ()


OF_APP = Certificate("/c/apps/x.pem", "/etc/x.pem", "F3", "D3", "SECRET\n")


def test_what_apps_name_is_changed_only_where_it_runs_and_is_never_taken_from_the_list() -> None:
    wanted = CertificateList(LIST, (), (OF_APP,))
    assert plan_certificates(wanted, {}) == ()
    assert plan_certificates(wanted, {OF_APP.path: RunningCertificate("F3", "D3")}) == ()
    (step,) = plan_certificates(wanted, {OF_APP.path: RunningCertificate("F0")})
    assert isinstance(step, SetCertificate)
    runs = {**RUNS, OF_APP.path: RunningCertificate("F3", "D3")}
    assert plan_certificates(CertificateList(LIST, (WEB,)), runs) == ()


@pytest.mark.parametrize(
    ("change", "answers", "verdict"),
    [
        (SET, ["Transaction created", "Can't commit /c/web.pem!", "Transaction aborted", SHOWN], Verdict.REFUSED),
        (SET, ["Transaction created", COMMITTED, NONE_OPEN, SHOWN.replace("F1", "F0")], Verdict.REFUSED),
        (SET, ["Transaction created", COMMITTED, NONE_OPEN, "Can't display the certificate"], Verdict.REFUSED),
        (SET, ["Transaction created", COMMITTED, NONE_OPEN, SHOWN], Verdict.DONE),
        (ADD, ["New empty", "created", COMMITTED, NONE_OPEN, "Can't edit the crt-list", SHOWN], Verdict.REFUSED),
        (ADD, ["New empty", "created", COMMITTED, NONE_OPEN, "Inserting.\nSuccess!", SHOWN], Verdict.DONE),
        (REMOVE, ["Can't delete the entry: it is used as default certificate", "in use!"], Verdict.REFUSED),
        (REMOVE, ["Entry '/c/web.pem' deleted in crtlist '/c/list'!", "deleted!"], Verdict.DONE),
    ],
)
def test_only_what_haproxy_shows_afterwards_counts_as_done(
    change: CertificateChange, answers: list[str], verdict: Verdict
) -> None:
    assert len(answers) == len(change.commands)
    assert change.verdict(answers) is verdict


def test_the_key_is_sent_and_told_to_nobody_else() -> None:
    assert any("SECRET" in command for command in SET.commands)
    desired = Desired(Structure((), ""), certificates=CertificateList(LIST, (WEB,)))
    for text in (
        repr(desired),
        repr(SET),
        repr(ADD),
        SET.describe(),
        ADD.describe(),
        CertificateList(LIST, (WEB,)).text,
    ):
        assert "SECRET" not in text


def test_what_cannot_be_done_live_is_left_to_a_reload_with_its_reason() -> None:
    large = Certificate(WEB.path, WEB.source, "F9", "D9", "x" * 20_000)
    actual = Actual(1, "2.6.12", "d", certificates=RUNS)
    planner = Planner()
    plan = planner.plan(Desired(Structure((), "d"), certificates=CertificateList(LIST, (large,))), actual)
    assert (plan.live, plan.kinds) == ((), (ReloadKind.CERTIFICATE,))
    assert "/etc/web.pem" in plan.structure[0]

    gone = Desired(Structure((), "d"), certificates=CertificateList(LIST, (API,)))
    _, remove = planner.plan(gone, actual).live
    assert isinstance(remove, RemoveCertificate)
    planner.refuse_certificate(remove, "it is the default")
    assert "it is the default" in planner.plan(gone, actual).structure[0]
    planner.restructured()
    assert planner.plan(gone, actual).structure == ()


def test_answers_about_certificates_are_read() -> None:
    assert parse_fingerprint(SHOWN) == "F1"
    assert parse_fingerprint("Can't display the certificate: Not found") == ""
    assert parse_names("/c/list\n/etc/ssl/certs/\n") == ("/c/list", "/etc/ssl/certs/")
    assert parse_names("# /c/list\n/c/a.pem\n/c/b.pem [alpn h2] b.example\n") == ("/c/a.pem", "/c/b.pem")
    assert parse_names("Unknown command: 'show ssl crt-list'") == ()

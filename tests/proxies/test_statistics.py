"""HAProxy's statistics as CSV: what is read of a page, and what is no page."""

import pytest

from milepost.proxies.haproxy.statistics import ServerStatistics, parse_statistics

HEAD = "# pxname,svname,qcur,qmax,scur,smax,status,type,addr,\n"
ROWS = """\
web_10000,FRONTEND,,,7,9,OPEN,0,,
web_10000,10_0_0_1_31000,2,3,4,5,MAINT,2,10.0.0.1:31000,
web_10000,10_0_0_2_31001,0,0,,,no check,2,[fd00::1]:31001,
web_10000,BACKEND,0,0,4,5,UP,1,,
"""
SERVERS = (
    ServerStatistics("web_10000", "10_0_0_1_31000", "10.0.0.1:31000", "MAINT", 4, 2),
    ServerStatistics("web_10000", "10_0_0_2_31001", "[fd00::1]:31001", "no check", 0, 0),
)


@pytest.mark.parametrize("text", ["", "<html>", "503 Service Unavailable", "# name,x\na,b\n"])
def test_what_is_no_csv_of_haproxy_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no statistics"):
        parse_statistics(text)


def test_servers_are_read_and_frontends_and_backends_passed_over() -> None:
    assert parse_statistics(HEAD + ROWS) == SERVERS


def test_pages_of_several_balancers_may_follow_one_another() -> None:
    assert parse_statistics(HEAD + ROWS + "\n" + HEAD + ROWS) == SERVERS * 2

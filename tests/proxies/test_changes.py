"""The commands of each change, and how HAProxy's answers are judged."""

from dataclasses import replace

import pytest

from milepost.proxies.haproxy.changes import (
    AddMapEntry,
    AddServer,
    DeleteServer,
    DelMapEntry,
    LiveChange,
    ReadyServer,
    RemoveServer,
    SetAddress,
    SetMapEntry,
)
from milepost.proxies.haproxy.config import Server
from milepost.proxies.haproxy.verdict import Verdict

PLAIN = Server("n1_31001", "10.0.0.1", 31001, 77)
CHECKED = Server("n1_31001", "10.0.0.1", 31001, 77, ("check inter 5s fall 4", "pool-max-conn -1"))
V6 = Server("n1_31001", "2001:db8::1", 31001, 77)

ADD = AddServer("web", PLAIN, "/web", "")
DELETE = DeleteServer("web", "n1_31001", "/web", "")
REMOVE = RemoveServer("web", "n1_31001", "/web", "")
MOVE = SetAddress("web", PLAIN, "/web", "")
FULL_WEIGHT = "set server web/n1_31001 weight 100%"


@pytest.mark.parametrize(
    ("change", "commands"),
    [
        (ADD, ["add server web/n1_31001 10.0.0.1:31001 id 77", "enable server web/n1_31001"]),
        (
            AddServer("web", CHECKED, "/web", ""),
            [
                "add server web/n1_31001 10.0.0.1:31001 id 77 check inter 5s fall 4 pool-max-conn -1",
                "enable server web/n1_31001",
                "enable health web/n1_31001",
            ],
        ),
        (
            AddServer("web", V6, "/web", ""),
            ["add server web/n1_31001 [2001:db8::1]:31001 id 77", "enable server web/n1_31001"],
        ),
        (
            AddServer("web", replace(CHECKED, is_off=True), "/web", ""),
            [
                "add server web/n1_31001 10.0.0.1:31001 id 77 check inter 5s fall 4 pool-max-conn -1",
                "enable health web/n1_31001",
            ],
        ),
        (
            SetAddress("web", replace(PLAIN, is_off=True), "/web", ""),
            ["set server web/n1_31001 addr 10.0.0.1 port 31001", "set server web/n1_31001 state maint"],
        ),
        (ReadyServer("web", PLAIN, "/web", ""), ["set server web/n1_31001 state ready", FULL_WEIGHT]),
        (
            ReadyServer("web", CHECKED, "/web", ""),
            ["set server web/n1_31001 state ready", FULL_WEIGHT, "enable health web/n1_31001"],
        ),
        (
            MOVE,
            ["set server web/n1_31001 addr 10.0.0.1 port 31001", "set server web/n1_31001 state ready", FULL_WEIGHT],
        ),
        (REMOVE, ["set server web/n1_31001 state maint"]),
        (
            DELETE,
            [
                "set server web/n1_31001 state drain",
                "set server web/n1_31001 state maint",
                "del server web/n1_31001",
            ],
        ),
        (AddMapEntry("/m/h.map", "a.example", "web", "/web", ""), ["add map /m/h.map a.example web"]),
        (SetMapEntry("/m/h.map", "a.example", "web", "/web", ""), ["set map /m/h.map a.example web"]),
        (DelMapEntry("/my maps/h.map", "a;b\\c", "/web", ""), ["del map /my\\ maps/h.map a\\;b\\\\c"]),
    ],
)
def test_a_change_is_these_commands(change: LiveChange, commands: list[str]) -> None:
    assert list(change.commands) == commands


@pytest.mark.parametrize(
    ("change", "answers", "verdict"),
    [
        (ADD, ["Already exists a server with the same name in backend.", ""], Verdict.REFUSED),
        (ADD, ["New server registered.", "Proxy is disabled."], Verdict.REFUSED),
        (ADD, ["", ""], Verdict.REFUSED),
        (ADD, ["New server registered.", ""], Verdict.DONE),
        (ReadyServer("web", PLAIN, "/web", ""), ["No such server."], Verdict.REFUSED),
        (ReadyServer("web", PLAIN, "/web", ""), [""], Verdict.DONE),
        (MOVE, ["Invalid addr format", ""], Verdict.REFUSED),
        (MOVE, ["IP changed from '10.0.0.2' to '10.0.0.1' by 'stats socket command'", ""], Verdict.DONE),
        (MOVE, ["no need to change the addr by 'stats socket command'", ""], Verdict.DONE),
        (REMOVE, ["Proxy is disabled."], Verdict.REFUSED),
        (REMOVE, ["No such server."], Verdict.DONE),
        (REMOVE, [""], Verdict.DONE),
        (DELETE, ["", "", "Only servers in maintenance mode can be deleted."], Verdict.WAITS),
        (DELETE, ["", "", "Server still has connections attached to it, cannot remove it."], Verdict.WAITS),
        (DELETE, ["No such server.", "No such server.", "No such server."], Verdict.DONE),
        (DELETE, ["", "", "Server deleted."], Verdict.DONE),
        (SetMapEntry("/m/h.map", "k", "v", "", ""), ["entry not found."], Verdict.REFUSED),
        (AddMapEntry("/m/h.map", "k", "v", "", ""), ["Unknown map identifier."], Verdict.REFUSED),
        (AddMapEntry("/m/h.map", "k", "v", "", ""), [""], Verdict.DONE),
        (DelMapEntry("/m/h.map", "k", "", ""), ["Unknown map identifier."], Verdict.REFUSED),
        (DelMapEntry("/m/h.map", "k", "", ""), ["Key not found."], Verdict.DONE),
    ],
)
def test_an_answer_is_judged_by_its_words(change: LiveChange, answers: list[str], verdict: Verdict) -> None:
    assert change.verdict(answers) is verdict

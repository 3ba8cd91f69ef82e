"""HAProxy's answers and our own file, read into values."""

import pytest

from milepost.proxies.haproxy.actual import ActualServer
from milepost.proxies.haproxy.config import Desired, Server, Structure
from milepost.proxies.haproxy.observe import (
    Info,
    Processes,
    Worker,
    digest_of,
    expected,
    parse_backends,
    parse_config,
    parse_info,
    parse_listens,
    parse_map,
    parse_map_paths,
    parse_processes,
    parse_servers,
)

HEAD = (
    "1\n# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight srv_iweight"
    " srv_time_since_last_change srv_check_status srv_check_result srv_check_health srv_check_state srv_agent_state"
    " bk_f_forced_id srv_f_forced_id srv_fqdn srv_port srvrecord srv_use_ssl srv_check_port srv_check_addr"
    " srv_agent_addr srv_agent_port\n"
)


def row(*, name: str = "n1", state: int = 2, admin: int = 0, address: str = "192.0.2.7") -> str:
    return f"3 web 77 {name} {address} {state} {admin} 1 1 0 1 0 2 0 0 0 1 - 31001 - 0 0 - - 0\n"


@pytest.mark.parametrize("text", ["", "2\n# be_id be_name\n", "Unknown command.\n", "1\nno head\n"])
def test_another_format_of_server_states_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match="another format"):
        parse_servers(text)


@pytest.mark.parametrize(
    ("state", "admin", "maint", "drain", "up"),
    [
        (2, 0, False, False, True),
        (0, 1, True, False, False),
        (2, 8, False, True, True),
        (0, 0, False, False, False),
        (2, 4, False, False, True),
        (0, 5, True, False, False),
        (3, 0, False, False, True),
    ],
    ids=["serves", "maint", "drain", "found down", "disabled in the file, enabled since", "both", "stopping"],
)
def test_the_state_of_a_server_is_read_by_bits(state: int, admin: int, maint: bool, drain: bool, up: bool) -> None:
    server = parse_servers(HEAD + row(state=state, admin=admin))["web"]["n1"]
    assert server == ActualServer("n1", "192.0.2.7", 31001, 77, maint, drain, up)


def test_an_ipv6_address_is_read_without_brackets() -> None:
    assert parse_servers(HEAD + row(address="2001:db8::7"))["web"]["n1"].address == "2001:db8::7"


def test_info_tells_the_worker_and_its_structure() -> None:
    said = "Name: HAProxy\nVersion: 2.8.25\nPid: 42\ndescription: milepost 0123456789abcdef\nStopping: 1\n"
    assert parse_info(said) == Info(42, "2.8.25", "0123456789abcdef", stopping=True)


def test_an_answer_without_a_pid_is_an_error() -> None:
    with pytest.raises(ValueError, match="without Pid"):
        parse_info("Unknown command.")


@pytest.mark.parametrize(
    ("description", "digest"),
    [
        ("", ""),
        ("our balancer", ""),
        ("deadbeefdeadbeef", ""),
        ("milepost", ""),
        ("milepost deadbeefdeadbeef", "deadbeefdeadbeef"),
        ("milepost structure deadbeefdeadbeef", "deadbeefdeadbeef"),
    ],
)
def test_only_mileposts_description_has_a_digest(description: str, digest: str) -> None:
    assert digest_of(description) == digest


def test_backends_without_servers_are_told_too() -> None:
    assert parse_backends("# name\nweb\nempty\n") == ("web", "empty")


def test_maps_are_read_by_file_and_the_first_of_two_keys_counts() -> None:
    listed = "# id (file) description\n4 (/m/h.map) pattern loaded from file '/m/h.map' used by map\n-1 (acl) x\n"
    assert parse_map_paths(listed) == ("/m/h.map",)
    assert parse_map("0x55da a.example web\n0x55db a.example other\n0x55dc b.example api\n") == {
        "a.example": "web",
        "b.example": "api",
    }


PROCESSES = """\
#<PID>          <type>          <reloads>       <uptime>        <version>
12668           master          3 [failed: 1]   0d00h00m01s     2.6.12-1+deb12u4
# workers
12670           worker          0               0d00h00m00s     2.6.12-1+deb12u4
# old workers
12669           worker          1               0d00h00m01s     2.6.12-1+deb12u4
# programs

"""


def test_the_master_tells_which_worker_is_the_current_one() -> None:
    assert parse_processes(PROCESSES) == Processes(12668, "2.6.12-1+deb12u4", 3, 1, 12670, (Worker(12669, 1, 1.0),))


@pytest.mark.parametrize(("text", "seconds"), [("0d00h00m00s", 0), ("0d00h10m09s", 609), ("12d03h00m01s", 1_047_601)])
def test_how_long_a_worker_runs_is_read_in_seconds(text: str, seconds: float) -> None:
    assert [worker.uptime_s for worker in parse_processes(PROCESSES.replace("0d00h00m01s", text)).old] == [seconds]


def test_an_uptime_in_another_form_is_an_error() -> None:
    with pytest.raises(ValueError, match="an uptime that is none: 3min"):
        parse_processes(PROCESSES.replace("0d00h00m01s", "3min"))


def test_an_answer_without_a_master_is_an_error() -> None:
    with pytest.raises(ValueError, match="without a master"):
        parse_processes("Permission denied")


CONFIG = """\
global
  description milepost 0123456789abcdef
  stats socket /run/a.sock mode 600

frontend web_10000
  bind *:10000
  bind [::1]:10001,127.0.0.1:10002 ssl crt /c.pem
  bind unix@/run/x.sock

backend web_10000
  server n1_31001 192.0.2.7:31001 id 77 check inter 5s
  server n2_31002 [2001:db8::7]:31002 id 78

backend to_new
  server new * source 127.255.0.9 send-proxy-v2

backend empty
"""


def test_our_own_file_tells_what_haproxy_runs_after_starting_from_it() -> None:
    filed = parse_config(CONFIG)
    assert filed.digest == "0123456789abcdef"
    assert filed.servers == {
        "web_10000": {
            "n1_31001": ActualServer("n1_31001", "192.0.2.7", 31001, 77, options="check inter 5s"),
            "n2_31002": ActualServer("n2_31002", "2001:db8::7", 31002, 78, options=""),
        },
        "to_new": {},
        "empty": {},
    }


def test_our_own_file_tells_where_haproxy_listens() -> None:
    assert parse_listens(CONFIG) == {("*", 10000), ("::1", 10001), ("127.0.0.1", 10002)}


def test_a_file_of_somebody_else_has_no_digest() -> None:
    assert parse_config("global\n  description old balancer\n").digest == ""


def test_what_was_read_back_takes_options_and_unchanged_pools_from_what_was_known() -> None:
    desired = Desired(Structure((), "d1"), {"web": (Server("n1", "192.0.2.7", 31001, 77, ("check", "weight 5")),)})
    known = expected(desired).servers
    assert parse_servers(HEAD + row(), known)["web"] is known["web"]
    down = parse_servers(HEAD + row(state=0), known)["web"]["n1"]
    assert (down.up, down.options) == (False, "check weight 5")
    assert set(parse_servers(HEAD + row() + row(name="n2"), known)["web"]) == {"n1", "n2"}
    assert parse_servers(HEAD, known) == {}


def test_a_server_of_another_id_has_nothing_in_common_with_a_known_one() -> None:
    known = {"web": {"n1": ActualServer("n1", "192.0.2.7", 31001, 5, options="check")}}
    assert parse_servers(HEAD + row(), known)["web"]["n1"].options is None

"""marathon-lb's command line (marathon-lb-behaviour.md 3), and some switches of milepost's own.

The names of ours begin with letters that none of its flags begins with, so that each abbreviation that its users
type still means the same.
"""

import argparse
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

DEFAULT_CERTIFICATE = "/etc/ssl/cert.pem"


@dataclass(frozen=True, slots=True)
class Arguments:
    """One command line, checked. Durations in seconds. `warnings` tell what its user may have meant otherwise.

    `ports` is the range of assigned service ports, None where that is switched off. `command` is None where HAProxy
    is to be found or to be milepost's own; `ssl_certs` are never empty.
    """

    groups: tuple[str, ...]
    marathon: tuple[str, ...]
    haproxy_config: Path
    command: str | None
    max_reload_retries: int
    reload_interval: float
    strict_mode: bool
    sse: bool
    archive_versions: int
    health_check: bool
    haproxy_map: bool
    dont_bind_http_https: bool
    group_https_by_vhost: bool
    ssl_certs: tuple[str, ...]
    skip_validation: bool
    skip_config_cleanup: bool
    dry: bool
    ports: tuple[int, int] | None
    max_backoff: float
    syslog_socket: str
    log_format: str
    log_level: int
    marathon_auth_credential_file: Path | None
    auth_credentials: str | None = field(repr=False)
    dcos_auth_credentials: str | None = field(repr=False)
    marathon_ca_cert: Path | None
    trust_app_labels: bool
    trust_any_certificate: bool
    own_haproxy: bool
    old_directives: bool
    warnings: tuple[str, ...] = ()


def make_parser(prog: str, environ: Mapping[str, str]) -> argparse.ArgumentParser:
    """The parser for all flags. What one flag alone cannot tell is checked by `read_arguments`."""
    parser = argparse.ArgumentParser(prog, description="Generate HAProxy's configuration from Marathon's apps.")
    parser.add_argument("--longhelp", action="store_true", help="print the whole reference as Markdown, and exit")
    _add_sources(parser, environ)
    _add_choices(parser)
    _add_haproxy(parser)
    _add_logging(parser)
    _add_ours(parser)
    return parser


def read_arguments(words: Sequence[str], prog: str, environ: Mapping[str, str]) -> Arguments | None:
    """What `words` mean; None for `--longhelp` and `--write-lua`, which stand alone.

    A usage error is told on standard error and exits with status 2.
    """
    parser = make_parser(prog, environ)
    found = parser.parse_args(words)
    if found.longhelp or found.write_lua is not None:
        return None
    if not found.group:
        parser.error("the following arguments are required: --group")
    values = {
        key: value for key, value in vars(found).items() if key not in ("longhelp", "write_lua", "group", "marathon")
    }
    first, last = values.pop("min_serv_port_ip_per_task"), values.pop("max_serv_port_ip_per_task")
    del values["lru_cache_capacity"]  # names and health are kept for as long as their tasks are there
    certificates = tuple(filter(None, found.ssl_certs.split(","))) or (DEFAULT_CERTIFICATE,)
    return Arguments(
        **{
            **values,
            "groups": tuple(found.group),
            "marathon": tuple(found.marathon[-1]),
            "ssl_certs": certificates,
            "ports": _port_range(parser, first, last),
            "log_level": _level(parser, found.log_level),
            "warnings": _warnings(found.group, found.marathon),
        }
    )


def _add_sources(parser: argparse.ArgumentParser, environ: Mapping[str, str]) -> None:
    add = parser.add_argument
    add(
        *("-m", "--marathon"),
        action=_UrlLists,
        nargs="+",
        metavar="URL",
        default=[["http://master.mesos:8080"]],
        help="the endpoints of one Marathon cluster, tried in order (default: http://master.mesos:8080)",
    )
    add("--marathon-auth-credential-file", type=Path, metavar="PATH", help="file whose first line is user:password")
    add("--auth-credentials", metavar="USER:PASS", help="for HTTP basic authentication at Marathon")
    add(
        "--dcos-auth-credentials",
        metavar="JSON",
        default=environ.get("DCOS_SERVICE_ACCOUNT_CREDENTIAL"),
        help="a DC/OS service account (default: DCOS_SERVICE_ACCOUNT_CREDENTIAL of the environment)",
    )
    add("--marathon-ca-cert", type=Path, metavar="PATH", help="trust this CA instead of the system's")
    add("-s", "--sse", action="store_true", help="stay, and follow Marathon's event stream")
    add("--max-backoff", type=float, default=300, metavar="SECONDS", help="longest wait before a stream is tried again")
    add("--lru-cache-capacity", type=int, default=1000, metavar="N", help="accepted without effect: nothing is dropped")


def _add_choices(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--group", action="append", default=[], metavar="NAME", help='take apps of this group; repeat it; "*": all')
    add("--strict-mode", action="store_true", help="take a port only where HAPROXY_{n}_ENABLED is true")
    add("-H", "--health-check", action="store_true", help="leave out tasks that Marathon does not report as alive")
    add("--min-serv-port-ip-per-task", type=int, default=10050, metavar="N", help="first assigned port; 0: none")
    add("--max-serv-port-ip-per-task", type=int, default=10100, metavar="N", help="last assigned port; 0: none")


def _add_haproxy(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add(
        "--haproxy-config",
        type=Path,
        default=Path("/etc/haproxy/haproxy.cfg"),
        metavar="PATH",
        help="the file to write (default: /etc/haproxy/haproxy.cfg)",
    )
    add("-c", "--command", metavar="CMD", help="reloads HAProxy; split as a shell would, but no shell is run")
    add("--max-reload-retries", type=int, default=10, metavar="N", help="runs of it; 0: one, negative: no limit")
    add("--reload-interval", type=float, default=10, metavar="SECONDS", help="time between its repeats")
    add("--archive-versions", type=int, default=5, metavar="N", help="how many written files are kept in /tmp")
    add("--haproxy-map", action="store_true", help="look hosts and app ids up in map files")
    add("--dont-bind-http-https", action="store_true", help="leave out the frontends on ports 80 and 443")
    add("--group-https-by-vhost", action="store_true", help="one TLS frontend per host, behind an SNI switch")
    add(
        "--ssl-certs", default=DEFAULT_CERTIFICATE, metavar="A,B", help=f"for port 443 (default: {DEFAULT_CERTIFICATE})"
    )
    add("--skip-validation", action="store_true", help="do not have HAProxy check the file")
    add("--skip-config-cleanup", action="store_true", help="do not look for the app whose part HAProxy refuses")
    add("-d", "--dry", action="store_true", help="print the configuration and change nothing")


def _add_logging(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--syslog-socket", default="/dev/log", metavar="PATH", help="/dev/null: no syslog (default: /dev/log)")
    add(
        "--log-format",
        default="%(asctime)-15s %(name)s: %(message)s",
        metavar="FMT",
        help="a format of Python's logging",
    )
    add("--log-level", default="INFO", metavar="L", help="CRITICAL, ERROR, WARNING, INFO, DEBUG (default: INFO)")


def _add_ours(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group("milepost's own switches").add_argument
    add(
        "--trust-app-labels",
        action="store_true",
        help="let labels write anything into the configuration of milepost's own HAProxy, as marathon-lb did",
    )
    add(
        "--trust-any-certificate",
        action="store_true",
        help="do not check Marathon's certificate where no --marathon-ca-cert is given, as marathon-lb did",
    )
    add(
        "--own-haproxy",
        action="store_true",
        help="run HAProxy even where a unit of this machine could be reloaded",
    )
    add(
        "--write-lua",
        type=Path,
        metavar="DIR",
        help="write the Lua files that marathon-lb's head loads into DIR (it names /marathon-lb), and exit",
    )
    add("--old-directives", action="store_true", help="write what HAProxy knew before 2.1, such as reqrep")


class _UrlLists(argparse.Action):
    """Keeps the list of each `--marathon`, since the last one counts and the others are told."""

    def __call__(self, parser: argparse.ArgumentParser, namespace: Any, values: Any, option_string: Any = None) -> None:
        before = getattr(namespace, self.dest)
        setattr(namespace, self.dest, [values] if before is self.default else [*before, values])


def _port_range(parser: argparse.ArgumentParser, first: int, last: int) -> tuple[int, int] | None:
    if not first and not last:
        return None
    if not first or not last:
        parser.error("both or none of --min-serv-port-ip-per-task and --max-serv-port-ip-per-task have to be 0")
    if not 1 <= first <= last <= 65535:
        parser.error("--min-serv-port-ip-per-task has to be a port not above --max-serv-port-ip-per-task")
    return first, last


def _level(parser: argparse.ArgumentParser, name: str) -> int:
    level = logging.getLevelNamesMapping().get(name.upper())
    if level is None:
        parser.error(f"--log-level: expected CRITICAL, ERROR, WARNING, INFO, DEBUG or NOTSET, got {name}")
    return level


def _warnings(groups: Sequence[str], lists: Sequence[Sequence[str]]) -> tuple[str, ...]:
    found = [
        f"--group {group} is one group, whose name has a comma; repeat --group for several"  # its Q2
        for group in groups
        if "," in group
    ]
    if len(lists) > 1:  # its Q1
        found.append(
            f"--marathon is given {len(lists)} times, the last one counts: give all its URLs to one --marathon"
        )
    return tuple(found)

"""The flags of marathon-lb's deployment tool (marathon-lb-behaviour.md 19.1 and 3)."""

import argparse
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from milepost.compat.zdd.colours import Wish
from milepost.compat.zdd.deployment import Pace


@dataclass(frozen=True, slots=True)
class Arguments:
    """One command line. `marathon` are the URLs of one cluster, `marathon_lb` is that of the balancers."""

    marathon: tuple[str, ...]
    marathon_lb: str
    json: Path
    dry_run: bool
    force: bool
    pre_kill_hook: Path | None
    pace: Pace
    wish: Wish
    marathon_auth_credential_file: Path | None
    auth_credentials: str | None = field(repr=False)
    dcos_auth_credentials: str | None = field(repr=False)
    marathon_ca_cert: Path | None
    trust_any_certificate: bool
    syslog_socket: str
    log_format: str
    log_level: int


def read_arguments(words: Sequence[str], prog: str, environ: Mapping[str, str]) -> Arguments | None:
    """What `words` mean; None for `--longhelp`. A usage error is told on standard error and exits with status 2."""
    if "--longhelp" in words:
        return None
    parser = make_parser(prog, environ)
    found = parser.parse_args(words)
    level = logging.getLevelNamesMapping().get(found.log_level.upper())
    if level is None:
        parser.error(f"--log-level: expected CRITICAL, ERROR, WARNING, INFO, DEBUG or NOTSET, got {found.log_level}")
    return Arguments(
        marathon=tuple(url for text in found.marathon for url in text.split(",") if url),
        marathon_lb=found.marathon_lb if "://" in found.marathon_lb else f"http://{found.marathon_lb}",
        json=found.json,
        dry_run=found.dry_run,
        force=found.force,
        pre_kill_hook=found.pre_kill_hook,
        pace=Pace(
            found.step_delay, found.max_wait, found.initial_instances, found.linear_increase, found.new_instances
        ),
        wish=Wish(found.complete_cur, found.complete_prev, found.resume),
        marathon_auth_credential_file=found.marathon_auth_credential_file,
        auth_credentials=found.auth_credentials,
        dcos_auth_credentials=found.dcos_auth_credentials,
        marathon_ca_cert=found.marathon_ca_cert,
        trust_any_certificate=found.trust_any_certificate,
        syslog_socket=found.syslog_socket,
        log_format=found.log_format,
        log_level=level,
    )


def make_parser(prog: str, environ: Mapping[str, str]) -> argparse.ArgumentParser:
    """The parser for all flags."""
    parser = argparse.ArgumentParser(prog, description="Replace an app by its next version, one colour by the other.")
    parser.add_argument("--longhelp", action="store_true", help="print how a deployment goes, and exit")
    _add_places(parser)
    _add_steps(parser)
    _add_credentials(parser, environ)
    _add_logging(parser)
    return parser


def _add_places(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("-m", "--marathon", nargs="+", required=True, metavar="URL", help="the endpoints of one Marathon cluster")
    add(
        "-l",
        "--marathon-lb",
        required=True,
        metavar="URL",
        help="the balancers' statistics page, or milepost's API; each address of the host is one balancer",
    )
    add("-j", "--json", required=True, type=Path, metavar="FILE", help="the app definition")
    add("-d", "--dry-run", action="store_true", help="print the definition as it would be deployed; change nothing")
    add("-f", "--force", action="store_true", help="ask nothing")
    add("--pre-kill-hook", type=Path, metavar="PATH", help="program that is run before tasks are killed")


def _add_steps(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("-s", "--step-delay", type=float, default=5, metavar="SECONDS", help="time between two looks (default: 5)")
    add("-i", "--initial-instances", type=_count, default=1, metavar="N", help="instances at first (default: 1)")
    add("--linear-increase", type=_count, default=0, metavar="N", help="so many more each time, not half as many more")
    add("-r", "--resume", action="store_true", help="go on with a deployment that was interrupted")
    add("-w", "--max-wait", type=float, default=300, metavar="SECONDS", help="longest wait for draining (default: 300)")
    add("-n", "--new-instances", type=_count, default=0, metavar="N", help="deploy only so many of the new version")
    add("-c", "--complete-cur", action="store_true", help="end the hybrid state with the newer version")
    add("-p", "--complete-prev", action="store_true", help="end the hybrid state with the older version")


def _add_credentials(parser: argparse.ArgumentParser, environ: Mapping[str, str]) -> None:
    add = parser.add_argument
    add("--marathon-auth-credential-file", type=Path, metavar="PATH", help="file whose first line is user:password")
    add("--auth-credentials", metavar="USER:PASS", help="for HTTP basic authentication at Marathon")
    add(
        "--dcos-auth-credentials",
        metavar="JSON",
        default=environ.get("DCOS_SERVICE_ACCOUNT_CREDENTIAL"),
        help="a DC/OS service account (default: DCOS_SERVICE_ACCOUNT_CREDENTIAL of the environment)",
    )
    add("--marathon-ca-cert", type=Path, metavar="PATH", help="trust this CA instead of the system's")
    add("--trust-any-certificate", action="store_true", help="do not check Marathon's certificate")


def _add_logging(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--syslog-socket", default="/dev/null", metavar="PATH", help="also log there (default: /dev/null, nowhere)")
    add("--log-format", default="%(message)s", metavar="FMT", help="a format of Python's logging")
    add("--log-level", default="INFO", metavar="L", help="CRITICAL, ERROR, WARNING, INFO, DEBUG (default: INFO)")


def _count(text: str) -> int:
    number = int(text)
    if number < 0:
        raise argparse.ArgumentTypeError(f"expected 0 or more, got {text}")
    return number

"""One run of the deployment tool, from its flags to its exit status."""

import logging
import logging.handlers
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from milepost.compat.marathon_lb.cluster import credentials_of
from milepost.compat.zdd.arguments import Arguments, read_arguments
from milepost.compat.zdd.balancers import BalancerApi
from milepost.compat.zdd.deployment import Deployment
from milepost.compat.zdd.errors import ZddError
from milepost.compat.zdd.marathon import MarathonApi
from milepost.compat.zdd.operator import Terminal
from milepost.errors import MilepostError
from milepost.sources.marathon.account import read_account
from milepost.sources.marathon.settings import MarathonSettings

_DECLINED, _UNKNOWN = 1, 2
_NOWHERE = "/dev/null"

LONG_HELP = """\
Two apps of one group share a backend at the balancers: the old colour and the new one. The new one is created with a
few instances; for each that is healthy the balancers drain an old one; what has ended its sessions is killed, and the
new colour grows. When it is whole and nothing is left on the old one, that is deleted.

The app definition needs `id`, a service port, and the labels HAPROXY_DEPLOYMENT_GROUP and HAPROXY_DEPLOYMENT_ALT_PORT.
With --new-instances both colours stay, until --complete-cur or --complete-prev ends that.

Exit status: 0 done, 1 declined, 2 usage or unknown error, 3 flags that do not fit, 4 a field of the definition is
missing, 5 no balancer tells, 6 Marathon does not, 7 not created, 8 not deleted, 9 not scaled or killed.
"""


def run(words: Sequence[str], prog: str) -> int:
    """The exit status of `prog` with `words` (19.1)."""
    arguments = read_arguments(words, prog, os.environ)
    if arguments is None:
        sys.stdout.write(LONG_HELP)
        return 0
    log = _log(arguments)
    try:
        is_done = deployment_of(arguments, log).run(_definition(arguments.json))
    except ZddError as error:
        log.error("%s", error)
        return error.exit_code
    except MilepostError as error:
        log.error("%s", error)
        return _UNKNOWN
    except Exception:  # else Python would end with the status of "declined"
        log.exception("an error that is nobody's but ours; what was done until here stays")
        return _UNKNOWN
    if not is_done:
        log.warning("declined: nothing more is done, and what was done until here stays")
        return _DECLINED
    return 0


def deployment_of(arguments: Arguments, log: logging.Logger) -> Deployment:
    """Raises SettingsError for URLs and credentials that cannot be used."""
    return Deployment(
        MarathonApi(_cluster(arguments)),
        BalancerApi(arguments.marathon_lb),
        Terminal(lambda text: log.info("%s", text), arguments.force, arguments.pre_kill_hook),
        arguments.pace,
        arguments.wish,
        arguments.dry_run,
    )


def _definition(path: Path) -> dict[str, Any]:
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, Any])
    except OSError as error:
        raise ZddError(f"--json: {path} cannot be read: {error.strerror}") from error
    except msgspec.DecodeError as error:
        raise ZddError(f"--json: {path} holds no app definition: {error}") from error


def _cluster(arguments: Arguments) -> MarathonSettings:
    user, password = credentials_of(arguments)
    return MarathonSettings(
        urls=arguments.marathon,
        user=user,
        password=password,
        account=read_account(arguments.dcos_auth_credentials) if arguments.dcos_auth_credentials else None,
        ca_file=arguments.marathon_ca_cert,
        tls_verify=not arguments.trust_any_certificate,
    )


def _log(arguments: Arguments) -> logging.Logger:
    """Standard error, and the syslog socket where there is one."""
    log = logging.getLogger("milepost.zdd")
    log.handlers, log.propagate = [logging.StreamHandler()], False
    if arguments.syslog_socket != _NOWHERE:
        try:
            log.handlers.append(logging.handlers.SysLogHandler(arguments.syslog_socket))
        except OSError as error:
            log.warning("no syslog at %s (%s)", arguments.syslog_socket, error.strerror)
    for handler in log.handlers:
        handler.setFormatter(logging.Formatter(arguments.log_format))
    log.setLevel(arguments.log_level)
    return log

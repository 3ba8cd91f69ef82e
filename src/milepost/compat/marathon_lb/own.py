"""HAProxy as milepost's own: the flags become milepost's settings, and all the rest is as with `milepost run`.

What no flag says comes from MILEPOST_... variables, or the file that MILEPOST_CONFIG names, where they are set.
"""

import logging
from collections.abc import Iterator, Mapping
from pathlib import Path

from milepost.compat.marathon_lb.arguments import DEFAULT_CERTIFICATE, Arguments
from milepost.compat.marathon_lb.cluster import READ_INTERVAL_S, credentials_of, verifies
from milepost.compat.marathon_lb.text import TEMPLATES
from milepost.settings.load import load_settings
from milepost.settings.values import Settings

_log = logging.getLogger(__name__)


def settings_of(arguments: Arguments, environ: Mapping[str, str]) -> Settings:
    """Raises SettingsError."""
    config = environ.get("MILEPOST_CONFIG")
    return load_settings(Path(config) if config else None, environ, dict(_options(arguments, environ)))


def _options(arguments: Arguments, environ: Mapping[str, str]) -> Iterator[tuple[str, object]]:
    """By the names that `milepost run` has for them."""
    user, password = credentials_of(arguments)
    yield "marathon_urls", list(arguments.marathon)
    if user:
        yield from (("marathon_user", user), ("marathon_password", password))
    elif arguments.dcos_auth_credentials:
        yield "marathon_dcos_credentials", arguments.dcos_auth_credentials
    if arguments.marathon_ca_cert is not None:
        yield "marathon_ca_file", arguments.marathon_ca_cert
    yield "marathon_tls_verify", verifies(arguments)
    yield "marathon_read_interval_s", READ_INTERVAL_S
    yield "routing_groups", list(arguments.groups)
    yield "routing_strict", arguments.strict_mode
    yield "routing_health_check", arguments.health_check
    yield "routing_assign_ports", "{}-{}".format(*arguments.ports) if arguments.ports else ""
    yield "haproxy_config", arguments.haproxy_config.absolute()
    if arguments.dont_bind_http_https:
        yield from (("haproxy_http_port", 0), ("haproxy_https_port", 0))
    yield "haproxy_certificates", list(_certificates(arguments))
    if arguments.trust_app_labels:
        yield "policy_raw", "trusted"
    if TEMPLATES.is_dir():
        yield "haproxy_templates", TEMPLATES
    if framework := environ.get("FRAMEWORK_NAME", "").strip("/"):
        yield "routing_skip", [f"/{framework}"]


def _certificates(arguments: Arguments) -> Iterator[str]:
    """The one that nobody named is only meant where it is there."""
    for path in arguments.ssl_certs:
        if path != DEFAULT_CERTIFICATE or Path(path).exists():
            yield path
        else:
            _log.warning("%s is not there: the port for HTTPS stays off", path)


def without_effect(arguments: Arguments) -> Iterator[str]:
    """What was asked for and has no part in a HAProxy of milepost's own, so that nobody relies on it."""
    if arguments.skip_validation:
        yield "--skip-validation has no effect: milepost's own HAProxy only gets what it takes"
    if arguments.group_https_by_vhost:
        yield "--group-https-by-vhost has no effect: all certificates are served on one port, each for its own names"
    if arguments.old_directives:
        yield "--old-directives has no effect: milepost's own HAProxy is 2.6 or newer"

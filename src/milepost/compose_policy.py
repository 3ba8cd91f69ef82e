"""The part of the composition root about what the operator decides: who may have what, and texts of HAProxy's."""

from collections.abc import Mapping
from types import MappingProxyType

from milepost.proxies.haproxy.names import BY_APP_ID, HTTP_IN, HTTPS_IN
from milepost.proxies.haproxy.operator.given import given_templates
from milepost.proxies.haproxy.operator.texts import OPTIONS, OperatorTexts, Written, read_texts
from milepost.proxies.haproxy.raw.review import RawReview
from milepost.routing.own_texts import no_texts
from milepost.routing.policy import Conflicts, Policy
from milepost.settings.values import Settings


def texts_of(settings: Settings, environment: Mapping[str, str] = MappingProxyType({})) -> OperatorTexts:
    """What the operator writes in HAProxy's own words; `environment` holds marathon-lb's variables, where they count.

    Raises SettingsError.
    """
    haproxy = settings.haproxy
    ports = {HTTP_IN: haproxy.http_port, HTTPS_IN: haproxy.https_port, BY_APP_ID: haproxy.appid_port}
    written = Written(
        templates=given_templates(environment, haproxy.templates),
        global_lines=haproxy.global_lines,
        defaults_lines=haproxy.defaults_lines,
        options=environment.get(OPTIONS, ""),
        ports=ports,
    )
    return read_texts(written, trusts_owners=settings.policy.raw == "trusted")


def policy_of(settings: Settings, texts: OperatorTexts | None = None) -> Policy:
    """How apps are routed. The listeners of milepost's own and of HAProxy's shared frontends are no app's to have."""
    haproxy, web, raw = settings.haproxy, settings.web.listen, settings.policy.raw
    texts = texts_of(settings) if texts is None else texts
    https_port = haproxy.https_port if haproxy.certificates else 0  # without one an app may do its own TLS there
    ours = (haproxy.http_port, https_port, haproxy.appid_port, haproxy.stats_port, web.port if web else 0)
    return Policy(
        groups=settings.routing.groups,
        strict=settings.routing.strict,
        health_check=settings.routing.health_check,
        assign_ports=settings.routing.assign_ports,
        reserved_ports=frozenset(ours) - {0},
        conflicts=Conflicts(settings.routing.conflicts),
        healthy_share=settings.routing.healthy_share,
        readiness=settings.routing.readiness,
        serves_tls=https_port != 0,
        verifies_servers=haproxy.server_ca_file is not None,
        grants=settings.policy.claims,
        review=no_texts if raw == "off" else RawReview(is_trusted=raw == "trusted"),
        deployment_target=settings.routing.deployment_target,
        skipped=frozenset(f"/{app_id.strip('/')}" for app_id in settings.routing.skip),
        complete=texts.overlay(trusts_owners=raw == "trusted"),
        problems=texts.problems,
    )

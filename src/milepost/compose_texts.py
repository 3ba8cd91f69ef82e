"""What the operator writes in HAProxy's own words, from the settings."""

from collections.abc import Mapping
from types import MappingProxyType

from milepost.proxies.haproxy.names import BY_APP_ID, HTTP_IN, HTTPS_IN
from milepost.proxies.haproxy.operator.given import given_templates
from milepost.proxies.haproxy.operator.texts import OPTIONS, OperatorTexts, Written, read_texts
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

"""marathon-lb's templates, as owners name them in labels (marathon-lb-behaviour.md 10.4): without `HAPROXY_`."""

from collections.abc import Mapping

TEMPLATES = frozenset(
    {
        "BACKEND_HEAD",
        "BACKEND_HSTS_OPTIONS",
        "BACKEND_HTTP_HEALTHCHECK_OPTIONS",
        "BACKEND_HTTP_OPTIONS",
        "BACKEND_REDIRECT_HTTP_TO_HTTPS",
        "BACKEND_REDIRECT_HTTP_TO_HTTPS_WITH_PATH",
        "BACKEND_SERVER_HTTP_HEALTHCHECK_OPTIONS",
        "BACKEND_SERVER_OPTIONS",
        "BACKEND_SERVER_TCP_HEALTHCHECK_OPTIONS",
        "BACKEND_STICKY_OPTIONS",
        "BACKEND_TCP_HEALTHCHECK_OPTIONS",
        "FRONTEND_BACKEND_GLUE",
        "FRONTEND_HEAD",
        "HTTPS_FRONTEND_ACL",
        "HTTPS_FRONTEND_ACL_ONLY_WITH_PATH",
        "HTTPS_FRONTEND_ACL_WITH_AUTH",
        "HTTPS_FRONTEND_ACL_WITH_AUTH_AND_PATH",
        "HTTPS_FRONTEND_ACL_WITH_PATH",
        "HTTP_BACKEND_NETWORK_ALLOWED_ACL",
        "HTTP_BACKEND_PROXYPASS_GLUE",
        "HTTP_BACKEND_REVPROXY_GLUE",
        "HTTP_FRONTEND_ACL",
        "HTTP_FRONTEND_ACL_ONLY",
        "HTTP_FRONTEND_ACL_ONLY_WITH_PATH",
        "HTTP_FRONTEND_ACL_ONLY_WITH_PATH_AND_AUTH",
        "HTTP_FRONTEND_ACL_WITH_AUTH",
        "HTTP_FRONTEND_ACL_WITH_AUTH_AND_PATH",
        "HTTP_FRONTEND_ACL_WITH_PATH",
        "HTTP_FRONTEND_APPID_ACL",
        "HTTP_FRONTEND_ROUTING_ONLY",
        "HTTP_FRONTEND_ROUTING_ONLY_WITH_AUTH",
        "HTTP_FRONTEND_ROUTING_ONLY_WITH_PATH",
        "HTTP_FRONTEND_ROUTING_ONLY_WITH_PATH_AND_AUTH",
        "MAP_HTTPS_FRONTEND_ACL",
        "MAP_HTTP_FRONTEND_ACL",
        "MAP_HTTP_FRONTEND_ACL_ONLY",
        "MAP_HTTP_FRONTEND_APPID_ACL",
        "TCP_BACKEND_NETWORK_ALLOWED_ACL",
        "USERLIST_HEAD",
    }
)

HARMLESS = frozenset(
    {
        "BACKEND_HSTS_OPTIONS",
        "BACKEND_HTTP_HEALTHCHECK_OPTIONS",
        "BACKEND_SERVER_HTTP_HEALTHCHECK_OPTIONS",
        "BACKEND_SERVER_OPTIONS",
        "BACKEND_SERVER_TCP_HEALTHCHECK_OPTIONS",
        "BACKEND_STICKY_OPTIONS",
        "BACKEND_TCP_HEALTHCHECK_OPTIONS",
        "HTTP_BACKEND_PROXYPASS_GLUE",
        "HTTP_BACKEND_REVPROXY_GLUE",
    }
)
"""Templates in which nobody writes who may come in."""

GUARDING_TEMPLATES = TEMPLATES - HARMLESS
"""Those in which owners write who may come in: without one of them something might be open that should be closed."""

WITHOUT_EFFECT = frozenset(name for name in TEMPLATES if name.startswith("MAP_"))
"""marathon-lb took these labels and never used them (marathon-lb-behaviour.md 10.4)."""


def own_templates(labels: Mapping[str, str], index: int, *, exact: bool) -> dict[str, str]:
    """The owner's own templates for a port, by name; lines end in LF (marathon-lb-behaviour.md 10.1, 10.4)."""
    known = TEMPLATES if exact else TEMPLATES - WITHOUT_EFFECT
    start = f"HAPROXY_{index}_"
    found = ((key.removeprefix(start), text) for key, text in labels.items() if key.startswith(start))
    return {name: text.replace("\r\n", "\n") for name, text in found if name in known}

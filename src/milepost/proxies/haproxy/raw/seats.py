"""Where each template that an owner, or the operator, may replace stands in the configuration of `milepost run`."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType


class Seat(StrEnum):
    """The kind of section; for two of them pieces of a `server` line."""

    FRONTEND = "frontend"
    BACKEND = "backend"
    USERLIST = "userlist"
    SHARED = "shared frontend"
    SERVER = "server line"
    CHECK = "server's check"


_NAMES: Mapping[Seat, str] = {
    Seat.FRONTEND: "FRONTEND_HEAD FRONTEND_BACKEND_GLUE",
    Seat.BACKEND: (
        "BACKEND_HEAD BACKEND_HSTS_OPTIONS BACKEND_HTTP_OPTIONS BACKEND_HTTP_HEALTHCHECK_OPTIONS "
        "BACKEND_TCP_HEALTHCHECK_OPTIONS BACKEND_STICKY_OPTIONS HTTP_BACKEND_PROXYPASS_GLUE "
        "HTTP_BACKEND_REVPROXY_GLUE HTTP_BACKEND_NETWORK_ALLOWED_ACL TCP_BACKEND_NETWORK_ALLOWED_ACL "
        "HTTP_BACKEND_ACL_ALLOW_DENY TCP_BACKEND_ACL_ALLOW_DENY"
    ),
    Seat.USERLIST: "USERLIST_HEAD",
    Seat.SHARED: (
        "BACKEND_REDIRECT_HTTP_TO_HTTPS BACKEND_REDIRECT_HTTP_TO_HTTPS_WITH_PATH HTTP_FRONTEND_ACL "
        "HTTP_FRONTEND_ACL_ONLY HTTP_FRONTEND_ACL_WITH_PATH HTTP_FRONTEND_ACL_ONLY_WITH_PATH "
        "HTTP_FRONTEND_ACL_WITH_AUTH HTTP_FRONTEND_ACL_WITH_AUTH_AND_PATH HTTP_FRONTEND_ACL_ONLY_WITH_PATH_AND_AUTH "
        "HTTP_FRONTEND_ROUTING_ONLY HTTP_FRONTEND_ROUTING_ONLY_WITH_AUTH HTTP_FRONTEND_ROUTING_ONLY_WITH_PATH "
        "HTTP_FRONTEND_ROUTING_ONLY_WITH_PATH_AND_AUTH HTTP_FRONTEND_APPID_ACL HTTPS_FRONTEND_ACL "
        "HTTPS_FRONTEND_ACL_WITH_AUTH HTTPS_FRONTEND_ACL_WITH_PATH HTTPS_FRONTEND_ACL_WITH_AUTH_AND_PATH "
        "HTTPS_FRONTEND_ACL_ONLY_WITH_PATH"
    ),
    Seat.SERVER: "BACKEND_SERVER_OPTIONS",
    Seat.CHECK: "BACKEND_SERVER_HTTP_HEALTHCHECK_OPTIONS BACKEND_SERVER_TCP_HEALTHCHECK_OPTIONS",
}

SEATS: Mapping[str, Seat] = MappingProxyType({name: seat for seat, names in _NAMES.items() for name in names.split()})
HEADS: Mapping[str, str] = MappingProxyType(
    {"FRONTEND_HEAD": "frontend", "BACKEND_HEAD": "backend", "USERLIST_HEAD": "userlist"}
)
"""Those that begin with the header of their own section, and its keyword."""

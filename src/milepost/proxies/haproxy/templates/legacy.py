"""The usual texts of marathon-lb that HAProxy refuses since 2.1, for those before it (marathon-lb-behaviour.md 20)."""

from collections.abc import Mapping

LEGACY: Mapping[str, str] = {
    "BACKEND_HSTS_OPTIONS": "  rspadd  Strict-Transport-Security:\\ max-age=15768000\n",
    "HTTP_BACKEND_PROXYPASS_GLUE": (
        '  http-request set-header Host {hostname}\n  reqirep  "^([^ :]*)\\ {proxypath}/?(.*)" "\\1\\ /\\2"\n'
    ),
    "HTTP_BACKEND_REVPROXY_GLUE": (
        "  acl hdr_location res.hdr(Location) -m found\n"
        '  rspirep "^Location: (https?://{hostname}(:[0-9]+)?)?(/.*)" "Location:   {rootpath}" if hdr_location\n'
    ),
}

"""marathon-lb's flags that change the text."""

from collections.abc import Mapping
from dataclasses import dataclass, field

DEFAULT_OPTIONS = ("redispatch", "http-server-close", "dontlognull")


@dataclass(frozen=True, slots=True)
class ContractFlags:
    """marathon-lb's flags that change the text (marathon-lb-behaviour.md 3 and 4).

    `config_dir` also holds the map files. `group_by_host` makes one TLS frontend for each host. `default_options` are
    those of HAPROXY_GLOBAL_DEFAULT_OPTIONS, as written. `templates` are the operator's, by name (see
    `templates/sources.py`). `legacy` writes the directives that HAProxy knew before 2.1.
    """

    ssl_certs: tuple[str, ...] = ("/etc/ssl/cert.pem",)
    config_dir: str = "/etc/haproxy"
    dont_bind: bool = False
    use_maps: bool = False
    group_by_host: bool = False
    default_options: tuple[str, ...] = DEFAULT_OPTIONS
    templates: Mapping[str, str] = field(default_factory=dict)
    legacy: bool = False

    @property
    def hosts_map(self) -> str:
        return f"{self.config_dir}/domain2backend.map"

    @property
    def apps_map(self) -> str:
        return f"{self.config_dir}/app2backend.map"

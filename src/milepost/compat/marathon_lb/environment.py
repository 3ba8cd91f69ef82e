"""What the environment and the template files say (marathon-lb-behaviour.md 4 and 16.1), read once at the start."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from milepost.errors import SettingsError
from milepost.proxies.haproxy.templates.defaults import BY_NAME

FOLDER = Path("templates")
_PREFIX = "HAPROXY_"
_DEFAULT_OPTIONS = ("dontlognull", "http-server-close", "redispatch")
_OPTIONS_VARIABLE = "HAPROXY_GLOBAL_DEFAULT_OPTIONS"


@dataclass(frozen=True, slots=True)
class Environment:
    """`templates`: the operator's own, by name without HAPROXY_. `default_options`: of the `defaults` section, sorted.
    `framework`: the balancer's own app under DC/OS, "" for none.
    """

    templates: Mapping[str, str]
    default_options: tuple[str, ...]
    framework: str


def read_environment(environ: Mapping[str, str], folder: Path = FOLDER) -> Environment:
    """A variable beats a file. Raises SettingsError for a file that is there and cannot be read."""
    found = {name: text for name in BY_NAME if (text := _template(name, environ, folder)) is not None}
    return Environment(found, _default_options(environ), environ.get("FRAMEWORK_NAME", ""))


def _template(name: str, environ: Mapping[str, str], folder: Path) -> str | None:
    """Of a variable the two characters backslash and n are a line end; a file is taken as it is."""
    if text := environ.get(_PREFIX + name):
        return text.replace("\\n", "\n")
    path = folder / (_PREFIX + name)
    try:
        return path.read_bytes().decode("utf-8") if path.is_file() else None
    except OSError as error:
        raise SettingsError(f"template {path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError:
        raise SettingsError(f"template {path} is not UTF-8 text") from None


def _default_options(environ: Mapping[str, str]) -> tuple[str, ...]:
    """Set but empty means none (its Q6)."""
    text = environ.get(_OPTIONS_VARIABLE)
    if text is None:
        return _DEFAULT_OPTIONS
    return tuple(sorted({option.strip() for option in text.split(",")} - {""}))

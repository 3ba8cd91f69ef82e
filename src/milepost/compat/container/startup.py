"""What the image's environment and arguments ask for. Pure: nothing is read or written here."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from milepost.errors import SettingsError

_MOST_CERTIFICATES = 101  # HAPROXY_SSL_CERT0 to HAPROXY_SSL_CERT100
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "\\": "\\"}
_VAULT = ("VAULT_TOKEN", "VAULT_HOST", "VAULT_PORT", "VAULT_PATH")
_SECRETS = re.compile(r"HAPROXY_SSL_CERT\d*|VAULT_TOKEN|MARATHON_PASSWORD")
_MODES = ("sse", "poll")


@dataclass(frozen=True, slots=True)
class Folders:
    """`certificates` is where the image keeps them, `work` the working directory with the configuration."""

    certificates: Path = Path("/etc/ssl")
    work: Path = Path("/marathon-lb")

    @property
    def credentials(self) -> Path:
        """User and password for Marathon: on a command line every user of the machine could see them."""
        return self.work / "marathon-credentials"


@dataclass(frozen=True, slots=True)
class SecretFile:
    """A file for nobody but us."""

    path: Path
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Vault:
    """Where user and password for Marathon are kept: members `data.user` and `data.pass` of the JSON at `url`."""

    url: str
    token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Startup:
    """What has to be done before marathon-lb's command runs with `arguments` and `environment`.

    `self_signed` is where a certificate is to be made if none is there. `templates` are copied from the first folder to
    the second, where that is there. `sysctl` are words `name=value`. In mode poll the command runs each
    `poll_interval_s`, else once and again whenever it ends.
    """

    is_poll: bool
    arguments: tuple[str, ...]
    environment: Mapping[str, str] = field(repr=False)
    files: tuple[SecretFile, ...] = ()
    self_signed: Path | None = None
    templates: tuple[Path, Path] | None = None
    sysctl: tuple[str, ...] = ()
    is_sysctl_strict: bool = True
    vault: Vault | None = None
    poll_interval_s: float = 60.0
    warnings: tuple[str, ...] = ()


def read_startup(words: Sequence[str], environ: Mapping[str, str], folders: Folders) -> Startup:
    """What `words` (mode and marathon-lb's flags) and the variables of the image mean. Raises SettingsError."""
    mode, *flags = words or ("",)
    if mode not in _MODES:
        raise SettingsError(f"expected sse or poll before marathon-lb's own arguments, got {mode!r}")
    flags, named = _without_certificates(flags)
    files = tuple(_certificate_files(environ, folders))
    certificates = (*named, *(str(file.path) for file in files))
    own = folders.certificates / "cert.pem"
    login = _login(environ, folders)
    vault = _vault(environ)
    credentials = ("--marathon-auth-credential-file", str(folders.credentials)) if login or vault else ()
    sandbox = environ.get("MESOS_SANDBOX")
    return Startup(
        is_poll=mode == "poll",
        arguments=(
            *("--own-haproxy", "--syslog-socket", environ.get("SYSLOG_SOCKET") or "/dev/null"),
            *("--haproxy-config", str(folders.work / "haproxy.cfg")),
            *("--ssl-certs", ",".join(certificates or (str(own),))),
            *credentials,
            *(("--sse",) if mode == "sse" else ()),
            *flags,
        ),
        environment=_environment(environ),
        files=(*files, *login),
        self_signed=None if certificates else own,
        templates=(Path(sandbox) / "templates", folders.work / "templates") if sandbox else None,
        sysctl=tuple(environ.get("HAPROXY_SYSCTL_PARAMS", "").split()),
        is_sysctl_strict=not environ.get("HAPROXY_SYSCTL_NONSTRICT"),
        vault=None if login else vault,
        poll_interval_s=_seconds(environ.get("POLL_INTERVAL") or "60"),
        warnings=tuple(_warnings(environ)),
    )


def credentials_line(user: str, password: str) -> str:
    """The file of credentials. Raises SettingsError where it would mean something else."""
    if not user or ":" in user or not f"{user}{password}".isprintable():
        raise SettingsError("user and password for Marathon: expected texts on one line, the user without a colon")
    return f"{user}:{password}\n"


def _without_certificates(flags: Sequence[str]) -> tuple[list[str], tuple[str, ...]]:
    """The flags without `--ssl-certs A,B` and `--ssl-certs=A,B`, and the certificates of the last of these."""
    rest, named = [], ""
    remaining = iter(flags)
    for word in remaining:
        flag, equals, value = word.partition("=")
        if flag != "--ssl-certs":
            rest.append(word)
        elif equals:
            named = value
        else:
            named = next(remaining, "")
    return rest, tuple(filter(None, named.split(",")))


def _certificate_files(environ: Mapping[str, str], folders: Folders) -> Iterator[SecretFile]:
    if not environ.get("HAPROXY_SSL_CERT"):
        return
    for number in ("", *map(str, range(_MOST_CERTIFICATES))):
        if text := environ.get(f"HAPROXY_SSL_CERT{number}"):
            yield SecretFile(folders.certificates / f"cert{number}.pem", _expanded(text))


def _expanded(text: str) -> str:
    """With the escapes that a shell's `echo -e` knew, as far as a PEM file has a use for them."""
    return re.sub(r"\\([ntr\\])", lambda match: _ESCAPES[match[1]], text).rstrip("\n") + "\n"


def _login(environ: Mapping[str, str], folders: Folders) -> tuple[SecretFile, ...]:
    user, password = environ.get("MARATHON_USER"), environ.get("MARATHON_PASSWORD")
    return (SecretFile(folders.credentials, credentials_line(user, password)),) if user and password else ()


def _vault(environ: Mapping[str, str]) -> Vault | None:
    """Composed of its parts, which marathon-lb forgot to do; VAULT_URL replaces what they say."""
    token, *place = (environ.get(name, "") for name in _VAULT)
    url = environ.get("VAULT_URL", "")
    if not token or not (url or all(place)):
        return None
    host, port, path = place
    return Vault(url or f"https://{host}:{port}/{path.lstrip('/')}", token)


def _environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Without the secrets, which are in files by then. HAPROXY_SYSLOGD asked for HAProxy's log on standard output."""
    kept = {name: value for name, value in environ.items() if not _SECRETS.fullmatch(name)}
    if environ.get("HAPROXY_SYSLOGD"):
        kept.setdefault("MILEPOST_HAPROXY_LOG", "stdout")
    return kept


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0.0 < value < 1e9:
        raise SettingsError(f"POLL_INTERVAL: expected seconds above 0, got {text!r}")
    return value


def _warnings(environ: Mapping[str, str]) -> Iterator[str]:
    numbered = any(environ.get(f"HAPROXY_SSL_CERT{number}") for number in range(_MOST_CERTIFICATES))
    if numbered and not environ.get("HAPROXY_SSL_CERT"):
        yield "HAPROXY_SSL_CERT is not set: HAPROXY_SSL_CERT0 and the others are ignored, as marathon-lb did"
    missing = [name for name in _VAULT if not environ.get(name)]
    if environ.get("VAULT_TOKEN") and missing and not environ.get("VAULT_URL"):
        yield f"Vault is not asked: {', '.join(missing)} is not set"

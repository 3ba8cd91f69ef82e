"""From flags to the Marathon that is watched: its endpoints, who we are there, and whom we trust."""

from pathlib import Path
from typing import Protocol

from milepost.compat.marathon_lb.arguments import Arguments
from milepost.errors import SettingsError
from milepost.sources.marathon.account import read_account
from milepost.sources.marathon.settings import MarathonSettings

_CONNECT_S, _READ_S, _SILENCE_S = 3.05, 46.0, 300.0  # marathon-lb-behaviour.md 7 and 8
READ_INTERVAL_S = 300.0
_LONGEST_BACKOFF_S = 2.0


class Credentials(Protocol):
    """The flags that say who we are at Marathon."""

    @property
    def marathon_auth_credential_file(self) -> Path | None: ...

    @property
    def auth_credentials(self) -> str | None: ...

    @property
    def dcos_auth_credentials(self) -> str | None: ...


def cluster_of(arguments: Arguments) -> MarathonSettings:
    """Raises SettingsError for URLs and credentials that cannot be used. marathon-lb saw neither pods nor readiness."""
    user, password = credentials_of(arguments)
    return MarathonSettings(
        urls=arguments.marathon,
        user=user,
        password=password,
        account=read_account(arguments.dcos_auth_credentials) if arguments.dcos_auth_credentials else None,
        ca_file=arguments.marathon_ca_cert,
        tls_verify=verifies(arguments),
        connect_timeout_s=_CONNECT_S,
        read_timeout_s=_READ_S,
        stream_silence_s=_SILENCE_S,
        read_interval_s=READ_INTERVAL_S,
        pods=False,
        readiness=False,
        max_backoff_s=max(0.1, min(_LONGEST_BACKOFF_S, arguments.max_backoff)),
    )


def verifies(arguments: Arguments) -> bool:
    """A CA that is named was always obeyed; without one marathon-lb verified nothing (its Q5)."""
    return arguments.marathon_ca_cert is not None or not arguments.trust_any_certificate


def credentials_of(arguments: Credentials) -> tuple[str, str]:
    """User and password, empty for none: those of the file, else those of the flag. Raises SettingsError."""
    if arguments.marathon_auth_credential_file is not None:
        text = _first_line(arguments.marathon_auth_credential_file)
        return _split(text, "--marathon-auth-credential-file") if text else ("", "")
    if arguments.auth_credentials is not None:
        return _split(arguments.auth_credentials, "--auth-credentials")
    return "", ""


def _first_line(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").partition("\n")[0].strip()
    except OSError as error:
        raise SettingsError(f"--marathon-auth-credential-file: {path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise SettingsError(f"--marathon-auth-credential-file: {path} is not UTF-8 text") from None


def _split(text: str, flag: str) -> tuple[str, str]:
    """At the first colon: a password may have others (its Q8)."""
    user, colon, password = text.partition(":")
    if not colon or not user:
        raise SettingsError(f"{flag}: Please provide marathon credentials in user:pass format")
    return user, password

"""Secrets of a Marathon that files hold."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from milepost.errors import SettingsError
from milepost.settings.cluster import MarathonCluster


def with_secrets(cluster: MarathonCluster, places: Mapping[str, str]) -> MarathonCluster:
    """With what the files hold in the place of their names; `places` tells where each key was found.

    Raises SettingsError, also for a file beside what it is to hold: that means two things.
    """

    def where(name: str, *others: str) -> str:
        place = places[name]
        if other := next((other for other in others if getattr(cluster, other)), ""):
            raise SettingsError(f"{place}: a {other} is given as well; only one of the two can be meant")
        return place

    if cluster.credentials_file is not None:
        place = where("credentials_file", "user", "password", "password_file")
        user, password = _user_and_password(place, cluster.credentials_file)
        return replace(cluster, user=user, password=password)
    if cluster.password_file is not None:
        place = where("password_file", "password")
        return replace(cluster, password=_secret(place, cluster.password_file).rstrip("\r\n"))
    if cluster.dcos_credentials_file is not None:
        place = where("dcos_credentials_file", "dcos_credentials")
        return replace(cluster, dcos_credentials=_secret(place, cluster.dcos_credentials_file))
    return cluster


def _user_and_password(where: str, path: Path) -> tuple[str, str]:
    """Split at the first colon, as only a password may have one (RFC 7617, 2). Both "" where the line is empty."""
    line = _secret(where, path).partition("\n")[0].strip()
    user, colon, password = line.partition(":")
    if line and not (user and colon):
        raise SettingsError(f"{where}: the first line of {path} is not user:password")
    return user, password


def _secret(where: str, path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise SettingsError(f"{where}: {path} cannot be read: {reason}") from None

"""A DC/OS service account: what one logs in with (marathon-lb-behaviour.md 7)."""

from dataclasses import dataclass, field

import msgspec

from milepost.errors import SettingsError

_LONGEST_KEY = 32_768  # characters: what fits into a pipe at once


@dataclass(frozen=True, slots=True)
class ServiceAccount:
    """`private_key` is a PEM text of an RSA key, which stands for `uid` at `login_endpoint` (a URL)."""

    uid: str
    login_endpoint: str
    private_key: str = field(repr=False)


class _Wire(msgspec.Struct):
    uid: str
    private_key: str
    login_endpoint: str


def read_account(text: str) -> ServiceAccount:
    """The account of a JSON object as DC/OS gives it. Raises SettingsError, which never shows any of it."""
    try:
        found = msgspec.json.decode(text, type=_Wire)
    except (msgspec.DecodeError, ValueError, RecursionError):
        found = None
    if found is None or not found.login_endpoint.startswith(("https://", "http://")):
        raise SettingsError(
            "the DC/OS credentials are no service account: expected a JSON object with the texts uid, private_key and "
            "login_endpoint (a URL)"
        )
    if "PRIVATE KEY-----" not in found.private_key or len(found.private_key) > _LONGEST_KEY:
        raise SettingsError("the private_key of the DC/OS credentials is no PEM text of a private key")
    return ServiceAccount(found.uid, found.login_endpoint, found.private_key)

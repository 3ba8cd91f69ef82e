"""The user's logins at registries, as `docker login` keeps them."""

import base64
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec


def login_for(image: str, default_registry: str, environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The header with which to pull `image`: empty without a login. Logins in a helper program are not read.

    `default_registry` is what the engine calls the one of images that name none; logins there are kept under it.
    """
    registry, slash, _ = image.partition("/")
    is_named = slash and ("." in registry or ":" in registry or registry == "localhost")
    address = registry if is_named and registry not in default_registry else default_registry
    kept = _kept(environment).get(address, {})
    try:
        user, _, password = base64.b64decode(kept.get("auth", "")).decode().partition(":")
    except (ValueError, AttributeError):
        return {}
    if not user:
        return {}
    login = {"username": user, "password": password, "serveraddress": address}
    return {"X-Registry-Auth": base64.urlsafe_b64encode(msgspec.json.encode(login)).decode()}


def _kept(environment: Mapping[str, str]) -> dict[str, Any]:
    folder = environment.get("DOCKER_CONFIG") or Path(environment.get("HOME", "/")) / ".docker"
    try:
        auths = msgspec.json.decode((Path(folder) / "config.json").read_bytes()).get("auths")
    except (OSError, msgspec.DecodeError, AttributeError):
        return {}
    return auths if isinstance(auths, dict) else {}

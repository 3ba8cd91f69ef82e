"""Commands read the environment: what the caller of the tests has set there must not matter."""

import os

import pytest


@pytest.fixture(autouse=True)
def no_settings_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("MILEPOST_") and name != "MILEPOST_SHARED":
            monkeypatch.delenv(name)

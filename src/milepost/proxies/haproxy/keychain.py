"""All certificates: those of the shared TLS port, and those that apps name for listeners of their own."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import anyio

from milepost.model.problem import Problem
from milepost.model.routing import Service
from milepost.proxies.haproxy.certificate import CertificateList
from milepost.proxies.haproxy.keyring import Keyring


class Keychain:
    """`shared` watches what the operator names; `of_apps` what apps name, in a folder of its own."""

    def __init__(self, shared: Keyring, of_apps: Keyring) -> None:
        self._shared, self._of_apps = shared, of_apps
        self._services: Sequence[Service] = ()
        self._listed = shared.listed

    @property
    def listed(self) -> CertificateList:
        """The very same object as long as nothing changed."""
        found = replace(self._shared.listed, of_apps=self._of_apps.listed.certificates)
        if found != self._listed:
            self._listed = found
        return self._listed

    @property
    def problems(self) -> tuple[Problem, ...]:
        return (*self._shared.problems, *self._of_apps.problems)

    def listed_for(self, services: Sequence[Service]) -> CertificateList:
        """What is good of all that is named, now that these are the services."""
        if services is not self._services:
            self._services = services
            named = ((one.binding.certificate, one.app_id) for one in reversed(services))
            self._of_apps.watch({Path(path): app_id for path, app_id in named if path})
        return self.listed

    async def look(self) -> None:
        """Read what has changed."""
        await self._shared.look()
        await self._of_apps.look()

    async def run(self, wake: Callable[[str], None]) -> None:
        """Look again and again until cancelled; `wake` when something came of it."""
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._shared.run, wake)
            tasks.start_soon(self._of_apps.run, wake)

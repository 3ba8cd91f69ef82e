"""HAProxy's own check, and which app to leave out where it says no (marathon-lb-behaviour.md 17.2, 17.5).

A verdict is remembered for as long as no app's definition changes, so that tasks that come and go cost no further
checks (its Q35). Any other definition may be what it hung on: an app can refer to another's backend.
"""

import logging
import os
import shutil
from collections.abc import Collection, Mapping
from pathlib import Path

from milepost.compat.marathon_lb.files import Files
from milepost.compat.marathon_lb.text import Text, Writer
from milepost.errors import ProxyError
from milepost.model.snapshot import AppDefinition, Snapshot
from milepost.proxies.haproxy.bisect import find_culprit
from milepost.proxies.haproxy.check import Checked, check
from milepost.routing.blue_green import group_id

_log = logging.getLogger(__name__)
_SYSTEM_FOLDERS = "/usr/local/sbin:/usr/sbin:/sbin"
_SECRETS = ("DCOS_SERVICE_ACCOUNT_CREDENTIAL", "MARATHON_PASSWORD", "VAULT_TOKEN")
_MOST_ROUNDS = 100


class Validation:
    """Checks texts with the `haproxy` of PATH. Its environment is ours without our own secrets, since a text may name
    any variable. `system_folders` are looked into where PATH has none.
    """

    def __init__(self, environ: Mapping[str, str], system_folders: str = _SYSTEM_FOLDERS) -> None:
        self._system_folders = system_folders
        self._environ = {name: value for name, value in environ.items() if name not in _SECRETS}

    async def check(self, config: Path, text: str) -> Checked:
        """Raises ProxyError where there is no HAProxy to ask."""
        path = self._environ.get("PATH", os.defpath)
        found = shutil.which("haproxy", path=path) or shutil.which("haproxy", path=self._system_folders)
        if found is None:
            raise ProxyError("there is no haproxy in PATH to check with; --skip-validation writes without a check")
        return await check(Path(found), config, text, self._environ)


class Cleanup:
    """Finds the apps whose parts HAProxy refuses, and remembers them."""

    def __init__(self, writer: Writer, files: Files, validation: Validation) -> None:
        self._writer, self._files, self._validation = writer, files, validation
        self._refused: set[str] = set()
        self._judged: list[AppDefinition] = []  # what there was when they were refused

    def left_out(self, snapshot: Snapshot) -> frozenset[str]:
        """The apps, and groups of apps, whose refusal still holds."""
        if self._refused and self._judged != _definitions(snapshot):
            self._refused = set()
        return frozenset(self._refused)

    async def clean(self, snapshot: Snapshot, text: Text, checked: Checked) -> Text | None:
        """As much of the refused `text` as HAProxy takes; None where the fault is no app's, or nothing is left."""
        for _ in range(_MOST_ROUNDS):
            culprits = dict(text.owners(checked)) or await self._search(snapshot, checked)
            if not culprits:
                return None
            self._remember(snapshot, culprits)
            if not self._left(snapshot):
                return None
            text = self._writer.write(snapshot, self._refused)
            checked = await self._checked(text)
            if not checked.alerts:
                return text
        return None

    async def _search(self, snapshot: Snapshot, checked: Checked) -> dict[str, str]:
        """By leaving apps out: HAProxy's words name none."""
        every = self._left(snapshot)

        async def is_refused(apps: Collection[str]) -> bool:
            others = {*self._refused, *every} - set(apps)
            return bool((await self._checked(self._writer.write(snapshot, others))).alerts)

        culprit = await find_culprit(every, is_refused)
        return {culprit: checked.words} if culprit else {}

    def _remember(self, snapshot: Snapshot, culprits: Mapping[str, str]) -> None:
        for app_id, words in culprits.items():
            _log.error("HAProxy refuses the part of app %s, which is left out: %s", app_id, words)
        self._refused |= culprits.keys()
        self._judged = _definitions(snapshot)

    def _left(self, snapshot: Snapshot) -> list[str]:
        """The apps of which no refusal is known, in Marathon's order."""
        apps = snapshot.apps
        return [
            app_id
            for app_id in self._writer.apps(snapshot)
            if not {app_id, group_id(apps[app_id].definition)} & self._refused
        ]

    async def _checked(self, text: Text) -> Checked:
        with self._files.candidate(text) as candidate:
            return await self._validation.check(candidate.config, candidate.checked_text)


def _definitions(snapshot: Snapshot) -> list[AppDefinition]:
    return [app.definition for app in snapshot.apps.values()]

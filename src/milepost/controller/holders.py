"""Who held each port and host, kept over restarts, so that a conflict is decided as it was before."""

import os
from pathlib import Path

import msgspec

from milepost.model.routing import Holders


class HolderFile:
    """`holders.json` in the state directory. A file that cannot be read counts as empty: the rule after the
    recorded holder then decides (rulings: the lower app id)."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._saved = Holders()

    def load(self) -> Holders:
        try:
            self._saved = Holders(msgspec.json.decode(self._path.read_bytes(), type=dict[str, str]))
        except (OSError, ValueError):  # msgspec's errors are ValueErrors, and text that is not UTF-8 gives one too
            self._saved = Holders()
        return self._saved

    def save(self, holders: Holders) -> str:
        """Write if it differs from what was last written; beside and renamed, so that it is never half a file.

        Returns why it cannot be written, "" where it stands. It is tried again the next time: no traffic depends on it.
        """
        if holders is self._saved or holders == self._saved:
            return ""
        beside = self._path.with_suffix(".new")
        try:
            beside.write_bytes(msgspec.json.encode(holders.by_key))
            os.replace(beside, self._path)
        except OSError as error:
            return f"{self._path} cannot be written: {error.strerror}"
        self._saved = holders
        return ""

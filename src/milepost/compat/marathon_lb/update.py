"""One pass: the text of a snapshot, compared, checked, written, and HAProxy told (marathon-lb-behaviour.md 17)."""

import difflib
import logging
import re

from milepost.compat.marathon_lb.files import Files
from milepost.compat.marathon_lb.text import Text, Writer
from milepost.compat.marathon_lb.validation import Cleanup, Validation
from milepost.errors import ProxyError
from milepost.model.problem import Problem
from milepost.model.snapshot import Snapshot

_log = logging.getLogger(__name__)
_PASSWORD = re.compile(r"((?:insecure-)?password\s+)\S+")


class Update:
    """Brings the files to what a snapshot says.

    `validation` is None where nothing is to be checked, `cleanup` where a refused text is not to be searched.
    """

    def __init__(self, writer: Writer, files: Files, validation: Validation | None, cleanup: Cleanup | None) -> None:
        self._writer, self._files = writer, files
        self._validation, self._cleanup = validation, cleanup
        self._told: frozenset[Problem] = frozenset()

    async def run(self, snapshot: Snapshot) -> bool:
        """Tells whether HAProxy is to be reloaded: the files changed. A text that HAProxy refuses changes nothing.

        Raises ProxyError where the files cannot be written or HAProxy cannot be asked; nothing is half written then.
        """
        without = self._cleanup.left_out(snapshot) if self._cleanup else ()
        text = self._writer.write(snapshot, without)
        self._tell((*snapshot.problems, *text.problems))
        try:
            is_changed = await self._written(snapshot, text)
            if is_changed is not None and not text.maps:
                self._files.empty_maps()
        except OSError as error:
            raise ProxyError(f"{self._files.config} cannot be written: {error}; it stays as it was") from error
        return bool(is_changed)

    def text(self, snapshot: Snapshot) -> str:
        """What `run` would write, before any check. What is left out of it is told as `run` tells it."""
        text = self._writer.write(snapshot)
        self._tell((*snapshot.problems, *text.problems))
        return text.config

    async def is_valid(self) -> bool:
        """Whether HAProxy takes the file as it lies there."""
        if self._validation is None:
            return True
        try:
            text = self._files.config.read_bytes().decode(errors="replace")
        except OSError as error:
            raise ProxyError(f"{self._files.config} cannot be read: {error.strerror}") from error
        checked = await self._validation.check(self._files.config, text)
        if checked.alerts:
            _log.error("HAProxy refuses %s and is not reloaded: %s", self._files.config, checked.words)
        return not checked.alerts

    async def _written(self, snapshot: Snapshot, text: Text) -> bool | None:
        """True: written; False: nothing to write; None: refused."""
        if not self._files.differs(text):
            _log.debug("nothing differs from %s", self._files.config)
            return False
        if not self._files.config.exists():
            _log.warning("%s is not there yet", self._files.config)
        self._log_difference(text)
        with self._files.candidate(text) as candidate:
            if self._validation is None:
                self._files.take(text, candidate)
                return True
            checked = await self._validation.check(candidate.config, candidate.checked_text)
            if not checked.alerts:
                self._files.take(text, candidate)
                return True
            refused = self._files.rejected.absolute()
            _log.error("HAProxy refuses the configuration, see %s: %s", refused, checked.words)
            self._files.reject(candidate)
        cleaned = await self._cleanup.clean(snapshot, text, checked) if self._cleanup else None
        if cleaned is None:
            _log.error("nothing is written, %s stays as it is", self._files.config)
            return None
        return self._take(cleaned)

    def _take(self, text: Text) -> bool:
        """A text that HAProxy has taken already."""
        if not self._files.differs(text):
            return False
        with self._files.candidate(text) as candidate:
            self._files.take(text, candidate)
        return True

    def _tell(self, problems: tuple[Problem, ...]) -> None:
        """Each problem when it comes up, and not again while it stays."""
        now = frozenset(problems)
        for problem in sorted(now - self._told):
            _log.warning("%s: %s: %s", problem.app_id, problem.subject, problem.message)
        self._told = now

    def _log_difference(self, text: Text) -> None:
        """Like the one before, but without what is secret in it; only where somebody asked for so much."""
        if text.maps or not _log.isEnabledFor(logging.DEBUG):
            return
        before = self._files.config.read_text(errors="replace") if self._files.config.exists() else ""
        lines = difflib.unified_diff(before.splitlines(), text.config.splitlines(), "before", "after", lineterm="")
        _log.debug("the configuration changes:\n%s", "\n".join(_PASSWORD.sub(r"\1(hidden)", line) for line in lines))

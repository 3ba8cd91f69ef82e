"""The certificates to serve: read from where the operator's settings say, looked at again every second.

What is new is checked before it takes the place of what is good. A file that is broken, half written or gone is a
Problem, and the certificate that was last read from it goes on serving, also after a restart.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import anyio
from anyio import to_thread

from milepost.errors import ProxyError
from milepost.model.problem import Problem
from milepost.proxies.haproxy.certificate import Certificate, CertificateList
from milepost.proxies.haproxy.certificate_check import CertificateCheck
from milepost.proxies.haproxy.certificate_files import (
    LIST,
    Found,
    Stamp,
    look_at,
    look_at_file,
    read_certificate,
    read_copies,
    read_copy,
)

_INTERVAL_S = 1.0


class Keyring:
    """Watches `places`, files or directories; `folder` holds the copies that HAProxy reads. See also `watch`."""

    def __init__(self, places: Sequence[Path], folder: Path, check: CertificateCheck) -> None:
        self._places, self._folder, self._check = tuple(places), folder, check
        self._apps: Mapping[Path, str] = {}
        self._found: tuple[Found, ...] | None = None
        self._stamps: dict[Path, Stamp] = {}
        self._good: dict[Path, dict[Path, Certificate]] = {place: {} for place in places}
        self._broken: dict[Path, str] = {}  # a file or a place, and what is wrong with it
        self.listed = CertificateList(str(folder / LIST), ())
        self.problems: tuple[Problem, ...] = ()

    def watch(self, apps: Mapping[Path, str]) -> None:
        """Look after these files in place of all others; each is named by that app.

        What a milepost before has left of them serves at once, and what is new is read at the next look.
        """
        if apps == self._apps:
            return
        self._apps, self._places, self._found = apps, tuple(apps), None
        for place in apps:
            if place not in self._good:
                copy = read_copy(place, place, self._folder)
                self._good[place] = {} if copy is None else {place: copy}
        self._broken = {path: words for path, words in self._broken.items() if path in apps}
        self._list()

    async def look(self) -> bool:
        """Read what has changed; whether that made a difference."""
        look = look_at_file if self._apps else look_at
        found = tuple([await to_thread.run_sync(look, place) for place in self._places])
        if found == self._found:
            return False
        is_known = await self._read(found)
        before = (self.listed, self.problems)
        self._list()
        self._found = found if is_known else None
        return before != (self.listed, self.problems)

    async def run(self, wake: Callable[[str], None]) -> None:
        """Look again and again until cancelled; `wake` when something came of it."""
        while True:
            await anyio.sleep(_INTERVAL_S)
            if await self.look():
                wake("certificates have changed")

    def _list(self) -> None:
        every = tuple(one for place in self._places for one in self._good[place].values())
        if every != self.listed.certificates:
            self.listed = CertificateList(self.listed.path, every)
        self.problems = tuple(
            _problem(path, words, self._apps.get(path, "")) for path, words in sorted(self._broken.items())
        )

    async def _read(self, found: Sequence[Found]) -> bool:
        """Take what is new and good; False where it could not be checked, and is to be read once more."""
        new, broken = await to_thread.run_sync(self._read_new, found)
        try:
            refused = await self._check.refused(list(new.values()))
            unchecked: set[Path] = set()
        except ProxyError as error:
            refused = {one.path: f"cannot be checked: {error}" for one in new.values()}
            unchecked = set(new)
        broken |= {file: refused[one.path] for file, one in new.items() if one.path in refused}
        stamps = {file: stamp for one in found for file, stamp in one.files if file not in unchecked}
        unchanged = {file for file, stamp in stamps.items() if self._stamps.get(file) == stamp}
        self._broken = {**{file: words for file, words in self._broken.items() if file in unchanged}, **broken}
        self._stamps = stamps
        good = {file: one for file, one in new.items() if file not in broken}
        for one in found:
            self._good[one.place] = await to_thread.run_sync(self._good_of, one, good)
        return not unchecked

    def _read_new(self, found: Sequence[Found]) -> tuple[dict[Path, Certificate], dict[Path, str]]:
        """What files hold that are other than before, and what is wrong with places and files."""
        new: dict[Path, Certificate] = {}
        broken = {one.place: one.error for one in found if one.error}
        for one in found:
            for file, stamp in one.files:
                if self._stamps.get(file) == stamp:
                    continue
                try:
                    new[file] = read_certificate(one.place, file, self._folder)
                except ValueError as error:
                    broken[file] = str(error)
        return new, broken

    def _good_of(self, found: Found, new: dict[Path, Certificate]) -> dict[Path, Certificate]:
        """The certificates of one place, in order: new ones, else those of before, else those of a run before."""
        before = self._good[found.place]
        if found.error:
            return before or {Path(one.path): one for one in read_copies(found.place, self._folder)}
        every = (
            (file, new.get(file) or before.get(file) or read_copy(found.place, file, self._folder))
            for file, _ in found.files
        )
        return {file: one for file, one in every if one is not None}


def _problem(path: Path, words: str, app_id: str) -> Problem:
    message = f"certificate: {words}; what was last read from there, if anything, goes on serving"
    return Problem(app_id, str(path), f"{message}, else nothing listens at the app's port" if app_id else message)

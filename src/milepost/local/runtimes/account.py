"""The user as whom a task runs."""

import os
import pwd
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from milepost.local.runtimes.program import NotRunnable


@dataclass(frozen=True, slots=True)
class Account:
    """Numbers of a user, its group and its other groups; None stands for those that we have ourselves."""

    uid: int | None = None
    gid: int | None = None
    groups: Sequence[int] | None = None

    def own(self, folder: Path) -> None:
        """Make a folder and all that is in it the user's own."""
        if self.uid is not None and self.gid is not None:
            for path in (folder, *folder.rglob("*")):
                os.chown(path, self.uid, self.gid, follow_symlinks=False)


OURS = Account()


def account(user: str) -> Account:
    """The account of an app's `user`; "" is ours. Raises NotRunnable where there is none, or we may not be it."""
    if not user:
        return OURS
    try:
        found = pwd.getpwnam(user)
    except KeyError:
        raise NotRunnable(f"user {user} does not exist on this machine") from None
    us = os.geteuid()
    if found.pw_uid == us:
        return OURS
    if us:
        raise NotRunnable(
            f"user {user} is another one than the scheduler's: only a scheduler of root can run its tasks"
        )
    return Account(found.pw_uid, found.pw_gid, os.getgrouplist(user, found.pw_gid))

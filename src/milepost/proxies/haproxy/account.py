"""Whom HAProxy's worker runs as, once it has bound its ports: it must reach the sockets that milepost has for it."""

import grp
import os
import pwd
from dataclasses import dataclass
from pathlib import Path

from milepost.errors import SettingsError

_SEARCH = 0o100  # of a folder, for its owner; three bits further for the group, six for others


@dataclass(frozen=True, slots=True)
class Account:
    """`user` and `group` by name, both "" where HAProxy stays who started it; `uid` is the worker's in any case."""

    user: str
    group: str
    uid: int


def account_of(user: str, group: str, *, is_own: bool) -> Account:
    """`user` "" leaves everything as it is, `group` "" means the user's own: HAProxy itself would keep root's.

    With `is_own` HAProxy starts with our rights. Raises SettingsError where it cannot become that user.
    """
    if not user:
        if group:
            raise SettingsError(f"haproxy.group: {group} needs a haproxy.user too")
        return Account("", "", os.geteuid())
    if is_own and os.geteuid():
        raise SettingsError(f"haproxy.user: only root can start a HAProxy that becomes {user}; milepost is not root")
    try:
        found = pwd.getpwnam(user)
        return Account(user, group or grp.getgrgid(found.pw_gid).gr_name, found.pw_uid)
    except KeyError:
        raise SettingsError(f"haproxy.user: there is no user {user!r} with a group on this machine") from None


def require_way(folder: Path, account: Account) -> None:
    """Raises SettingsError where a HAProxy of that account cannot reach what lies in `folder`."""
    if not account.user or not account.uid:
        return
    groups = os.getgrouplist(account.user, grp.getgrnam(account.group).gr_gid)
    for one in (folder, *folder.parents):
        seen = one.stat()
        bit = _SEARCH if seen.st_uid == account.uid else _SEARCH >> 3 if seen.st_gid in groups else _SEARCH >> 6
        if not seen.st_mode & bit:
            raise SettingsError(
                f"haproxy.user: {account.user} may not enter {one}, under which HAProxy reaches milepost's sockets: "
                f"chmod o+x {one}"
            )

"""The settings of one Marathon: a part of the table in values.py."""

from dataclasses import dataclass
from pathlib import Path

from milepost.settings.field import setting
from milepost.settings.kinds import (
    FILE,
    FLAG,
    SECONDS,
    SECRET,
    SECRET_TEXT,
    SOURCE_NAME,
    TEXT,
    URLS,
    or_none,
)


@dataclass(frozen=True, slots=True)
class MarathonCluster:
    """One Marathon cluster, reached at any of its URLs. The files with secrets are read at load, into `user`,
    `password` and `dcos_credentials`.
    """

    name: str = setting(
        "",
        SOURCE_NAME,
        "A name, needed where there are several: the apps of a cluster with a name are known as `NAME:/ID`. "
        "One of several may do without.",
    )
    urls: tuple[str, ...] = setting(
        (), URLS, "The endpoints of one Marathon cluster; the next is tried when one fails.", option="--marathon"
    )
    user: str = setting("", TEXT, "User for HTTP basic authentication.")
    password: str = setting(
        "",
        SECRET,
        "Its password. Better in `password_file`: as an option every user of the machine can see it.",
        secret=True,
    )
    password_file: Path | None = setting(None, or_none(FILE), "File that holds the password, read at start.")
    credentials_file: Path | None = setting(
        None,
        or_none(FILE),
        "File whose first line is `user:password`, in place of these three. The password may have colons; "
        "an empty line means no credentials.",
    )
    dcos_credentials: str = setting(
        "",
        SECRET_TEXT,
        "A DC/OS service account: the JSON text with `uid`, `private_key` and `login_endpoint`. Better in a file.",
        secret=True,
    )
    dcos_credentials_file: Path | None = setting(None, or_none(FILE), "File that holds it, read at start.")
    ca_file: Path | None = setting(
        None, or_none(FILE), "Certificates (PEM) to trust instead of the system's, for https URLs."
    )
    tls_verify: bool = setting(
        True, FLAG, "Whether the certificate of an https URL, and of the DC/OS login, is checked. Without, it is told."
    )
    read_interval_s: float = setting(
        60.0, SECONDS, "How often all apps are read in full, besides the reads that events cause."
    )
    pods: bool = setting(
        True, FLAG, "Whether pods are read too, as apps, from a Marathon that has them ([pods](operations.md#pods))."
    )

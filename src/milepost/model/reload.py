"""Why a proxy had to be reloaded, as one of a few kinds: for counts, where the reason's own words would be endless."""

from enum import StrEnum


class ReloadKind(StrEnum):
    """START: nothing ran. FOREIGN: what ran was not milepost's. OTHER_RUN: it was of a milepost before, known by its
    digest alone. APP: what an app asks for. SHARED: what all apps share. SERVER: a server that cannot change live.
    CERTIFICATE: one that cannot. ASKED: somebody asked for one.
    """

    START = "start"
    FOREIGN = "foreign"
    OTHER_RUN = "other_run"
    APP = "app"
    SHARED = "shared"
    SERVER = "server"
    CERTIFICATE = "certificate"
    ASKED = "asked"

"""Services that no scheduler knows: each entry of `[[sources.static]]` in the settings file."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from milepost.settings.field import setting
from milepost.settings.kinds import APP_ID, LABELS, SERVER_ADDRESSES, SERVICE_PORT, Listen, or_none


@dataclass(frozen=True, slots=True)
class StaticApp:
    """One such service, with the members of an app as far as it needs any. `id` is as written, `/db` or `db`."""

    id: str = setting("", APP_ID, "Its id; milepost knows the service as `static:/ID`. Must be given, and only once.")
    addresses: tuple[Listen, ...] = setting(
        (),
        SERVER_ADDRESSES,
        "Where it answers. A name is looked up once a minute, and its last good address serves while it has none.",
    )
    port: int | None = setting(
        None,
        or_none(SERVICE_PORT),
        "Its service port, as Marathon gives one to an app; the label HAPROXY_0_PORT replaces it.",
        shown="one of `routing.assign_ports`",
    )
    labels: Mapping[str, str] = field(
        default_factory=dict,
        metadata={
            "kind": LABELS,
            "help": "The labels of an app ([labels](labels.md)), HAPROXY_GROUP among them; the index of its port is 0.",
            "option": "",
            "shown": "none",
        },
    )

"""How an app's id tells whose app it is where there are several sources."""


def prefix_of(app_id: str) -> str:
    """`east:` of `east:/web`; "" of `/web`, an app of the one source that has no name.

    The scheduler's own ids hold no colon (marathon-api.md 5.1), so that no two sources have an id in common.
    """
    name, colon, _ = app_id.partition(":/")
    return name + ":" if colon else ""


def known_id(text: str) -> str:
    """The id that somebody means who may have left out a slash: `/web` for `web`, `east:/web` for `east:web`."""
    name, colon, rest = text.rpartition(":")
    return f"{name}{colon}/{rest.strip('/')}"

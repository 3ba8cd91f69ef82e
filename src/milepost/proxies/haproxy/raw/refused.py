"""Why a text that an app's owner wrote does not go into the configuration."""


class Refused(ValueError):
    """The text is not taken; the message says which part of it and why."""

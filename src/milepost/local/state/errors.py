"""What can go wrong with the state."""

from milepost.errors import MilepostError


class StateError(MilepostError):
    """The database cannot be read or written. The message names the file, and says what is so now."""

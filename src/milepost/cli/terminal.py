"""Text for people on a terminal of any width."""

import shutil
import textwrap
from typing import TextIO


def wrapped(text: str, stream: TextIO, indent: int) -> str:
    """On a terminal broken between words, with what follows the first line indented; elsewhere as it is.

    The first line is taken to begin at `indent` already.
    """
    if not stream.isatty():
        return text
    width = max(40, shutil.get_terminal_size().columns) - indent
    lines = textwrap.wrap(text, width, break_long_words=False, break_on_hyphens=False)
    return ("\n" + " " * indent).join(lines)

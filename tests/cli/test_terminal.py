"""Long texts are broken between words on a terminal, and left alone for programs."""

import io

import pytest

from milepost.cli.console import counted
from milepost.cli.terminal import wrapped

TEXT = "no milepost answers at http://127.0.0.1:9095: --web-listen says where it runs"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_what_is_piped_on_stays_one_line() -> None:
    assert wrapped(TEXT * 5, io.StringIO(), indent=10) == TEXT * 5


def test_on_a_terminal_lines_end_between_words_and_line_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "50")
    first, *others = wrapped(TEXT, Terminal(), indent=10).split("\n")
    assert first == "no milepost answers at"
    assert all(line.startswith(" " * 10) and len(line) <= 50 for line in others)
    assert " ".join([first, *map(str.strip, others)]) == TEXT


def test_what_has_no_blank_is_never_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "50")
    path = "/a-very-long/path" * 9
    assert wrapped(path, Terminal(), indent=10) == path


@pytest.mark.parametrize(("number", "text"), [(0, "0 servers"), (1, "1 server"), (2, "2 servers")])
def test_numbers_and_nouns_agree(number: int, text: str) -> None:
    assert counted(number, "server") == text

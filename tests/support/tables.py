"""The tables of a Markdown page."""

from pathlib import Path

Row = dict[str, str]


def tables(page: Path) -> dict[str, list[Row]]:
    """Each heading's table: a row gives the cell of each column, without spaces and backticks around it."""
    found: dict[str, list[Row]] = {}
    heading, columns = "", list[str]()
    for line in page.read_text().splitlines():
        if line.startswith("#"):
            heading, columns = line.lstrip("# "), []
        elif line.startswith("|"):
            cells = [_plain(cell) for cell in line.strip("|").split(" |")]
            if not columns:
                columns = cells
            elif not set(line) <= set("|-"):
                found.setdefault(heading, []).append(dict(zip(columns, cells, strict=True)))
    return found


def _plain(cell: str) -> str:
    text = cell.strip()
    is_code = len(text) > 1 and text[0] == text[-1] == "`" and "`" not in text[1:-1]
    return text[1:-1] if is_code else text

"""Medians and spreads, as a table for people and as JSON for programs."""

import json
import statistics
from collections.abc import Sequence


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least `share` (0..1) of the values do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, -(-int(share * len(ordered) * 1000) // 1000) - 1))]


def spread(values: Sequence[float]) -> dict[str, float]:
    """Median, 99th percentile and maximum, in milliseconds of values in seconds."""
    return {
        "median_ms": round(statistics.median(values) * 1000, 3),
        "p99_ms": round(percentile(values, 0.99) * 1000, 3),
        "max_ms": round(max(values) * 1000, 3),
    }


def table(rows: Sequence[dict[str, object]]) -> str:
    """Aligned columns under the keys of the first row."""
    heads = list(rows[0])
    cells = [heads, *([str(row[head]) for head in heads] for row in rows)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(heads))]
    return "\n".join("  ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True)) for line in cells)


def shown(rows: Sequence[dict[str, object]], *, as_json: bool) -> str:
    """The rows as JSON for programs, or as a table."""
    return json.dumps(rows, indent=2) if as_json else table(rows)


def noise_pct(values: Sequence[float]) -> float:
    """How far apart the middle half of measurements of one and the same thing is, in per cent of their median."""
    low, middle, high = statistics.quantiles(values, n=4) if len(values) > 1 else (values[0],) * 3
    return round(100 * (high - low) / middle, 1)

"""Data that lies beside the project, not in it: `$MILEPOST_SHARED`, then `../shared`."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SHARED = Path(os.environ.get("MILEPOST_SHARED") or ROOT.parent / "shared")

needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason="missing capability: shared test data")

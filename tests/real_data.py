"""Where the real data sets lie, or a visible reason why a test on them is skipped."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(os.environ.get("MMSKIN_REAL_DATA", Path(__file__).parents[2] / "shared" / "data"))


def real_data(name: str) -> Path:
    """The folder of a real data set; skips the test where it is absent."""
    folder = ROOT / name
    if not folder.is_dir():
        pytest.skip(f"real data absent: {folder} (set MMSKIN_REAL_DATA to the folder that holds {name})")
    return folder

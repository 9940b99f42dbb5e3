"""ISIC 2019: its two parts, and the archive that a lesion id tells."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from mmskin.data.table import Cases
from mmskin.data.tables.declaration import read_declaration
from mmskin.data.tables.engine import OFFICIAL_SPLIT, cases_of, parse_rows
from mmskin.data.tables.rows import read_rows


class Isic2019:
    """ISIC 2019 from the folder that holds its tables.

    Args:
        part: "train", to be divided into folds, or "test", to be predicted by a model that the other trained.
    """

    def __init__(self, *, part: Literal["train", "test"] = "train") -> None:
        self.declaration = read_declaration("isic2019", part, option="part")
        self.part = part

    def load(self, root: str | Path) -> Cases:
        """See `mmskin.data.tables.engine.read_cases`."""
        also = ["lesion_id"] if self.part == "train" else []
        rows = read_rows(self.declaration, root, also=also, made=["origin"])
        rows.cells["origin"] = rows.cells.lesion_id.str.split("_").str[0]
        rows.cells[OFFICIAL_SPLIT] = self.part
        return cases_of(self.declaration, rows, parse_rows(self.declaration, rows))

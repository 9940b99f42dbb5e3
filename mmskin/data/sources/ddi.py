"""DDI: benign and malignant, or the diseases that its file names, as classes."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from mmskin.data.table import Cases
from mmskin.data.tables.declaration import read_declaration
from mmskin.data.tables.engine import read_cases

OFFICIAL_ROWS = 656


class Ddi:
    """DDI from the folder that holds its table.

    Args:
        label: "malignant" tells benign from malignant, "disease" takes the names in the file as classes.
    """

    def __init__(self, *, label: Literal["malignant", "disease"] = "malignant") -> None:
        self.declaration = read_declaration("ddi", label, option="label")

    def load(self, root: str | Path) -> Cases:
        """See `mmskin.data.tables.engine.read_cases`."""
        cases = read_cases(self.declaration, root)
        if len(cases.table) != OFFICIAL_ROWS:
            remark = f"{len(cases.table)} photos, however the published table has {OFFICIAL_ROWS}: this is another one"
            cases = cases._replace(remarks=(*cases.remarks, remark))
        return cases

"""PAD-UFES-20: what its file says in two ways, told."""

from __future__ import annotations

from pathlib import Path

from mmskin.data.suspicions import shared_lesions
from mmskin.data.table import Cases
from mmskin.data.tables.declaration import read_declaration
from mmskin.data.tables.engine import cases_of, parse_rows
from mmskin.data.tables.rows import read_rows
from mmskin.errors import first_of


class PadUfes20:
    """PAD-UFES-20 from the folder in which it was unpacked.

    Args:
        images: folder of the photos under the root, searched with all its subfolders.
    """

    def __init__(self, *, images: str = "images") -> None:
        self.declaration = read_declaration("pad_ufes_20").changed(image_root=images)

    def load(self, root: str | Path) -> Cases:
        """See `mmskin.data.tables.engine.read_cases`."""
        rows = read_rows(self.declaration, root)
        remarks = rows.findings.remarks
        merged = sum(int((rows.cells[f"background_{parent}"] == "BRASIL").sum()) for parent in ("father", "mother"))
        if merged:
            remarks.append(f"background BRASIL read as Brazil in {merged} cells")
        shared = shared_lesions(rows.cells.patient_id, rows.cells.lesion_id)
        if shared:
            lesions = first_of([f"{lesion} ({' and '.join(of)})" for lesion, of in shared.items()], 3)
            remarks.append(f"{len(shared)} lesion ids stand under several patients, lesions go by both: {lesions}")
        return cases_of(self.declaration, rows, parse_rows(self.declaration, rows))

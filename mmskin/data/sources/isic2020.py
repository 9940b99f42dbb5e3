"""ISIC 2020: its label told twice, and its list of photos that stand twice."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mmskin.data.delimited import read_delimited, require_columns
from mmskin.data.table import Cases
from mmskin.data.tables.declaration import read_declaration
from mmskin.data.tables.engine import Values, cases_of, parse_rows
from mmskin.data.tables.photos import photo_stem
from mmskin.data.tables.rows import Rows, read_rows
from mmskin.data.union_find import UnionFind
from mmskin.errors import first_of

_DUPLICATES = "ISIC_2020_Training_Duplicates.csv"
_PAIR = ("image_name_1", "image_name_2")


class Isic2020:
    """ISIC 2020 from the folder that holds its table."""

    def __init__(self) -> None:
        self.declaration = read_declaration("isic2020")

    def load(self, root: str | Path) -> Cases:
        """Read the table under a folder, tie listed duplicates, and find the photos at any depth.

        Raises:
            DataError: file or columns missing, values not admissible, `target` and `benign_malignant` that differ, one
                image_name with two contents or two files.
        """
        rows = read_rows(self.declaration, root, also=["benign_malignant"])
        values = parse_rows(self.declaration, rows)
        _compare_labels(rows, values["target"])
        _tie_duplicates(rows, values)
        return cases_of(self.declaration, rows, values)


def _compare_labels(rows: Rows, targets: Sequence[str | None]) -> None:
    faults = [
        f"row {row}: target {rows.cells.target[row] or 'blank'}, benign_malignant {word or 'blank'}"
        for row, target, word in zip(rows.cells.index, targets, rows.cells.benign_malignant, strict=True)
        if (target or "") != word
    ]
    if faults:
        message = f"target and benign_malignant differ in {len(faults)} rows: {first_of(faults)}"
        rows.findings.problems.append(message)


def _tie_duplicates(rows: Rows, values: Values) -> None:
    """One lesion id for both photos of a listed pair."""
    path, findings = rows.folder / _DUPLICATES, rows.findings
    if not path.is_file():
        findings.remarks.append(f"no {path.name}: photos that stand twice may lie in two parts of a split")
        return
    raw = read_delimited(path)
    require_columns(raw.rows, _PAIR, path=path)
    place = {case: i for i, case in enumerate(values["case_id"])}
    listed = [[photo_stem(raw.rows[name][row].strip(), name) for name in _PAIR] for row in raw.rows.index]
    pairs = [(place[one], place[other]) for one, other in listed if one in place and other in place]
    patients, labels = (
        sum(values[name][one] != values[name][other] for one, other in pairs) for name in ("patient_id", "target")
    )
    message = f"{len(pairs)} pairs of photos count as one lesion each"
    findings.remarks += [
        *raw.remarks,
        f"{path.name}: {message}; patients differ in {patients} of them, labels in {labels}",
    ]
    if len(pairs) < len(listed):
        findings.remarks.append(f"{path.name}: {len(listed) - len(pairs)} pairs name a photo without a row: left out")
    lesions = values["lesion_id"]
    tied: UnionFind[str] = UnionFind()
    for one, other in pairs:
        tied.union(lesions[one], lesions[other])
    values["lesion_id"] = [tied.find(lesion) for lesion in lesions]

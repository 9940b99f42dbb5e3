"""SCIN: check boxes, differentials with weights, and photos that cases share, made into rows with one answer each."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal, get_args

import pandas as pd

from mmskin.data.table import Cases
from mmskin.data.tables.declaration import read_declaration
from mmskin.data.tables.engine import cases_of, parse_rows
from mmskin.data.tables.rows import Rows, read_rows
from mmskin.data.union_find import UnionFind
from mmskin.errors import ConfigError, first_of, one_of

OTHER = "Other"  # the class of rare diagnoses
Rare = Literal["group", "drop"]
Ties = Literal["first", "drop"]

_DIFFERENTIAL = "weighted_skin_condition_label"
_DIAGNOSIS, _GROUP = "diagnosis", "photo_sharers"  # columns made here
# Questions with check boxes, and the box of each that says "None of the above".
_QUESTIONS = {
    "textures_": None,
    "body_parts_": None,
    "condition_symptoms_": "condition_symptoms_no_relevant_experience",
    "other_symptoms_": "other_symptoms_no_relevant_symptoms",
}


class Scin:
    """SCIN from the folder that holds its two tables.

    Args:
        min_cases: a diagnosis needs as many labelled cases to be a class of its own. Counted over the whole data set:
            the classes are a declaration, the same for every split. 60 is a choice: 12 classes, some 12 test cases each
            in five folds.
        rare: "group" rare diagnoses into the class "Other", or "drop" their cases.
        ties: take the diagnosis written "first" among those of most weight, or "drop" such cases.
        unticked_is_no: read a blank box as "no" wherever another box of the same question is ticked.
    """

    def __init__(
        self, *, min_cases: int = 60, rare: Rare = "group", ties: Ties = "first", unticked_is_no: bool = False
    ) -> None:
        if min_cases < 1:
            raise ConfigError(f"min_cases must be 1 or more, however: min_cases={min_cases}")
        for what, value, choices in (("rare", rare, get_args(Rare)), ("ties", ties, get_args(Ties))):
            if value not in choices:
                raise ConfigError(one_of(what, value, choices))
        self.declaration = read_declaration("scin")
        self.min_cases = min_cases
        self.rare = rare
        self.ties = ties
        self.unticked_is_no = unticked_is_no

    def load(self, root: str | Path) -> Cases:
        """Read both tables under a folder, join them by case, and look for the photos.

        Raises:
            DataError: files or columns missing, cases in one table only or twice, cells outside their vocabulary,
                differentials that are none. With too high a `min_cases`, fewer than two classes.
        """
        none_boxes = [box for box in _QUESTIONS.values() if box]
        rows = read_rows(self.declaration, root, also=none_boxes, made=[_DIAGNOSIS, _GROUP])
        for prefix, none_box in _QUESTIONS.items():
            boxes = [name for name in self.declaration.fields if name.startswith(prefix)]
            self._answer(rows, boxes, none_box)
        photos = self.declaration.photo_columns
        rows.cells[_GROUP] = _sharers_of_photos(rows.cells, photos)
        for column in photos:  # nothing outside the folder is ever named
            rows.cells[column] = [Path(cell).name for cell in rows.cells[column]]
        differentials = _read_differentials(rows)
        rows.cells[_DIAGNOSIS], classes = self._diagnoses(rows, differentials)
        declaration = self.declaration.changed(classes=classes)
        cases = cases_of(declaration, rows, parse_rows(declaration, rows))
        return cases._replace(remarks=(*cases.remarks, *_remarks_on_groups(cases.table)))

    def _answer(self, rows: Rows, boxes: Sequence[str], none_box: str | None) -> None:
        """Check boxes of a question (YES or blank) as answers: yes, no, or blank for not recorded."""
        ticked = rows.cells[[*boxes, *([none_box] if none_box else [])]]
        for box in ticked:
            for row, cell in ticked[box].items():
                if cell not in ("", "YES"):
                    rows.findings.problems.append(f"row {row}, column {box!r}: {one_of('value', cell, ['YES'])}")
        if self.unticked_is_no:
            says_no = (ticked == "YES").any(axis=1)
        else:
            says_no = ticked[none_box] == "YES" if none_box else pd.Series(False, index=ticked.index)
        for box in boxes:
            rows.cells[box] = ticked[box].where(ticked[box] != "YES", "yes").mask((ticked[box] == "") & says_no, "no")

    def _diagnoses(self, rows: Rows, differentials: Sequence[Mapping[str, float]]) -> tuple[list[str], tuple[str, ...]]:
        """The class of every case, blank without one; and the classes by falling count, with "Other" last."""
        tops = [self._top(differential) for differential in differentials]
        counts = Counter(filter(None, tops))
        frequent = sorted((n for n, k in counts.items() if k >= self.min_cases), key=lambda n: (-counts[n], n))
        rare = {name: count for name, count in counts.items() if name not in frequent}
        grouped = bool(rare) and self.rare == "group"
        if len(frequent) < 2:
            rows.findings.problems.append(
                f"min_cases={self.min_cases} leaves {len(frequent)} classes; counts: {counts.most_common(5)}"
            )
        if OTHER in counts:
            rows.findings.problems.append(f"a diagnosis is called {OTHER!r}, which is the name for rare ones here")
        tied = tops.count("") - sum(not differential for differential in differentials)
        if tied:
            rows.findings.remarks.append(f"{tied} cases with a tie for the first diagnosis have no label (ties: drop)")
        if rare:
            fate = f"are the class {OTHER!r}" if grouped else "have no label"
            remark = f"{sum(rare.values())} cases of {len(rare)} diagnoses with < {self.min_cases} cases {fate}"
            rows.findings.remarks.append(remark)
        labels = [(OTHER if grouped else "") if top in rare else top for top in tops]
        return labels, (*frequent, OTHER) if grouped else tuple(frequent)

    def _top(self, differential: Mapping[str, float]) -> str:
        """The diagnosis of most weight; blank without label, or with a tie that is to be dropped."""
        if not differential:
            return ""
        most = max(differential.values())
        tied = [name for name, weight in differential.items() if weight == most]
        return "" if len(tied) > 1 and self.ties == "drop" else tied[0]


def _read_differentials(rows: Rows) -> list[dict[str, float]]:
    """From Python's way of writing a dict, which is not JSON, without running anything."""
    differentials: list[dict[str, float]] = []
    for row, cell in rows.cells[_DIFFERENTIAL].items():
        try:
            value = ast.literal_eval(cell)
            if not isinstance(value, dict) or not all(
                isinstance(name, str) and isinstance(weight, float) for name, weight in value.items()
            ):
                raise ValueError("must be a dict of diagnosis → weight")
            differentials.append(value)
        except (ValueError, SyntaxError) as error:
            rows.findings.problems.append(f"row {row}, column {_DIFFERENTIAL!r}: {cell[:60]!r}: {error}")
            differentials.append({})
    return differentials


def _sharers_of_photos(cells: pd.DataFrame, photos: Sequence[str]) -> list[str]:
    """For each case the one that stands for all that are linked to it, directly or through others, by a photo."""
    sharers: UnionFind[str] = UnionFind()
    first: dict[str, str] = {}
    for case, *paths in cells[["case_id", *photos]].itertuples(index=False):
        for path in filter(None, paths):
            sharers.union(first.setdefault(path, case), case)
    return [sharers.find(case) for case in cells.case_id]


def _remarks_on_groups(table: pd.DataFrame) -> list[str]:
    shared = table[table.patient_id.duplicated(keep=False)].groupby("patient_id").target
    remarks = ["no patient ids: cases that share a photo count as one patient, every other case as its own"]
    if shared.ngroups:
        differing = [str(patient) for patient, targets in shared if targets.nunique() > 1]
        named = f", {len(differing)} with different labels: {first_of(differing)}" if differing else ""
        remarks.append(f"{shared.ngroups} groups of cases with the same photo, kept{named}")
    return remarks

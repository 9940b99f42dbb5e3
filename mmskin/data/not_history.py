"""Columns that no patient says although they could be read as fields: bookkeeping, and what follows the diagnosis."""

from __future__ import annotations

import re
from collections.abc import Sequence

from mmskin.data.column_names import plain_name
from mmskin.data.suspicions import gives_label

_NAMES = re.compile(
    r"^(unnamed.*|index|row|row_?(no|nr|number)|file_?name|path|date.*|.*_date|datum|timestamp|attribution|"
    r"copyright.*|licen[cs]e)$"
)
_AFTERWARDS = re.compile(
    r"biops|histo_?(log|path)|patholog|befund|excis|exzis|confirm|breslow|invasion|mitotic|melanocytic|dx_type|"
    r"treatment|therap|behandlung|management|follow_?up|nachsorge"
)
_DATE = re.compile(r"^(\d{4}[-./]\d{1,2}[-./]\d{1,2}|\d{1,2}[-./]\d{1,2}[-./]\d{2,4})([T ].*)?$")
_MOSTLY = 0.8  # of a column


def bookkeeping(name: str, cells: Sequence[str]) -> str:
    """Why a column seems to be a table's own and not the patient's, "" if it does not.

    Args:
        name: of the column.
        cells: stripped, blank ones too.
    """
    if _NAMES.search(plain_name(name)):
        return "bookkeeping, by its name"
    filled = [cell for cell in cells if cell]
    if sum(bool(_DATE.match(cell)) for cell in filled) > _MOSTLY * len(filled):
        return "dates"
    if len(cells) > 2 and cells[0] in ("0", "1") and list(cells) == _counted(cells):
        return "row numbers"
    return ""


def after_the_diagnosis(name: str, cells: Sequence[str], labels: Sequence[str | None]) -> str:
    """Why a column seems to follow from the diagnosis, by its name or by its cells, "" if it does not.

    Args:
        name: of the column.
        cells: stripped; blank ones are not looked at.
        labels: a row each; None where it is not known.
    """
    if _AFTERWARDS.search(plain_name(name)):
        return "named like what follows the diagnosis"
    pairs = [(cell, label) for cell, label in zip(cells, labels, strict=True) if cell and label]
    values, classes = [cell for cell, _ in pairs], [label for _, label in pairs]
    several = min(len({*values}), len({*classes})) > 1
    if several and len({*pairs}) == len({*classes}) and len({*values}) <= len(pairs) / 5:
        return "every class has one value: the label in other words"
    return "it gives the label alone" if gives_label(values, classes) else ""


def _counted(cells: Sequence[str]) -> list[str]:
    return [str(int(cells[0]) + place) for place in range(len(cells))]

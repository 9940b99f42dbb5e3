"""Columns that no patient says although they could be read as fields: bookkeeping, and the label in other words."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from mmskin.data.suspicions import accuracy_alone

_NAMES = re.compile(
    r"^(unnamed.*|index|row|row_?(no|nr|number)|file_?name|path|date.*|.*_date|datum|timestamp|attribution|"
    r"copyright.*|licen[cs]e)$"
)
_DATE = re.compile(r"^(\d{4}[-./]\d{1,2}[-./]\d{1,2}|\d{1,2}[-./]\d{1,2}[-./]\d{2,4})([T ].*)?$")
_MOSTLY = 0.8  # of a column
_NEARLY_ALL = 0.99  # of the labels


def plain_name(name: str) -> str:
    """
    >>> plain_name("Patienten-ID")
    'patienten_id'
    """
    return re.sub(r"[\W_]+", "_", name.casefold()).strip("_")


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


def label_in_other_words(cells: Sequence[str], labels: Sequence[str | None]) -> str:
    """Why a column seems to follow from the label, "" if it does not.

    Args:
        cells: stripped; blank ones are not looked at.
        labels: a row each; None where it is not known.
    """
    pairs = [(cell, label) for cell, label in zip(cells, labels, strict=True) if cell and label]
    values, classes = Counter(cell for cell, _ in pairs), {label for _, label in pairs}
    if len(values) < 2 or len(classes) < 2 or len(values) > len(pairs) / 5:
        return ""
    if len(set(pairs)) == len(classes):
        return "every class has one value: the label in other words"
    if accuracy_alone([cell for cell, _ in pairs], [label for _, label in pairs]) > _NEARLY_ALL:
        return "it gives the label alone"
    return ""


def _counted(cells: Sequence[str]) -> list[str]:
    return [str(int(cells[0]) + place) for place in range(len(cells))]

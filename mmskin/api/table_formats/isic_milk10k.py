"""A submission to the MILK10k challenge of ISIC: lesion_id and the eleven classes, a row a lesion.

The columns are those of MILK10k_Training_GroundTruth.csv (challenge.isic-archive.com/landing/milk10k).
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import pandas as pd

from mmskin.api.table_formats.format_contract import TableFormat
from mmskin.errors import UserError, first_of
from mmskin.schema import Schema

NAME = "isic-milk10k"
LESION = "lesion_id"
CLASSES = ("AKIEC", "BCC", "BEN_OTH", "BKL", "DF", "INF", "MAL_OTH", "MEL", "NV", "SCCKA", "VASC")
LESION_ID = re.compile(r"IL_\d{7}", re.ASCII)


def check(schema: Schema, case_ids: Sequence[str]) -> None:
    """Refuse other classes than the eleven, ids that are no lesion ids of ISIC, and ids that are there twice."""
    faults = [
        f"{what} {first_of(names, len(CLASSES))}"
        for what, names in (
            ("lacks", [name for name in CLASSES if name not in schema.classes]),
            ("has besides", [name for name in schema.classes if name not in CLASSES]),
        )
        if names
    ]
    if faults:
        raise UserError(
            f"--format {NAME} needs a model of the eleven classes {', '.join(CLASSES)}, however: this one "
            f"{' and '.join(faults)}; train one on milk10k with all its classes"
        )
    if odd := [case for case in case_ids if not LESION_ID.fullmatch(case)]:
        raise UserError(
            f"--format {NAME}: a {LESION} is IL_ and seven digits, such as IL_0000652, however: {first_of(odd)}; give "
            "the metadata table of MILK10k as published"
        )
    if twice := list(dict.fromkeys(pd.Series(case_ids)[pd.Series(case_ids).duplicated()])):
        raise UserError(f"--format {NAME} has one row a lesion, however twice: {first_of(twice)}; keep one of each")


def to_write(answers: pd.DataFrame) -> pd.DataFrame:
    """The official columns in their order, probabilities in [0, 1] that sum to 1.

    Raises:
        UserError: lesions that have no answer.
    """
    probs = answers[[f"prob_{name}" for name in CLASSES]].set_axis(list(CLASSES), axis=1)
    if unanswered := answers["case_id"][probs.isna().any(axis=1)].tolist():
        raise UserError(
            f"--format {NAME} needs an answer for every lesion, however {len(unanswered)} have nothing that the model "
            f"reads: {first_of(unanswered)}; put their photos beside the table"
        )
    probs.insert(0, LESION, answers["case_id"])
    return probs


ISIC_MILK10K = TableFormat(check, to_write, (".csv",))

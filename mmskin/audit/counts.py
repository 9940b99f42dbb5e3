"""How many cases and patients there are: of every class, of every subgroup, and with every field recorded.

Every table has plain cells, so that `to_json(orient="records")` writes it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mmskin.evaluation.subgroups import MIN_CASES, NOT_RECORDED, TOO_FEW
from mmskin.schema import Schema

MIN_PATIENTS = 10  # photos of one patient are no independent cases: 30 photos of three people say little
RULE = f"{TOO_FEW}: fewer than {MIN_CASES} cases or fewer than {MIN_PATIENTS} patients"


def suffice(patient_ids: pd.Series) -> bool:
    """Whether the cases of these patients, one entry a case, are enough to say something; `RULE` in words."""
    return len(patient_ids) >= MIN_CASES and patient_ids.nunique() >= MIN_PATIENTS


def recorded(table: pd.DataFrame, name: str) -> NDArray[np.bool_]:
    """Which rows hold something in a column: (rows,). "unknown" is an answer; a case without photos holds none."""
    if name == "images":
        return np.array([bool(images) for images in table.images], dtype=bool)
    return table[name].notna().to_numpy(dtype=bool)


def count_classes(table: pd.DataFrame, schema: Schema) -> pd.DataFrame:
    """One row per class, those without a case too: class, n, patients, lesions, note (empty, or `TOO_FEW`)."""
    rows = []
    for name in schema.classes:
        cases = table[table.target == name]
        rows.append((name, len(cases), cases.patient_id.nunique(), cases.lesion_id.nunique(), _note(cases)))
    return pd.DataFrame(rows, columns=["class", "n", "patients", "lesions", "note"])


def subgroup_columns(table: pd.DataFrame, schema: Schema) -> list[str]:
    """Columns whose values are subgroups: those that the schema names, then categorical fields such as the site."""
    categorical = [field.name for field in schema.fields if field.kind == "categorical"]
    return [name for name in dict.fromkeys([*schema.subgroups, *categorical]) if name in table.columns]


def count_subgroups(table: pd.DataFrame, schema: Schema) -> pd.DataFrame:
    """Cases by subgroup and class.

    A choice that is declared and never met has its rows too: nobody of that skin type is a finding.

    Returns:
        column, value, class ("" for all), n, patients, note (empty, or `TOO_FEW`). Labelled cases only; those whose
        subgroup is not known count under "not recorded".
    """
    labelled = table[table.target.notna()]
    rows = []
    for column in subgroup_columns(table, schema):
        values = labelled[column].astype(object).where(recorded(labelled, column), NOT_RECORDED).astype(str)
        for value in _values(column, values, schema):
            subgroup = labelled[values == value]
            for name in ("", *schema.classes):
                cases = subgroup[subgroup.target == name] if name else subgroup
                rows.append((column, value, name, len(cases), cases.patient_id.nunique(), _note(cases)))
    return pd.DataFrame(rows, columns=["column", "value", "class", "n", "patients", "note"])


def _values(column: str, values: pd.Series, schema: Schema) -> Sequence[str]:
    """Declared choices in their order, then whatever else was met, "not recorded" last."""
    declared = next((field.choices for field in schema.fields if field.name == column), ())
    others = sorted(
        set(values) - {*declared, NOT_RECORDED}, key=lambda value: value.lstrip("<")
    )  # "<40" before "40-59"
    return [*declared, *others, *([NOT_RECORDED] if NOT_RECORDED in set(values) else [])]


def map_recorded(table: pd.DataFrame, schema: Schema) -> pd.DataFrame:
    """How often each field is recorded, by class: where the shares of a row differ, the blanks tell the class.

    Returns:
        field (the declared ones, then "text" and "images"), class ("" for all), recorded (cases), n, share of the
        labelled cases (NaN for a class without a case).
    """
    labelled = table[table.target.notna()]
    target = labelled.target.to_numpy(dtype=object)
    rows = []
    for field in (*schema.field_names, "text", "images"):
        is_recorded = recorded(labelled, field)
        for name in ("", *schema.classes):
            of_class = is_recorded[target == name] if name else is_recorded
            share = float(of_class.mean()) if len(of_class) else float("nan")
            rows.append((field, name, int(of_class.sum()), len(of_class), share))
    return pd.DataFrame(rows, columns=["field", "class", "recorded", "n", "share"])


def _note(cases: pd.DataFrame) -> str:
    return "" if suffice(cases.patient_id) else TOO_FEW

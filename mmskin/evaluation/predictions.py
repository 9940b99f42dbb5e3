"""The predictions table: what every arm leaves behind, and all that evaluation reads.

One row per case, arm, fold and seed:

    case_id, patient_id: str. A case has one patient and one target wherever it stands.
    fold, seed: int. Folds are different models of one arm; seeds repeat the whole arm.
    arm: str, the name of what is compared.
    split: "val" or "test". Validation rows calibrate; only test rows are reported.
    target: class name.
    prob_<class>: float64 in [0, 1], one column per class in the order of the schema; a row sums to 1. They come from
        logarithms, unclipped, so that cases whose logits differ differ here too, as far as float64 goes: from 1e-308 to
        1 - 1e-16.
    group_<name>: str or None (not known), one column per subgroup, such as group_sex or group_fully_recorded.

A table of the same cases with parts missing has three more, see `missing_curves`, and one with corrupted photos, see
`robustness`; a row stands once in each scenario.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mmskin.errors import DataError, LeakError, first_of

COLUMNS = ("case_id", "patient_id", "fold", "seed", "arm", "split", "target")
SPLITS = ("val", "test")
PROB = "prob_"
GROUP = "group_"
SUM_TOLERANCE = 1e-4  # float32 softmax, written and read back, stays below 1e-6; half precision does not, and shows


def class_names(table: pd.DataFrame) -> tuple[str, ...]:
    """The classes, in the order of the prob_ columns."""
    return tuple(str(column).removeprefix(PROB) for column in table.columns if str(column).startswith(PROB))


def group_names(table: pd.DataFrame) -> tuple[str, ...]:
    """The subgroups, without their prefix, in the order of the columns."""
    return tuple(str(column).removeprefix(GROUP) for column in table.columns if str(column).startswith(GROUP))


def arm_names(table: pd.DataFrame) -> tuple[str, ...]:
    """The arms, in the order in which they first appear."""
    return tuple(str(arm) for arm in table["arm"].drop_duplicates())


def probabilities(table: pd.DataFrame) -> NDArray[np.float64]:
    """(N, C), float64."""
    return table[[PROB + name for name in class_names(table)]].to_numpy(dtype=np.float64)


def target_codes(table: pd.DataFrame) -> NDArray[np.int64]:
    """(N,), int64: the position of each target among `class_names`."""
    return pd.Index(class_names(table)).get_indexer(pd.Index(table["target"])).astype(np.int64)


def reported_rows(table: pd.DataFrame) -> pd.DataFrame:
    """The rows that may be reported.

    Raises:
        DataError: there is none.
    """
    rows = table[table["split"] == "test"]
    if rows.empty:
        raise DataError("the predictions hold no row with split='test'; only test rows are reported")
    return rows


def check_predictions(table: pd.DataFrame) -> pd.DataFrame:
    """The same table, if it keeps the promises at the top of this file.

    Raises:
        DataError: columns missing, probabilities not finite or not summing to 1, a target that is no class, a case
            twice in one arm, fold and seed, a case with two patients or two targets; offenders by name, cut to ten.
        LeakError: a patient in validation and in test of the same arm, fold and seed.
    """
    _check_columns(table)
    _check_probabilities(table)
    _check_cases(table)
    return table


def _check_columns(table: pd.DataFrame) -> None:
    missing = [column for column in COLUMNS if column not in table.columns]
    if missing:
        raise DataError(f"the predictions lack the columns {first_of(missing)}")
    if len(class_names(table)) < 2:
        raise DataError(f"the predictions need two {PROB}<class> columns or more, however: {list(class_names(table))}")
    if table.empty:
        raise DataError("the predictions hold no row")
    for column in COLUMNS:
        if table[column].isna().any():
            raise DataError(f"the predictions have {int(table[column].isna().sum())} rows without {column}")
    stray = sorted(set(table["split"]) - set(SPLITS))
    if stray:
        raise DataError(f"split must be val or test, however: {first_of(stray)}")


def _check_probabilities(table: pd.DataFrame) -> None:
    probs = probabilities(table)
    broken = np.asarray(~np.isfinite(probs).all(axis=1) | (probs < 0).any(axis=1))
    if broken.any():
        raise DataError(f"probabilities must be finite and not negative, however, of case: {_cases(table, broken)}")
    off = np.asarray(np.abs(probs.sum(axis=1) - 1) > SUM_TOLERANCE)
    if off.any():
        raise DataError(f"the probabilities of a row must sum to 1, however, of case: {_cases(table, off)}")
    unknown = target_codes(table) < 0
    if unknown.any():
        stray = sorted(set(table["target"][unknown]))
        raise DataError(f"target {first_of(stray)} is no class; classes are {', '.join(class_names(table))}")


def _check_cases(table: pd.DataFrame) -> None:
    asked = ("arm", "fold", "seed", "scenario", "rate", "corruption", "severity")
    run = [column for column in asked if column in table]
    doubled = table.duplicated([*run, "case_id"]).to_numpy()
    if doubled.any():
        raise DataError(f"a case may stand once in an arm, fold and seed, however: {_cases(table, doubled)}")
    facts = table[["case_id", "patient_id", "target"]].drop_duplicates()
    torn = facts["case_id"].duplicated().to_numpy()
    if torn.any():
        raise DataError(f"a case must have one patient and one target in all rows, however: {_cases(facts, torn)}")
    places = table[[*run, "patient_id", "split"]].drop_duplicates()
    leaking = places["patient_id"][places.duplicated([*run, "patient_id"])].drop_duplicates()
    if len(leaking):
        raise LeakError(f"{len(leaking)} patients stand in val and test of one fold: {first_of(list(leaking))}")


def _cases(table: pd.DataFrame, rows: NDArray[np.bool_]) -> str:
    return first_of(list(table["case_id"][rows].drop_duplicates()))


def write_predictions(table: pd.DataFrame, path: Path) -> None:
    """Checks the table and writes it as Parquet, whole or not at all.

    Raises:
        DataError: see `check_predictions`.
    """
    check_predictions(table)
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(path.name + ".unfinished")
    table.to_parquet(unfinished, index=False)
    unfinished.replace(path)


def read_predictions(path: Path, *, labels: pd.DataFrame | None = None) -> pd.DataFrame:
    """A checked table; None where a group is not known.

    Answers of `mmskin predict-table`, or of another program, have a case id and a probability for each class: the rest
    is added. They count as test cases of one arm, named as the file; a case is its own patient where none is named.

    Args:
        path: Parquet, or CSV.
        labels: by case id, what the file lacks: target, patient_id, group_ columns.

    Raises:
        DataError: no such file, another file, no labels, or see `check_predictions`.
    """
    if not path.is_file():
        raise DataError(f"no predictions at {path}; write them with write_predictions or `mmskin benchmark`")
    try:
        table = pd.read_csv(path, dtype={"case_id": str}) if path.suffix == ".csv" else pd.read_parquet(path)
    except (OSError, ValueError) as error:  # pyarrow's are among them
        raise DataError(
            f"{path} is no predictions table (Parquet, as runs write it, or CSV): {str(error).splitlines()[0][:120]}"
        ) from None
    return check_predictions(table if {*COLUMNS} <= {*table} else _completed(table, path, labels))


def _completed(table: pd.DataFrame, path: Path, labels: pd.DataFrame | None) -> pd.DataFrame:
    """Answers alone as a table of predictions."""
    if "case_id" not in table or len(class_names(table)) < 2:
        raise DataError(f"{path} is no predictions table: it needs case_id and {PROB}<class> columns")
    if labels is not None:
        added = labels[[name for name in labels if name == "case_id" or name not in table]]
        known = table["case_id"].isin(added["case_id"])
        if not known.any():
            raise DataError(
                f"no case of {path} is among the labelled cases, such as {first_of(list(table['case_id']), 3)}"
            )
        table = table[known].merge(added, on="case_id")
    if "target" not in table:
        raise DataError(
            f"{path} holds answers without labels: name the labelled cases by --data, a YAML file with a data section, "
            "or add a column target"
        )
    patients = table["patient_id"] if "patient_id" in table else table["case_id"]
    rest: dict[str, Any] = {"patient_id": patients, "fold": 0, "seed": 0, "arm": path.stem, "split": "test"}
    return table.assign(**{name: value for name, value in rest.items() if name not in table})

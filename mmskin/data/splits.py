"""Three parts of a data set that share no patient, no lesion and no photo.

K folds are made once and kept in a file; a split is read off them: fold k tests, fold k+1 (mod K) validates, the rest
trains.
"""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import pandas as pd

from mmskin.data.delimited import read_delimited, require_columns
from mmskin.data.seeds import view_seed
from mmskin.data.union_find import UnionFind
from mmskin.errors import ConfigError, DataError, LeakError, first_of

PARTS = ("test", "val", "train")  # as folds 0, 1 and 2: fold k tests, k+1 validates
PART_OF_WORD = {
    **dict.fromkeys(("train", "training", "development"), "train"),
    **dict.fromkeys(("val", "valid", "validation", "dev", "tune", "tuning"), "val"),
    **dict.fromkeys(("test", "testing", "holdout", "hold-out", "eval", "evaluation"), "test"),
}
"""What people call the parts of a split, in any case of letters."""
MIN_FOLDS = 3  # one tests, one validates, one or more train
INNER_FOLDS = 5


class Split(NamedTuple):
    """Three parts of a table of cases, rows in the order of the table, each with its own RangeIndex."""

    train: pd.DataFrame
    val: pd.DataFrame
    test: pd.DataFrame


def make_folds(table: pd.DataFrame, *, k: int = 5, seed: int = 42) -> pd.Series[int]:
    """The fold of every labelled case, 0 to k-1, indexed by case_id.

    Classes are spread over the folds as evenly as whole groups allow (scikit-learn's StratifiedGroupKFold, shuffled).
    A group is a patient, joined with every other patient who shares a lesion_id, an image path, or a `photo_group`
    (an optional column: the same value for photos with the same bytes). Cases without target get no fold.

    The answer may change with the version of scikit-learn: keep it with `write_folds`.

    Raises:
        ConfigError: k is less than 3.
        DataError: there are fewer groups than folds, or no class has a case for each fold.
    """
    _check_number(k)
    return _grouped_folds(table, k=k, seed=seed)


def hash_folds(table: pd.DataFrame, *, k: int = 5, seed: int = 42) -> pd.Series[int]:
    """As `make_folds`, but every group is drawn by the name of its first patient alone.

    Nobody else moves when cases are added, or two patients turn out to be one. The price: classes fall as chance will
    have it, so that a rare one may be thin in a fold.

    Raises:
        ConfigError: k is less than 3.
        DataError: a fold is empty.
    """
    _check_number(k)
    labelled = table[table.target.notna()]
    folds = [view_seed(group, "fold", seed) % k for group in _groups(labelled)]
    empty = sorted(set(range(k)) - set(folds))
    if empty:
        raise DataError(
            f"fold {first_of(empty)} of k={k} has no case: the table is too small for folds by hash; use fewer, or "
            "data.fold_method: stratified"
        )
    return pd.Series(folds, index=pd.Index(list(labelled.case_id), dtype=object, name="case_id"), name="fold")


def _check_number(k: int) -> None:
    if k < MIN_FOLDS:
        raise ConfigError(
            f"k={k} folds are too few: one tests, one validates, one or more train; use {MIN_FOLDS} or more"
        )


def inner_folds(train: pd.DataFrame, *, k: int = INNER_FOLDS) -> pd.Series[int]:
    """Folds inside training rows, to choose by what the fit does not see: k, fewer where no class has as many cases.

    Raises:
        DataError: no class has two cases, or there are too few groups of patients.
    """
    commonest = int(train.target.value_counts().max())
    return _grouped_folds(train, k=max(2, min(k, commonest)), seed=0)


def _grouped_folds(table: pd.DataFrame, *, k: int, seed: int) -> pd.Series[int]:
    labelled = table[table.target.notna()]
    groups = _groups(labelled)
    found = len(set(groups))
    if found < k:
        raise DataError(
            f"k={k} folds need {k} or more groups of patients, however the table has {found}; use fewer folds"
        )
    from sklearn.model_selection import StratifiedGroupKFold  # takes a second, which who mistypes need not wait

    if labelled.target.value_counts().max() < k:
        raise DataError(f"k={k} folds need {k} or more cases of one class, however none has as many; use fewer folds")
    folds = np.empty(len(labelled), dtype=np.int64)
    target = labelled.target.to_numpy(dtype=object).astype(str)
    with warnings.catch_warnings():
        # A class with fewer than k cases is `thin_classes`' business, told where it matters: per split.
        warnings.filterwarnings("ignore", message="The least populated class", category=UserWarning)
        splitter = StratifiedGroupKFold(n_splits=k, shuffle=True, random_state=seed)
        for fold, (_, members) in enumerate(splitter.split(np.zeros(len(target)), target, groups)):
            folds[members] = fold
    return pd.Series(folds, index=pd.Index(list(labelled.case_id), dtype=object, name="case_id"), name="fold")


def ties(table: pd.DataFrame) -> Iterator[tuple[str, str, list[tuple[str, ...]]]]:
    """What may not lie in two parts: (name, plural, its values by row)."""
    yield "patient", "patients", [(patient,) for patient in table.patient_id]
    yield "lesion", "lesions", [() if pd.isna(lesion) else (lesion,) for lesion in table.lesion_id]
    yield "image", "images", [tuple(images) for images in table.images]
    if "photo_group" in table.columns:
        yield "photo", "photos (equal bytes)", [() if pd.isna(photo) else (photo,) for photo in table.photo_group]


def _groups(table: pd.DataFrame) -> list[str]:
    """For every row the first, in sorting order, of all patients tied to its patient."""
    tied: UnionFind[tuple[str, str]] = UnionFind()
    patients = [("patient", patient) for patient in table.patient_id]
    for kind, _, values in ties(table):
        for patient, shared in zip(patients, values, strict=True):
            for value in shared:
                tied.union(patient, (kind, value))
    roots = [tied.find(patient) for patient in patients]
    name: dict[tuple[str, str], str] = {}
    for top, (_, patient) in zip(roots, patients, strict=True):
        name[top] = min(patient, name.get(top, patient))
    return [name[top] for top in roots]


def folds_of_parts(table: pd.DataFrame, parts: Sequence[str | None]) -> pd.Series[int]:
    """A split in words as folds of the labelled cases: test is 0, val 1, train 2.

    Without a validation part a fifth of the training groups of patients validates, classes spread evenly.

    Args:
        table: labelled cases.
        parts: train, val or test, a row each.

    Raises:
        DataError: there is no training or no test part; or too few patients to take validation rows from.
    """
    found = {str(part) for part in parts}
    if lacking := sorted({"train", "test"} - found):
        raise DataError(
            f"a split needs the parts train and test, and val if it has one, however it lacks {' and '.join(lacking)} "
            f"and has: {', '.join(sorted(found))}; give a number of folds or a fold file"
        )
    named = pd.Series(list(parts), index=pd.Index(list(table.case_id), dtype=object, name="case_id"))
    if "val" not in found:
        inner = inner_folds(table[[part == "train" for part in parts]])
        named[inner.index[inner == 0]] = "val"
    return pd.Series([PARTS.index(str(part)) for part in named], index=named.index, name="fold")


def names_parts(path: str | Path) -> bool:
    """Whether a fold file has words such as train and test in place of numbers."""
    return all(not word.isdecimal() for _, word, _ in _read_fold_rows(Path(path)))


def write_folds(folds: pd.Series[int], path: str | Path, *, table: pd.DataFrame) -> None:
    """Keep folds as CSV with columns case_id, patient_id, fold, in the order of the folds."""
    patient = dict(zip(table.case_id, table.patient_id, strict=True))
    rows = [(case, patient[case], int(fold)) for case, fold in folds.items()]
    pd.DataFrame(rows, columns=["case_id", "patient_id", "fold"]).to_csv(path, index=False, lineterminator="\n")


def read_folds(
    path: str | Path, table: pd.DataFrame, *, unknown: Literal["error", "ignore"] = "error"
) -> pd.Series[int]:
    """Folds from a CSV with columns case_id and fold, for the labelled cases of the table and in its order.

    A fold is a number from 0, or all of them are words: train, val and test. Instead of case_id the file may have
    img_id, a photo's file name whose stem is the case id. A patient_id is compared with the table's.

    Args:
        path: the file; see `write_folds`.
        table: the cases, as in `Cases`.
        unknown: what to do with ids that the table does not have; ignore them where cases were dropped on purpose.

    Raises:
        DataError: no such file, columns missing, an id twice, folds that are neither whole numbers from 0 nor parts, an
            id missing from the table or from the file, another patient than in the table.
    """
    rows = _read_fold_rows(Path(path))
    patient = dict(zip(table.case_id, table.patient_id, strict=True))
    ids = [case for case, _, _ in rows]
    labelled = list(table.case_id[table.target.notna()])
    known = {case: fold for case, fold, _ in rows}
    absent = [case for case in labelled if case not in known]
    stray = [case for case in ids if case not in patient] if unknown == "error" else []
    faults = []
    if len(known) < len(ids):
        doubled = sorted(case for case, count in Counter(ids).items() if count > 1)
        faults.append(f"{len(doubled)} ids stand twice: {first_of(doubled)}")
    if absent:
        faults.append(f"{len(absent)} cases of the table have no fold: {first_of(absent)}")
    if stray:
        faults.append(f"{len(stray)} ids are unknown to the table: {first_of(stray)} (to allow it: unknown='ignore')")
    moved = [
        f"{case} ({told}, in the table {patient[case]})"
        for case, _, told in rows
        if told not in (None, patient.get(case, told))
    ]
    if moved:
        faults.append(f"{len(moved)} ids have another patient: {first_of(moved)}")
    if faults:
        raise DataError(f"{path}: {'; '.join(faults)}")
    words = [known[case] for case in labelled]
    if not words or not words[0].isdecimal():
        return folds_of_parts(table[table.target.notna()], [PART_OF_WORD[word.lower()] for word in words])
    return pd.Series([int(word) for word in words], index=pd.Index(labelled, dtype=object, name="case_id"), name="fold")


def _read_fold_rows(path: Path) -> list[tuple[str, str, str | None]]:
    """(case id, fold as it is written, patient id if told) of every row."""
    if not path.is_file():
        raise DataError(f"{path} does not exist; make it with `make_folds` and `write_folds`, or name another file")
    rows = read_delimited(path).rows
    key = "img_id" if "img_id" in rows.columns and "case_id" not in rows.columns else "case_id"
    require_columns(rows, (key, "fold"), path=path)
    folds = rows.fold.str.strip()
    if not folds.str.lower().isin(PART_OF_WORD).all():
        bad = [f"row {number}: {fold!r}" for number, fold in folds.items() if not fold.isdecimal()]
        if bad:
            kinds = "a whole number from 0, or in all rows train, val or test"
            raise DataError(f"{path}: fold must be {kinds}, however {first_of(bad)}")
    ids = [name.strip() for name in rows[key]]
    return [
        (Path(name).stem if key == "img_id" else name, fold, patient)
        for name, fold, patient in zip(ids, folds, rows.get("patient_id", [None] * len(rows)), strict=True)
    ]


def split_by_fold(
    table: pd.DataFrame, folds: pd.Series[int], *, test_fold: int, classes: Sequence[str] | None = None
) -> Split:
    """Fold k tests, fold k+1 (mod K) validates, the rest trains; cases without target are left out.

    Args:
        table: the cases, as in `Cases`.
        folds: fold by case_id, 0 to K-1, K being 3 or more.
        test_fold: k.
        classes: what must be in the training part; all classes of the table if None.

    Raises:
        ConfigError: test_fold is none of the folds.
        DataError: a case without fold, fold numbers with a gap, an empty part, a class without training case.
        LeakError: see `check_disjoint`.
    """
    labelled = table[table.target.notna()]
    absent = [case for case in labelled.case_id if case not in folds.index]
    if absent:
        raise DataError(f"{len(absent)} cases have no fold: {first_of(absent)}; make or read folds for this table")
    fold = folds.loc[list(labelled.case_id)].to_numpy(dtype=np.int64)
    numbers = sorted({int(number) for number in folds})
    if numbers != list(range(len(numbers))) or len(numbers) < MIN_FOLDS:
        raise DataError(f"folds must be numbered from 0 without a gap and be {MIN_FOLDS} or more, however: {numbers}")
    if test_fold not in numbers:
        raise ConfigError(f"test_fold={test_fold} must be one of {numbers}")
    val_fold = (test_fold + 1) % len(numbers)
    is_test, is_val = fold == test_fold, fold == val_fold
    split = Split(
        train=labelled[~is_test & ~is_val].reset_index(drop=True),
        val=labelled[is_val].reset_index(drop=True),
        test=labelled[is_test].reset_index(drop=True),
    )
    for part, rows in split._asdict().items():
        if rows.empty:
            raise DataError(f"test_fold={test_fold}: no case is left for {part} (of {len(labelled)}); use other folds")
    check_disjoint(split)
    _check_trainable(split, classes=classes)
    return split


def check_disjoint(split: Split) -> None:
    """Refuse a split in which a patient, lesion, image path or photo (`photo_group`) lies in two parts.

    Raises:
        LeakError: lists the ids and the parts they are in.
    """
    where: dict[tuple[str, str], set[str]] = {}
    plural: dict[str, str] = {}
    for part, rows in split._asdict().items():
        for kind, kinds, values in ties(rows):
            plural[kind] = kinds
            for tied in values:
                for value in tied:
                    where.setdefault((kind, value), set()).add(part)
    faults = []
    for kind, kinds in plural.items():
        leaked = [
            f"{value} ({' and '.join(part for part in Split._fields if part in parts)})"
            for (of, value), parts in where.items()
            if of == kind and len(parts) > 1
        ]
        if leaked:
            faults.append(f"{len(leaked)} {kinds} lie in two parts of the split: {first_of(leaked)}")
    if faults:
        raise LeakError("; ".join(faults) + ". Make folds with `make_folds`, which keeps them together")


def _check_trainable(split: Split, *, classes: Sequence[str] | None) -> None:
    counts = split.train.target.value_counts()
    lacking = [name for name in _all_classes(split, classes) if name not in counts.index]
    if lacking:
        held = ", ".join(f"{name} {count}" for name, count in counts.items())
        raise DataError(
            f"{len(lacking)} classes have no training case: {first_of(lacking)} (training has {held}); "
            "use other folds, more patients, or leave the class out or merge it (data.classes)"
        )


def thin_classes(split: Split, *, classes: Sequence[str] | None = None) -> list[str]:
    """One remark for each class that validation or test lacks: scores of that class are then undefined."""
    remarks = []
    for part in ("val", "test"):
        rows: pd.DataFrame = getattr(split, part)
        present = set(rows.target)
        remarks += [
            f"{part} has no case of class {name} ({len(rows)} cases of {len(present)} classes)"
            for name in _all_classes(split, classes)
            if name not in present
        ]
    return remarks


def _all_classes(split: Split, classes: Sequence[str] | None) -> list[Any]:
    return list(classes) if classes is not None else sorted(set().union(*(set(part.target) for part in split)))

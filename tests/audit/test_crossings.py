"""Who lies in several folds, by hand and in the real data."""

from __future__ import annotations

import json

import pandas as pd
import pytest
from real_data import real_data
from sklearn.model_selection import StratifiedKFold

from mmskin.audit.crossings import find_crossings, find_shared_lesions
from mmskin.data.equal_photos import tie_equal_photos
from mmskin.data.sources.pad_ufes_20 import PadUfes20
from mmskin.data.splits import make_folds, read_folds, write_folds


def table() -> pd.DataFrame:
    rows = [
        ("a", "p1", "l1", ("x.jpg",), "a"),
        ("b", "p1", "l2", ("y.jpg",), "b"),
        ("c", "p2", "l3", ("z.jpg", "y.jpg"), "c"),
        ("d", "p3", "l3", ("u.jpg",), "a"),
        ("e", "p4", None, (), None),
    ]
    return pd.DataFrame(rows, columns=["case_id", "patient_id", "lesion_id", "images", "photo_group"], dtype=object)


def folds(**numbers: int) -> pd.Series:
    return pd.Series(numbers, name="fold")


def test_everything_that_crosses_is_listed_with_its_folds_and_cases() -> None:
    found = find_crossings(table(), folds(a=2, b=0, c=1, d=0, e=1))
    assert found.to_numpy().tolist() == [
        ["patient", "p1", (0, 2), ("b", "a")],
        ["lesion", "l3", (0, 1), ("d", "c")],
        ["image", "y.jpg", (0, 1), ("b", "c")],
        ["photo", "a", (0, 2), ("d", "a")],
    ]
    assert json.loads(found.to_json(orient="records"))[0] == {
        "kind": "patient", "id": "p1", "folds": [0, 2], "cases": ["b", "a"],
    }  # fmt: skip


def test_within_one_fold_or_without_a_fold_nothing_crosses() -> None:
    assert find_crossings(table(), folds(a=0, b=0, c=0, d=0, e=1)).empty
    assert find_crossings(table(), folds(b=0, d=1)).empty
    assert find_crossings(table().drop(columns="photo_group"), folds(a=0, d=1)).empty


def test_lesions_of_several_patients_by_hand() -> None:
    assert find_shared_lesions(table()).to_numpy().tolist() == [["l3", ("p2", "p3")]]


def test_the_real_folds_cross_nothing_and_a_split_by_photo_does(tmp_path) -> None:
    root = real_data("pad_ufes_20")
    cases = tie_equal_photos(PadUfes20().load(root))
    assert find_crossings(cases.table, read_folds(root / "folds.csv", cases.table)).empty
    assert find_crossings(cases.table, make_folds(cases.table)).empty
    assert find_shared_lesions(cases.table).empty  # they go by both ids

    foreign = pd.Series(0, index=pd.Index(cases.table.case_id, name="case_id"))
    splitter = StratifiedKFold(5, shuffle=True, random_state=8)
    for fold, (_, test) in enumerate(splitter.split(cases.table, cases.table.target)):
        foreign.iloc[test] = fold
    write_folds(foreign, tmp_path / "by_photo.csv", table=cases.table)
    found = find_crossings(cases.table, read_folds(tmp_path / "by_photo.csv", cases.table))
    kinds = found.kind.value_counts()
    spread = foreign.groupby(cases.table.set_index("case_id").patient_id).nunique()
    assert kinds["patient"] == (spread > 1).sum() > 100
    assert found[found.kind == "patient"].id.tolist() == pytest.approx(
        [patient for patient in dict.fromkeys(cases.table.patient_id) if spread[patient] > 1]
    )
    assert kinds["lesion"] > 50

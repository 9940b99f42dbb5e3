from __future__ import annotations

import pandas as pd
import pytest

from mmskin.config.experiment import DataConfig
from mmskin.data.load import folds_of, folds_to_test
from mmskin.data.splits import split_by_fold
from mmskin.data.table import Cases
from mmskin.errors import DataError
from mmskin.schema import Schema

SCHEMA = Schema(name="small", classes=("a", "b"))


def cases(parts: list[str | None]) -> Cases:
    ids = [f"c{i}" for i in range(len(parts))]
    columns = {"case_id": ids, "patient_id": ids, "lesion_id": ids, "target": ["a", "b"] * (len(parts) // 2)}
    table = pd.DataFrame({**columns, "official_split": parts}, dtype=object)
    return Cases(SCHEMA, table.assign(images=[()] * len(parts)))


def test_an_official_split_is_read_as_three_folds_of_which_the_first_is_tested() -> None:
    data = DataConfig(source={"name": "csv"}, root=".", folds="official")
    own = cases(["train", "test", "val", "train", "train", "test", "val", "train"])
    folds = folds_of(data, own)
    assert folds_to_test(data, folds) == [0]
    split = split_by_fold(own.table, folds, test_fold=0)
    assert {name: list(part.case_id) for name, part in split._asdict().items()} == {
        "train": ["c0", "c3", "c4", "c7"],
        "val": ["c2", "c6"],
        "test": ["c1", "c5"],
    }


def test_without_three_official_parts_the_request_is_refused() -> None:
    data = DataConfig(source={"name": "csv"}, root=".", folds="official")
    with pytest.raises(DataError, match=r"needs a split of small in three parts, however it has: test, train"):
        folds_of(data, cases(["train", "test"]))
    with pytest.raises(DataError, match="however it has: none"):
        folds_of(data, Cases(SCHEMA, cases(["train", "test"]).table.drop(columns="official_split")))


def test_made_folds_are_all_tested_unless_some_are_named() -> None:
    folds = pd.Series([0, 1, 2, 1])
    assert folds_to_test(DataConfig(source={"name": "csv"}, root="."), folds) == [0, 1, 2]
    assert folds_to_test(DataConfig(source={"name": "csv"}, root=".", test_folds=[1]), folds) == [1]

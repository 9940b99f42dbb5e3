from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from real_data import real_data

from mmskin.config.experiment import DataConfig
from mmskin.data.load import folds_of, folds_to_test, load_cases
from mmskin.data.splits import hash_folds, make_folds, split_by_fold
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


def test_folds_are_as_many_as_asked_and_drawn_by_their_seed() -> None:
    many = cases([None] * 60)

    def folds(**options: int) -> pd.Series:
        return folds_of(DataConfig(source={"name": "csv"}, root=".", **options), many)

    assert sorted(set(folds(folds=4))) == [0, 1, 2, 3]
    pd.testing.assert_series_equal(folds(folds=4, fold_seed=7), make_folds(many.table, k=4, seed=7))
    assert (folds(folds=4, fold_seed=7) != folds(folds=4, fold_seed=8)).any()
    pd.testing.assert_series_equal(folds(folds=4, fold_method="hash"), hash_folds(many.table, k=4, seed=42))


def test_fully_recorded_counts_the_fields_in_use_and_is_left_out_where_nothing_is_optional(pad_folder: Path) -> None:
    data = DataConfig(source={"name": "pad_ufes_20"}, root=str(pad_folder))
    every = load_cases(data).table
    assert (every.group_fully_recorded == "no").sum() == every.smoke.isna().sum() > 0
    few = load_cases(data.model_copy(update={"fields": ["age", "region"]})).table
    assert "group_fully_recorded" not in few
    assert "group_sex" in few
    one = load_cases(data.model_copy(update={"fields": ["age", "smoke"], "without": ["smoke"]})).table
    assert "group_fully_recorded" not in one


def test_without_an_optional_block_an_empty_field_is_counted() -> None:
    rows = load_cases(DataConfig(source={"name": "milk10k"}, root=str(real_data("milk10k")))).table
    assert (rows.group_fully_recorded == "no").sum() == (rows.age.isna() | rows.site.isna()).sum() > 20


def test_762_real_cases_are_fully_recorded() -> None:
    rows = load_cases(DataConfig(source={"name": "pad_ufes_20"}, root=str(real_data("pad_ufes_20")))).table
    assert (rows.group_fully_recorded == "yes").sum() == 762

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from real_data import real_data

from mmskin.config.experiment import DataConfig
from mmskin.data.load import check_photos, folds_of, folds_to_test, load_cases
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


def test_without_an_official_split_or_one_of_its_parts_the_request_is_refused() -> None:
    data = DataConfig(source={"name": "csv"}, root=".", folds="official")
    with pytest.raises(DataError, match=r"however it lacks test and has: train, val"):
        folds_of(data, cases(["train", "val"]))
    with pytest.raises(DataError, match="small has no split of its own"):
        folds_of(data, Cases(SCHEMA, cases(["train", "test"]).table.drop(columns="official_split")))


def test_without_a_validation_part_a_fifth_of_the_training_patients_validates() -> None:
    data = DataConfig(source={"name": "csv"}, root=".", folds="official")
    own = cases(["train"] * 40 + ["test"] * 10)
    own.table["patient_id"] = [f"p{i // 2}" for i in range(50)]
    folds = folds_of(data, own)
    assert folds.value_counts().to_dict() == {2: 32, 1: 8, 0: 10}
    assert (folds.to_numpy()[40:] == 0).all()
    assert (folds.to_numpy()[::2] == folds.to_numpy()[1::2]).all()  # no patient is in two parts
    assert folds_to_test(data, folds) == [0]


def test_a_fold_file_in_words_is_a_split_of_which_the_test_part_is_tested(tmp_path: Path) -> None:
    own = cases([None] * 6)
    words = ["Train", "training", "valid", "test", "train", "holdout"]
    lines = [f"{case},{word}" for case, word in zip(own.table.case_id, words, strict=True)]
    path = tmp_path / "folds.csv"
    path.write_text("\n".join(["case_id,fold", *lines]) + "\n")
    data = DataConfig(source={"name": "csv"}, root=".", folds=str(path))
    folds = folds_of(data, own)
    assert list(folds) == [2, 2, 1, 0, 2, 0]
    assert folds_to_test(data, folds) == [0]
    path.write_text("\n".join(["case_id,fold", *lines[:-1], "c5,3"]) + "\n")
    with pytest.raises(DataError, match="or in all rows train, val or test, however row 2: 'Train'"):
        folds_of(data, own)


@pytest.mark.parametrize(("share", "allowed"), [(0.02, False), (0.05, True)])
def test_photos_that_are_named_and_absent_are_refused_above_a_share(share: float, allowed: bool) -> None:
    own = cases([None] * 96)
    table = own.table.assign(images=[(f"{case}.jpg",) for case in own.table.case_id])
    data = DataConfig(source={"name": "csv"}, root=".", absent_photos=share)
    some = own._replace(table=table, absent_photos=("row 3 'a.jpg'", "b.jpg", "c.jpg", "d.jpg"))
    if allowed:
        check_photos(data, some)
    else:
        with pytest.raises(DataError, match=r"4 of 100 photos named .* row 3 'a.jpg'.* data\.absent_photos=0\.04"):
            check_photos(data, some)
    check_photos(data, some._replace(absent_photos=("b.jpg",)))
    check_photos(data, own)


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

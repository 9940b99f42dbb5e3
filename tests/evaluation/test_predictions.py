from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mmskin.errors import DataError, LeakError
from mmskin.evaluation.predictions import (
    check_predictions,
    class_names,
    group_names,
    read_predictions,
    reported_rows,
    target_codes,
    write_predictions,
)


def test_classes_keep_the_order_of_their_columns(make_predictions):
    table = make_predictions(classes=("SEK", "ACK", "MEL"))
    assert class_names(table) == ("SEK", "ACK", "MEL")
    assert group_names(table) == ("sex", "fully_recorded")
    first = table[table["target"] == "ACK"]
    assert set(target_codes(first)) == {1}


def test_a_table_comes_back_from_parquet_as_it_was(make_predictions, tmp_path: Path):
    table = make_predictions()
    write_predictions(table, tmp_path / "deep" / "predictions.parquet")
    back = read_predictions(tmp_path / "deep" / "predictions.parquet")
    pd.testing.assert_frame_equal(back, table, check_dtype=False)
    assert back["group_sex"].isna().sum() == table["group_sex"].isna().sum() > 0
    assert [file.name for file in (tmp_path / "deep").iterdir()] == ["predictions.parquet"]


def test_a_missing_file_is_named(tmp_path: Path):
    with pytest.raises(DataError, match=r"no predictions at .*nowhere.parquet"):
        read_predictions(tmp_path / "nowhere.parquet")


def test_only_test_rows_are_reported(make_predictions):
    table = make_predictions()
    table.loc[:9, "split"] = "val"
    assert len(reported_rows(table)) == len(table) - 10
    with pytest.raises(DataError, match="no row with split='test'"):
        reported_rows(table.assign(split="val"))


def test_missing_columns_are_named_together(make_predictions):
    with pytest.raises(DataError, match="lack the columns patient_id, seed"):
        check_predictions(make_predictions().drop(columns=["seed", "patient_id"]))


@pytest.mark.parametrize("value", [np.nan, np.inf, -0.1])
def test_a_probability_must_be_finite_and_not_negative(make_predictions, value):
    table = make_predictions()
    table.loc[3, "prob_MEL"] = value
    with pytest.raises(DataError, match=r"finite and not negative.*c0003"):
        check_predictions(table)


def test_probabilities_must_sum_to_one(make_predictions):
    table = make_predictions()
    table.loc[[2, 5], "prob_MEL"] += 0.01
    with pytest.raises(DataError, match=r"sum to 1.*c0002, c0005$"):
        check_predictions(table)


def test_a_target_must_be_a_class(make_predictions):
    table = make_predictions()
    table.loc[0, "target"] = "wart"
    with pytest.raises(DataError, match="target wart is no class; classes are ACK, BCC"):
        check_predictions(table)


def test_a_case_stands_once_in_a_fold_and_seed_but_in_every_seed(make_predictions):
    check_predictions(make_predictions(seeds=2))
    with pytest.raises(DataError, match=r"once in an arm, fold and seed.*c0000.* and 110 more"):
        check_predictions(make_predictions(seeds=2).assign(seed=0))


def test_a_case_has_one_target_in_all_arms(make_predictions):
    image, text = make_predictions(arm="image"), make_predictions(arm="text")
    text.loc[0, "target"] = "NEV" if text.loc[0, "target"] == "ACK" else "ACK"
    with pytest.raises(DataError, match=r"one patient and one target.*c0000"):
        check_predictions(pd.concat([image, text]))


def test_a_patient_in_val_and_test_of_one_fold_is_a_leak(make_predictions):
    table = make_predictions()
    other = table["patient_id"].duplicated(keep="first").idxmax()
    table.loc[other, "split"] = "val"
    with pytest.raises(LeakError, match="1 patients stand in val and test"):
        check_predictions(table)


def test_a_row_without_patient_is_refused(make_predictions):
    table = make_predictions()
    table.loc[0, "patient_id"] = None
    with pytest.raises(DataError, match="1 rows without patient_id"):
        check_predictions(table)

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from real_data import real_data
from sklearn.metrics import roc_auc_score

from mmskin.data.missingness import equalize, flags, fully_recorded, hide_fields, input_schema, missing_rates
from mmskin.data.sources.pad_ufes_20 import PadUfes20
from mmskin.data.splits import read_folds, split_by_fold
from mmskin.data.table import histories
from mmskin.errors import ConfigError, DataError
from mmskin.schema import Field, History, Schema

SCHEMA = Schema(
    name="toy",
    classes=("bad", "good"),
    fields=(
        Field(name="age", kind="numeric"),
        Field(name="itch", kind="yes_no"),
        Field(name="smoke", kind="yes_no"),
        Field(name="width", kind="numeric"),
    ),
    optional_block=("smoke", "width"),
    outcomes={"biopsy": "taken because of the suspicion"},
)


def table(rows: list[tuple[str, str | None, float | None]]) -> pd.DataFrame:
    """Rows of (target, smoke, width); itch is unknown and age 50 throughout."""
    return pd.DataFrame(
        [
            {"case_id": f"c{i:03}", "target": target, "text": None, "age": 50.0, "itch": "unknown"}
            | {"smoke": smoke, "width": width}
            for i, (target, smoke, width) in enumerate(rows)
        ],
        dtype=object,
    )


def suspicious(*, bad: int, bad_missing: int, good: int, good_missing: int) -> pd.DataFrame:
    return table(
        [("bad", None, None)] * bad_missing
        + [("bad", "yes", 7.0)] * (bad - bad_missing)
        + [("good", None, None)] * good_missing
        + [("good", "no", 3.0)] * (good - good_missing)
    )


def auc_of_flag(rows: pd.DataFrame, schema: Schema, target: str) -> float:
    return float(roc_auc_score(rows.target == target, flags(rows, schema)))


# --- flags ---


def test_a_block_is_incomplete_if_any_of_it_is_not_recorded_and_unknown_is_recorded() -> None:
    rows = table(
        [("bad", "yes", 1.0), ("bad", None, 1.0), ("bad", "no", None), ("bad", None, None), ("bad", "unknown", 0.0)]
    )
    assert flags(rows, SCHEMA).tolist() == [False, True, True, True, False]
    assert fully_recorded(rows[::-1], SCHEMA).to_dict() == {0: True, 1: False, 2: False, 3: False, 4: True}


def test_without_a_block_every_case_is_fully_recorded() -> None:
    rows = table([("bad", None, None)])
    assert fully_recorded(rows, SCHEMA.with_fields(["age"])).all()


def test_real_rates_are_those_counted_in_the_file() -> None:
    cases = PadUfes20().load(real_data("pad_ufes_20"))
    only = cases.schema.model_copy(update={"optional_block": ("smoke",)})
    rates = missing_rates(cases.table, only)
    assert rates.to_dict() == {"ACK": 181 / 324, "BCC": 0, "MEL": 0, "NEV": 149 / 222, "SCC": 0, "SEK": 134 / 170}
    # with the parents' backgrounds, blank in 4, 3 and 4 rows more
    rates = missing_rates(cases.table, cases.schema)
    assert rates.to_dict() == {"ACK": 185 / 324, "BCC": 0, "MEL": 0, "NEV": 152 / 222, "SCC": 0, "SEK": 138 / 170}


# --- the three modes ---


def test_visible_gives_every_field_asked_for() -> None:
    rows = suspicious(bad=4, bad_missing=0, good=4, good_missing=2)
    assert input_schema(SCHEMA, rows, mode="visible") is SCHEMA
    assert input_schema(SCHEMA, rows, mode="visible", fields=["width", "age"]).field_names == ("age", "width")
    assert input_schema(SCHEMA, rows, mode="equalized").field_names == SCHEMA.field_names


def test_always_recorded_keeps_what_every_training_row_has() -> None:
    rows = table([("bad", "yes", 1.0), ("good", "unknown", None)])
    assert input_schema(SCHEMA, rows, mode="always_recorded").field_names == ("age", "itch", "smoke")
    rows.at[0, "age"] = None
    assert input_schema(SCHEMA, rows, mode="always_recorded").field_names == ("itch", "smoke")


def test_always_recorded_histories_are_equal_whatever_the_optional_values() -> None:
    cases = PadUfes20().load(real_data("pad_ufes_20"))
    schema = input_schema(cases.schema, cases.table, mode="always_recorded")
    assert schema.field_names == ("age", "region", "itch", "grew", "hurt", "changed", "bleed", "elevation")
    assert schema.optional_block == ()
    altered = cases.table.copy()
    for name in cases.schema.optional_block:
        altered[name] = altered[name].to_numpy()[::-1]
    assert not fully_recorded(altered, cases.schema).equals(fully_recorded(cases.table, cases.schema))
    assert histories(altered, schema) == histories(cases.table, schema)


def test_modes_and_fields_that_do_not_exist_are_refused() -> None:
    rows = suspicious(bad=4, bad_missing=0, good=4, good_missing=2)
    mode: Any = "equalised"
    with pytest.raises(ConfigError, match=r"missingness 'equalised' does not exist\. Did you mean 'equalized'"):
        input_schema(SCHEMA, rows, mode=mode)
    with pytest.raises(DataError, match=r"'biopsy' is an outcome column.*suspicion"):
        input_schema(SCHEMA, rows, mode="visible", fields=["age", "biopsy"])


def test_always_recorded_without_any_such_field_is_refused() -> None:
    rows = suspicious(bad=4, bad_missing=1, good=4, good_missing=2)
    with pytest.raises(DataError, match=r"leaves no field of toy.*of the 8 training rows: smoke \(3\), width \(3\)"):
        input_schema(SCHEMA, rows, mode="always_recorded", fields=["smoke", "width"])
    photos_only = input_schema(SCHEMA, rows, mode="always_recorded", fields=[])
    assert photos_only.fields == ()  # none was asked for, so none is missing


def test_equalized_refuses_blanks_outside_the_block() -> None:
    rows = suspicious(bad=4, bad_missing=0, good=4, good_missing=2)
    rows.at[1, "itch"] = None
    with pytest.raises(DataError, match=r"fields outside it are blank in training too: itch \(1 rows\)"):
        input_schema(SCHEMA, rows, mode="equalized")
    assert input_schema(SCHEMA, rows, mode="equalized", fields=["age", "smoke"]).optional_block == ("smoke",)


# --- equalizing ---


def test_every_class_is_raised_to_the_highest_rate() -> None:
    rows = suspicious(bad=40, bad_missing=3, good=10, good_missing=6)  # 0.075 and 0.6
    equal = equalize(rows, SCHEMA, seed=0)
    hidden = equal[["smoke", "width"]].isna()
    assert (hidden.smoke == hidden.width).all()
    assert hidden.smoke.groupby(equal.target).sum().to_dict() == {"bad": 24, "good": 6}
    assert auc_of_flag(rows, SCHEMA, "bad") == pytest.approx(0.5 - (0.6 - 0.075) / 2)
    assert auc_of_flag(equal, SCHEMA, "bad") == 0.5


def test_a_block_recorded_in_part_is_hidden_whole_and_counted_as_missing() -> None:
    rows = table([("bad", "yes", None), ("bad", "yes", 1.0), ("good", "no", 2.0), ("good", "no", 2.0)])
    equal = equalize(rows, SCHEMA, seed=0)
    assert equal.smoke[0] is None
    assert flags(equal, SCHEMA).sum() == 2


def test_nothing_else_and_no_input_is_changed() -> None:
    rows = suspicious(bad=20, bad_missing=0, good=10, good_missing=5)
    before = rows.copy(deep=True)
    equal = equalize(rows, SCHEMA, seed=0)
    assert rows.equals(before)
    others = ["case_id", "target", "text", "age", "itch"]
    assert equal[others].equals(rows[others])
    kept = ~flags(equal, SCHEMA)
    assert equal[kept].equals(rows[kept])
    assert all(value is None for value in equal.smoke[~kept])
    assert equal.dtypes.equals(rows.dtypes)


def test_views_and_seeds_draw_other_rows_and_repeat_themselves() -> None:
    rows = suspicious(bad=60, bad_missing=0, good=10, good_missing=5)
    first = flags(equalize(rows, SCHEMA, seed=1, view=2), SCHEMA)
    assert (first == flags(equalize(rows, SCHEMA, seed=1, view=2), SCHEMA)).all()
    assert (first != flags(equalize(rows, SCHEMA, seed=1, view=3), SCHEMA)).any()
    assert (first != flags(equalize(rows, SCHEMA, seed=2, view=2), SCHEMA)).any()


def test_views_hide_every_recorded_row_about_as_often() -> None:
    rows = suspicious(bad=50, bad_missing=0, good=10, good_missing=6)
    hidden = np.mean([flags(equalize(rows, SCHEMA, seed=0, view=view), SCHEMA)[:50] for view in range(200)], axis=0)
    assert hidden.mean() == pytest.approx(0.6)
    # standard error of one row's share over 200 views: sqrt(.6 * .4 / 200) = .035; five of them
    assert np.abs(hidden - 0.6).max() < 0.175


def test_the_draw_does_not_depend_on_the_order_of_rows() -> None:
    rows = suspicious(bad=30, bad_missing=0, good=10, good_missing=5)
    shuffled = rows.sample(frac=1, random_state=0)
    equal = equalize(rows, SCHEMA, seed=4)
    assert equalize(shuffled, SCHEMA, seed=4).sort_index().equals(equal)


@pytest.mark.parametrize("test_fold", range(5))
def test_in_equalized_real_training_rows_the_flag_tells_nothing(test_fold: int) -> None:
    root = real_data("pad_ufes_20")
    cases = PadUfes20().load(root)
    train = split_by_fold(cases.table, read_folds(root / "folds.csv", cases.table), test_fold=test_fold).train
    schema = input_schema(cases.schema, train, mode="equalized")
    highest = missing_rates(train, schema).max()
    before = {target: auc_of_flag(train, schema, target) for target in schema.classes}
    assert before["BCC"] < 0.3
    for view in range(2):
        equal = equalize(train, schema, seed=0, view=view)
        sizes = equal.target.value_counts()
        for target, hidden in missing_rates(equal, schema).items():
            assert hidden * sizes[target] == pytest.approx(round(highest * sizes[target]))
        for target in schema.classes:
            # |AUC - .5| is half the difference of the two rates, each at most half a case from the highest
            rounding = 0.25 / sizes[target] + 0.25 * (len(sizes) - 1) / (sizes.sum() - sizes[target])
            assert abs(auc_of_flag(equal, schema, target) - 0.5) <= rounding


# --- field dropout ---


def test_field_dropout_hides_at_its_rate_and_keeps_the_text() -> None:
    history = History(fields={f"f{i}": "yes" for i in range(2000)}, text="it scabs")
    hidden = hide_fields(history, rate=0.3, rng=np.random.default_rng(0))
    assert hidden.text == "it scabs"
    assert list(hidden.fields) == list(history.fields)
    # standard deviation of the count: sqrt(2000 * .3 * .7) = 20.5; four of them
    assert len(hidden.recorded()) == pytest.approx(1400, abs=82)
    assert len(history.recorded()) == 2000


def test_field_dropout_of_nothing_and_of_everything() -> None:
    history = History(fields={"a": 1.0, "b": None})
    rng = np.random.default_rng(0)
    assert hide_fields(history, rate=0, rng=rng) == history
    assert hide_fields(history, rate=1, rng=rng).is_empty()


def test_field_dropout_does_not_depend_on_order_or_blanks() -> None:
    names = [f"f{i}" for i in range(40)]
    first = hide_fields(History(fields=dict.fromkeys(names, "yes")), rate=0.5, rng=np.random.default_rng(7))
    fields = {name: None if name == "f3" else "yes" for name in reversed(names)}
    second = hide_fields(History(fields=fields), rate=0.5, rng=np.random.default_rng(7))
    assert {**first.fields, "f3": None} == dict(second.fields)


@pytest.mark.parametrize("rate", [-0.1, 1.1, float("nan")])
def test_a_rate_outside_its_range_is_refused(rate: float) -> None:
    with pytest.raises(ConfigError, match=r"rate=.* must lie between 0 and 1"):
        hide_fields(History(), rate=rate, rng=np.random.default_rng(0))

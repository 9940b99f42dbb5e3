from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from real_data import real_data
from sklearn.metrics import roc_auc_score

from mmskin.config.build import build
from mmskin.data.missingness import (
    as_trained,
    equalize,
    excluded_fields,
    flags,
    fully_recorded,
    hide_fields,
    hides_at_random,
    input_schema,
    missing_rates,
)
from mmskin.data.sources import SOURCES
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


def test_always_recorded_may_leave_no_field_and_says_why_of_each() -> None:
    rows = suspicious(bad=4, bad_missing=1, good=4, good_missing=2)
    asked = SCHEMA.with_fields(["smoke", "width"])
    assert input_schema(asked, rows, mode="always_recorded").fields == ()
    why = "empty in 37.50% of the training rows, most often in good (50.0%); 50.0% / 2 classes is above 0.5%"
    assert excluded_fields(asked, rows) == {"smoke": why, "width": why}
    assert excluded_fields(SCHEMA.with_fields(["age", "itch"]), rows) == {}


# --- fields that are almost always recorded ---


def with_empty_ages(*, bad: int, bad_empty: int, good: int, good_empty: int) -> pd.DataFrame:
    rows = suspicious(bad=bad, bad_missing=0, good=good, good_missing=0)
    rows.loc[[*range(bad_empty), *range(bad, bad + good_empty)], "age"] = None
    return rows


@pytest.mark.parametrize(
    ("empty", "stays"),
    [
        (1, True),  # 1 / 100 / 2 classes = .005
        (2, False),  # 2 / 100 / 2 classes = .01
    ],
)
def test_a_field_stays_up_to_the_bound_of_what_its_emptiness_tells(empty: int, stays: bool) -> None:
    rows = with_empty_ages(bad=100, bad_empty=empty, good=100, good_empty=0)
    assert ("age" in input_schema(SCHEMA, rows, mode="always_recorded").field_names) is stays
    assert ("age" in excluded_fields(SCHEMA, rows)) is not stays


def test_as_few_values_are_hidden_as_the_lift_asks_for() -> None:
    # bad 1 of 100, good 0 of 300: P(empty | bad) = .01 must be at most 1.25 T / 400, so T = 4 (3.2 rounded up): 3 more.
    # The rates after: bad 1 / 100, good 3 / 300. Good's stays lowest each time: (k + 1) / 300 < 2 / 100.
    rows = with_empty_ages(bad=100, bad_empty=1, good=300, good_empty=0)
    schema = input_schema(SCHEMA, rows, mode="always_recorded", fields=["age", "itch"])
    shown = as_trained(rows, schema, mode="always_recorded", seed=0)
    assert shown.age.isna().groupby(shown.target).sum().to_dict() == {"bad": 1, "good": 3}
    assert hides_at_random(rows, schema, mode="always_recorded")
    rest = [column for column in rows if column != "age"]
    assert shown[rest].equals(rows[rest])
    assert rows.age.isna().sum() == 1, "the rows given are not changed"
    assert shown.dtypes.equals(rows.dtypes)


def test_a_field_of_many_rare_classes_that_would_have_to_be_hidden_too_often_is_excluded() -> None:
    # 20 classes: one has 10 rows with one empty, .1 / 20 = .005; T = .1 * 390 / 1.25 = 31.2, 32 of 390 rows is 8 %.
    targets = ["c00"] * 10 + [f"c{i:02}" for i in range(1, 20) for _ in range(20)]
    rows = table([(target, "yes", 1.0) for target in targets])
    rows.at[0, "age"] = None
    schema = SCHEMA.model_copy(update={"classes": tuple(sorted(set(targets)))})
    assert excluded_fields(schema, rows)["age"].endswith("31 of 390 values would have to be hidden, above 5%")


def test_which_values_are_hidden_is_drawn_by_case_seed_view_and_field() -> None:
    rows = with_empty_ages(bad=100, bad_empty=1, good=300, good_empty=0)
    rows.at[0, "itch"] = None
    schema = input_schema(SCHEMA, rows, mode="always_recorded", fields=["age", "itch"])

    def hidden(rows: pd.DataFrame, *, field: str = "age", seed: int = 0, view: int = 0) -> set[str]:
        shown = as_trained(rows, schema, mode="always_recorded", seed=seed, view=view)
        return set(shown.case_id[shown[field].isna()])

    assert hidden(rows) == hidden(rows.sample(frac=1, random_state=0))
    assert hidden(rows) != hidden(rows, seed=1)
    assert hidden(rows) != hidden(rows, view=1)
    assert hidden(rows) != hidden(rows, field="itch")


def test_nothing_is_drawn_where_every_field_is_always_recorded_or_missing_fields_are_visible() -> None:
    rows = suspicious(bad=40, bad_missing=0, good=40, good_missing=20)
    schema = input_schema(SCHEMA, rows, mode="always_recorded")
    assert as_trained(rows, schema, mode="always_recorded", seed=0) is rows
    assert as_trained(rows, SCHEMA, mode="visible", seed=0) is rows
    assert as_trained(rows, SCHEMA, mode="equalized", seed=3, view=1).equals(equalize(rows, SCHEMA, seed=3, view=1))


@pytest.mark.parametrize("test_fold", range(5))
def test_no_field_of_real_pad_ufes_20_is_kept_by_the_rule(test_fold: int) -> None:
    root = real_data("pad_ufes_20")
    cases = PadUfes20().load(root)
    train = split_by_fold(cases.table, read_folds(root / "folds.csv", cases.table), test_fold=test_fold).train
    schema = input_schema(cases.schema, train, mode="always_recorded")
    assert schema.field_names == ("age", "region", "itch", "grew", "hurt", "changed", "bleed", "elevation")
    assert set(excluded_fields(cases.schema, train)) == set(cases.schema.optional_block)
    assert as_trained(train, schema, mode="always_recorded", seed=0) is train


@pytest.mark.parametrize("view", range(2))
def test_age_and_site_of_real_milk10k_stay_and_being_empty_favours_no_class(view: int) -> None:
    cases = build("source", SOURCES, {"name": "milk10k"}).load(real_data("milk10k"))
    train = cases.table[cases.table.target.notna()]
    assert (train.age.isna().sum(), train.site.isna().sum()) == (12, 20)
    schema = input_schema(cases.schema, train, mode="always_recorded")
    assert schema.field_names == cases.schema.field_names
    shown = as_trained(train, schema, mode="always_recorded", seed=0, view=view)
    for field in ("age", "site"):
        empty = shown[field].isna()
        assert (empty.groupby(shown.target).mean() <= 1.25 * empty.mean()).all()
        assert empty.mean() < 0.04
        assert empty[train[field].isna()].all()


def test_equalized_refuses_blanks_outside_the_block() -> None:
    rows = suspicious(bad=4, bad_missing=0, good=4, good_missing=2)
    rows.at[1, "itch"] = None
    with pytest.raises(DataError, match=r"fields outside it are empty in training too: itch \(1 rows\)"):
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

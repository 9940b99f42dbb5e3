"""Readings of one column: by hand, then what each of them can see."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from audit.drawn_clinic import drawn_clinic

from mmskin.audit.columns import questions, share_of_category, share_of_leaf, tell, turned
from mmskin.audit.held_out import HeldOut, hold_out

N = 300


@pytest.fixture(scope="module")
def held_out() -> HeldOut:
    """300 cases of about 255 patients; their classes do not matter here."""
    return hold_out(drawn_clinic(cases=N, seed=3).table, replicates=100)


@pytest.fixture
def positive() -> np.ndarray:
    return np.random.default_rng(0).random(N) < 0.4


def test_the_share_of_a_category_by_hand() -> None:
    fitted = np.array(["a", "a", "a", "b"], dtype=object)
    positive = np.array([True, True, False, False])
    # overall .5; a: (2 + .5) / (3 + 1); b: (0 + .5) / (1 + 1); c was never seen
    assert share_of_category(fitted, positive, np.array(["a", "b", "c"])).tolist() == [0.625, 0.25, 0.5]


def test_a_number_is_turned_to_the_positives() -> None:
    positive = np.array([True, True, False, False])
    assert turned(np.array([1.0, 2.0, 8.0, 9.0]), positive, np.array([3.0, 4.0])).tolist() == [-3.0, -4.0]
    assert turned(np.array([8.0, 9.0, 1.0, 2.0]), positive, np.array([3.0, 4.0])).tolist() == [3.0, 4.0]


def test_a_small_tree_finds_the_middle() -> None:
    values = np.arange(30.0)
    score = share_of_leaf(values, (values >= 10) & (values < 20), np.array([2.0, 15.0, 25.0]))
    assert score.tolist() == [0.0, 1.0, 0.0]


def test_a_column_that_says_the_class_tells_all_whatever_its_kind(held_out: HeldOut, positive: np.ndarray) -> None:
    columns = {
        "categories": pd.Series(np.where(positive, "yes", "no"), dtype=object),
        "number": pd.Series(np.where(positive, 1.0, 30.0) + np.arange(N) / N),
        "tree": pd.Series(np.where(positive, 15.0, np.where(np.arange(N) % 2, 1.0, 30.0)) + np.arange(N) / N),
    }
    for read_as, column in columns.items():
        told = tell(column, positive, held_out=held_out)
        assert told.read_as == read_as
        assert told.auroc.auroc > 0.99
        assert (told.n, told.positives) == (N, positive.sum())


def test_numbers_written_as_text_are_numbers_and_a_few_codes_are_categories(held_out: HeldOut) -> None:
    odd = np.arange(N) % 2 == 1
    written = pd.Series([str(i) for i in range(N)], dtype=object)
    assert tell(written, odd, held_out=held_out).read_as in ("number", "tree")
    codes = pd.Series(np.arange(N) % 6, dtype=object)  # the odd codes are positive: neither monotone nor one interval
    told = tell(codes, odd, held_out=held_out)
    assert told.read_as == "categories"
    assert told.auroc.auroc == 1


def test_noise_tells_nothing_on_other_patients(held_out: HeldOut, positive: np.ndarray) -> None:
    rng = np.random.default_rng(1)
    for column in (rng.normal(size=N), rng.choice(list("abcdefgh"), size=N), [f"id {i}" for i in range(N)]):
        auroc = tell(pd.Series(column, dtype=object), positive, held_out=held_out).auroc
        assert auroc.low < 0.5 < auroc.high or auroc.auroc == pytest.approx(0.5)


def test_only_recorded_rows_are_read(held_out: HeldOut, positive: np.ndarray) -> None:
    column = pd.Series(np.where(positive, "yes", "no"), dtype=object)
    column[np.arange(N) % 3 == 0] = None
    told = tell(column, positive, held_out=held_out)
    assert (told.n, told.positives) == (200, int(positive[np.arange(N) % 3 != 0].sum()))
    assert told.auroc.auroc == 1


def test_too_few_of_a_side_say_nothing(held_out: HeldOut) -> None:
    column = pd.Series(np.arange(N) < 29, dtype=object)
    few, enough = np.arange(N) < 29, np.arange(N) < 30
    assert np.isnan(tell(column, few, held_out=held_out).auroc).all()
    assert np.isfinite(tell(column, enough, held_out=held_out).auroc).all()
    assert np.isnan(tell(column, ~few, held_out=held_out).auroc).all()


def test_every_class_and_class_group_is_a_question() -> None:
    cases = drawn_clinic(cases=60)
    held_out = hold_out(cases.table, replicates=1)
    sides = questions(held_out, cases.schema)
    assert list(sides) == [*cases.schema.classes, "worrying"]
    worrying = sum(sides[name].astype(int) for name in cases.schema.class_groups["worrying"])
    assert np.array_equal(worrying, sides["worrying"])

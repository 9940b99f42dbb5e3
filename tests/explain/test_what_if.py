from __future__ import annotations

import pytest
from explain.small_predictors import linear_predictor, small_predictor

from mmskin.api.predictor import Predictor
from mmskin.explain.answers import Answers
from mmskin.explain.what_if import DAYS, Change, others, smallest_flips, what_if
from mmskin.schema import Field, History


def answers_of(predictor: Predictor) -> Answers:
    return Answers(predictor.present())


def change(**values: object) -> Change:
    shown = {"field": "a", "title": "A", "was": "x", "now": "y", "size": 1.0, "flips": True}
    return Change(**{**shown, "probabilities": {"NEV": 0.6, "MEL": 0.4}, **values})  # type: ignore[arg-type]


def test_every_other_value_of_every_field_is_answered_as_worked_out_by_hand() -> None:
    # p(MEL) = .2 + .1 (itches) + .3 (bleeds): .6. Denied itching is worth 0, denied bleeding −.15, unknown 0.
    history = History({"itch": "yes", "bleed": "yes"})
    found = what_if(answers_of(linear_predictor()), history)
    expected = {
        ("itch", "no"): 0.5,
        ("itch", "unknown"): 0.5,
        ("bleed", "no"): 0.15,
        ("bleed", "unknown"): 0.3,
        ("grew", "yes"): 0.55,
        ("grew", "no"): 0.6,
        ("grew", "unknown"): 0.6,
    }
    told = {(one.field, one.now): one.probabilities["MEL"] for one in found}
    assert told == pytest.approx(expected, abs=1e-6)
    assert {one.now for one in found if one.field == "bleed" and one.flips} == {"no", "unknown"}
    assert {one.field for one in found if one.was is None} == {"grew"}
    smallest = smallest_flips(found)[0]
    assert (smallest.field, smallest.now, smallest.top) == ("bleed", "no", "NEV")


def test_the_answers_are_those_of_predict() -> None:
    predictor = small_predictor("late", "text", "metadata")
    fields = {"age": 62.0, "region": "arm", "itch": "yes"}
    found = what_if(answers_of(predictor), History(fields, "it scabs"))
    top = predictor.predict(None, fields, "it scabs").top
    raw = {"15 years": 15.0, "face": "face"}
    for one in found:
        if one.now in raw:
            alone = predictor.predict(None, fields | {one.field: raw[one.now]}, "it scabs")
            assert one.probabilities == pytest.approx(alone.probabilities, abs=1e-6)
            assert one.flips == (alone.top != top)


def test_which_values_a_field_could_have_had() -> None:
    itch = Field(name="itch", kind="yes_no")
    assert others(itch, History({"itch": "no"})) == ["yes", "unknown"]
    region = Field(name="region", kind="categorical", choices=("face", "arm"))
    assert others(region, History()) == ["face", "arm", "unknown"]
    age = Field(name="age", kind="numeric", low=0, high=120)
    assert others(age, History({"age": 30.0})) == [0, 15, 45, 60, 75, 90, 105, 120]
    assert others(Field(name="since", kind="duration", low=10), History()) == [*DAYS[1:]]
    size = Field(name="size", kind="numeric", low=0)
    assert others(size, History({"size": 8.0})) == [4, 16]
    assert others(size, History()) == []


def test_a_small_step_of_a_number_is_smaller_than_another_choice() -> None:
    near, far, other = change(size=0.1, now="60"), change(size=0.4, now="100"), change(now="arm")
    assert smallest_flips([other, far, near])[0] is near
    clearer = change(probabilities={"NEV": 0.9, "MEL": 0.1})
    assert smallest_flips([other, clearer])[0] is clearer
    assert smallest_flips([change(flips=False)]) == []
    assert smallest_flips([]) == []


def test_sizes_are_shares_of_the_range() -> None:
    found = what_if(answers_of(small_predictor("metadata_only")), History({"age": 62.0}))
    sizes = {one.now: one.size for one in found if one.field == "age"}
    assert sizes["60 years"] == pytest.approx(2 / 120)
    assert sizes["120 years"] == pytest.approx(58 / 120)
    assert {one.size for one in found if one.field != "age"} == {1.0}

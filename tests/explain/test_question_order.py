from __future__ import annotations

import numpy as np
import pytest
from explain.small_predictors import linear_predictor, small_predictor

from mmskin.explain.question_order import largest_variation, question_order, values_to_try
from mmskin.schema import Field


def test_questions_come_by_how_far_their_values_move_the_answer() -> None:
    # p(MEL) of yes and of no: itch .3 and .2, bleed .5 and .05, grew .15 and .2.
    assert question_order(linear_predictor().trained) == ["bleed", "itch", "grew"]


def test_a_model_that_reads_no_history_leaves_them_as_declared() -> None:
    predictor = small_predictor("image_only", "image")
    assert question_order(predictor.trained) == list(predictor.schema.field_names)


def test_the_order_is_the_same_every_time_and_holds_every_field() -> None:
    trained = small_predictor("late", "text", "metadata").trained
    order = question_order(trained)
    assert sorted(order) == sorted(trained.schema.field_names)
    assert question_order(trained) == order


def test_the_largest_variation_is_that_of_the_two_answers_farthest_apart() -> None:
    # Between the first and the others .5 and .8, between the last two .3.
    assert largest_variation([np.array([1.0, 0.0]), np.array([0.5, 0.5]), np.array([0.2, 0.8])]) == pytest.approx(0.8)
    assert largest_variation([np.array([1.0, 0.0])]) == largest_variation([]) == 0


def test_unknown_is_not_tried_and_a_number_without_a_range_is() -> None:
    assert values_to_try(Field(name="itch", kind="yes_no")) == ["yes", "no"]
    assert values_to_try(Field(name="size", kind="numeric", low=5)) == [10.0, 100.0]
    assert values_to_try(Field(name="age", kind="numeric", low=0, high=8)) == list(range(9))

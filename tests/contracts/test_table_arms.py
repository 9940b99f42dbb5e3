"""What every table arm in the table promises."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from mmskin.benchmark.baselines import BASELINES
from mmskin.benchmark.baselines.table_arm_contract import Facts
from mmskin.config.build import build
from mmskin.config.declared import declared
from mmskin.data.table import make_table
from mmskin.errors import ConfigError
from mmskin.schema import Field, Schema

Floats = NDArray[np.float64]
Predict = Callable[[pd.DataFrame], Floats]
SCHEMA = Schema(
    name="tiny",
    classes=("a", "b", "never"),  # no case to learn from is of the last one
    fields=(
        Field(name="age", kind="numeric", low=0, high=120),
        Field(name="since", kind="duration"),
        Field(name="region", kind="categorical", choices=("arm", "face")),
        Field(name="itch", kind="yes_no"),
    ),
)
# What an arm cannot do without, or a second path of its code; an arm that is not named runs as it is.
VARIANTS: dict[str, list[dict[str, Any]]] = {
    "logistic_regression": [
        {},
        {"on": ["image", "fields"], "balanced": False},
        {"on": "text"},
        {"on": ["image", "text"], "c": "cv"},
    ],
    "product_of_experts": [{"of": ["image", "fields"]}, {"of": ["text", "fields"], "c": [0.1], "balanced": False}],
    "averaging": [{"over": ["one", "two"]}, {"over": ["one"], "seeds": "all"}],
    "product_of_answers": [{"over": ["one", "two"]}, {"over": ["one", "two"], "balanced": False}],
    "gradient_boosting": [{"trees": 20}, {"trees": 20, "on": ["fields", "image"]}],
    "stacking": [{"over": ["one", "two"]}],
}
SPECS = [{"name": name, **options} for name in BASELINES for options in VARIANTS.get(name, [{}])]


def drawn(size: int, *, start: int, seed: int) -> pd.DataFrame:
    """Class b is older and itches more; a fifth is not asked, some have no field at all."""
    rng = np.random.default_rng(seed)
    is_b = rng.random(size) < 0.4
    columns: dict[str, list[Any]] = {
        "age": [float(age) for age in rng.normal(40 + 15 * is_b, 12).clip(1, 100)],
        "since": [float(days) for days in rng.integers(1, 900, size)],
        "region": [str(place) for place in rng.choice(["arm", "face", "unknown"], size)],
        "itch": ["yes" if itches else "no" for itches in rng.random(size) < 0.3 + 0.4 * is_b],
    }
    for values in columns.values():
        for index in np.flatnonzero(rng.random(size) < 0.2):
            values[index] = None
        values[0] = None
    ids = [f"c{start + number}" for number in range(size)]
    given = {"case_id": ids, "patient_id": ids, "lesion_id": ids, "images": [()] * size}
    return make_table(SCHEMA, given | columns | {"target": ["b" if b else "a" for b in is_b]})


TRAIN, VAL, TEST = drawn(100, start=0, seed=1), drawn(40, start=200, seed=2), drawn(30, start=300, seed=3)


def number_of(rows: pd.DataFrame) -> NDArray[np.int64]:
    return np.array([int(case[1:]) for case in rows.case_id])


def embed(modality: str, rows: pd.DataFrame) -> Floats:
    """Two columns that only the case decides; every fifth case has no such modality."""
    number = number_of(rows)
    shown = np.stack([number % 7, np.sin(number)], axis=1).astype(float)
    shown[number % 5 == 0] = np.nan
    return shown


def answers(arm: str, rows: pd.DataFrame) -> pd.DataFrame:
    """Another arm's answers, whatever rows are asked for, sure of nothing."""
    every = pd.concat([VAL, TEST], ignore_index=True)
    odds = np.stack([1 + number_of(every) % 5, 2 + number_of(every) % (3 if arm == "one" else 4)], axis=1)
    probs = np.concatenate([odds, np.full((len(every), 1), 0.1)], axis=1).astype(float)
    probs /= probs.sum(axis=1, keepdims=True)
    told = pd.DataFrame(probs, columns=[f"prob_{name}" for name in SCHEMA.classes])
    return told.assign(case_id=every.case_id, target=every.target)


def fitted(spec: dict[str, Any], *, train: pd.DataFrame = TRAIN, val: pd.DataFrame = VAL) -> Predict:
    return build("table arm", BASELINES, spec, Facts(SCHEMA, embed=embed, answers=answers))(train, val)


@pytest.fixture(params=SPECS, ids=lambda spec: "-".join(str(value) for value in spec.values()))
def spec(request: pytest.FixtureRequest) -> dict[str, Any]:
    chosen: dict[str, Any] = request.param
    return chosen


@pytest.fixture
def predict(spec: dict[str, Any]) -> Predict:
    return fitted(spec)


def test_answers_are_probabilities_of_every_class_for_every_row(predict: Predict) -> None:
    found = predict(TEST)
    assert found.shape == (len(TEST), len(SCHEMA.classes))
    assert found.dtype == np.float64
    assert (found >= 0).all()
    assert found.sum(axis=1) == pytest.approx(np.ones(len(TEST)))


def test_a_row_is_answered_alike_alone_and_in_any_order(predict: Predict) -> None:
    together = predict(TEST)
    order = np.random.default_rng(0).permutation(len(TEST))
    assert predict(TEST.iloc[order].reset_index(drop=True)) == pytest.approx(together[order], abs=1e-12)
    assert predict(TEST.iloc[[4]].reset_index(drop=True)) == pytest.approx(together[[4]], abs=1e-12)


def test_what_is_absent_is_answered_too(predict: Predict) -> None:
    blank = TEST.assign(**{name: pd.Series([None] * len(TEST), dtype=object) for name in SCHEMA.field_names})
    found = predict(blank)
    assert np.isfinite(found).all()
    assert found.sum(axis=1) == pytest.approx(np.ones(len(TEST)))


def test_neither_targets_nor_other_rows_to_predict_have_a_say(predict: Predict, spec: dict[str, Any]) -> None:
    before = predict(TEST)
    relabelled = TEST.assign(target=TEST.target.to_numpy()[::-1])
    assert (predict(relabelled) == before).all()
    again = fitted(spec)
    again(drawn(50, start=300, seed=9).assign(target="a"))  # other cases under the same names, asked for first
    assert (again(TEST) == before).all()


def test_two_fits_agree_bit_for_bit_and_change_nothing_they_are_given(spec: dict[str, Any], predict: Predict) -> None:
    train, val = TRAIN.copy(deep=True), VAL.copy(deep=True)
    assert (fitted(spec, train=train, val=val)(TEST) == predict(TEST)).all()
    pd.testing.assert_frame_equal(train, TRAIN)
    pd.testing.assert_frame_equal(val, VAL)


def test_a_class_without_a_case_to_learn_from_is_no_likelier_than_beforehand(
    predict: Predict, spec: dict[str, Any]
) -> None:
    """It has no share of the training cases; of other arms it keeps what they gave it, tempered to equal at most."""
    equal = 1 / len(SCHEMA.classes)
    highest = answers("one", TEST)["prob_never"].max()
    of_others = {"stacking": highest, "averaging": equal, "product_of_answers": equal}
    beforehand = of_others.get(spec["name"], 0.0)
    assert predict(TEST)[:, 2].max() <= beforehand + 1e-9  # a temperature lifts 0 to 1e-12 before it divides


def test_options_are_keyword_only_and_an_unknown_one_is_refused(spec: dict[str, Any]) -> None:
    assert declared(BASELINES, spec["name"]).doc
    with pytest.raises(ConfigError, match=r"no_such_option|takes no options"):
        fitted(spec | {"no_such_option": 1})

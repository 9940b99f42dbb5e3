"""Table arms on two classes and one field or two, against numbers worked out by hand or by scikit-learn alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression

from mmskin.benchmark.baselines import BASELINES
from mmskin.benchmark.baselines.table_arm_contract import Facts, balanced_log_loss, choose_parts, field_columns
from mmskin.config.build import build
from mmskin.data.table import make_table
from mmskin.errors import ConfigError
from mmskin.evaluation.metrics import Floats
from mmskin.schema import Field, Schema
from mmskin.trained.calibration import at_temperature, fit_temperature, log_of
from mmskin.trained.trained_model import Predict

SCHEMA = Schema(
    name="tiny",
    classes=("a", "b"),
    fields=(Field(name="age", kind="numeric", low=0, high=120), Field(name="itch", kind="yes_no")),
)
RNG = np.random.default_rng(0)


def rows(ages: list[float | None], itches: list[str | None], target: list[str], *, start: int = 0) -> pd.DataFrame:
    ids = [f"c{start + number}" for number in range(len(target))]
    values: dict[str, Any] = {"case_id": ids, "patient_id": ids, "lesion_id": ids, "images": [()] * len(ids)}
    return make_table(SCHEMA, values | {"target": target, "age": ages, "itch": itches})


def drawn(size: int, *, start: int, seed: int) -> pd.DataFrame:
    """Class b is older and itches more; some are not asked."""
    rng = np.random.default_rng(seed)
    is_b = rng.random(size) < 0.4
    ages = rng.normal(40 + 15 * is_b, 12).clip(1, 100)
    itch = np.where(rng.random(size) < 0.3 + 0.4 * is_b, "yes", "no")
    asked = rng.random(size) < 0.8
    told: list[str | None] = [str(value) if known else None for value, known in zip(itch, asked, strict=True)]
    return rows([float(age) for age in ages], told, ["b" if b else "a" for b in is_b], start=start)


TRAIN, VAL, TEST = drawn(120, start=0, seed=1), drawn(40, start=200, seed=2), drawn(30, start=300, seed=3)


def no_embedding(modality: str, table: pd.DataFrame) -> Floats:
    raise AssertionError("no embedding was asked for")


def no_answers(arm: str, rows: pd.DataFrame) -> pd.DataFrame:
    raise AssertionError("no other arm was asked for")


def fit(spec: dict[str, Any], *, train: pd.DataFrame = TRAIN, val: pd.DataFrame = VAL, **facts: Any) -> Predict:
    given: dict[str, Any] = {"embed": no_embedding, "answers": no_answers} | facts
    return build("table arm", BASELINES, spec, Facts(SCHEMA, **given))(train, val)


def codes(table: pd.DataFrame) -> Any:
    return (table.target == "b").to_numpy().astype(int)


def test_majority_gives_the_class_shares_of_the_training_rows() -> None:
    train = rows([1.0] * 4, [None] * 4, ["a", "b", "b", "b"])
    assert fit({"name": "majority"}, train=train)(TEST)[[0, -1]].tolist() == [[0.25, 0.75], [0.25, 0.75]]


def one_hot(table: pd.DataFrame) -> Floats:
    """Standard score of age by TRAIN, then itch = no, yes, unknown, as the schema orders its choices."""
    age = table.age.to_numpy(dtype=float)
    score = (age - TRAIN.age.astype(float).mean()) / TRAIN.age.astype(float).std(ddof=0)
    choices = sorted({"yes", "no", "unknown"})
    return np.stack([score, *((table.itch == name).to_numpy().astype(float) for name in choices)], axis=1)


def test_logistic_regression_is_that_of_scikit_learn_at_the_temperature_of_the_validation_rows() -> None:
    model = LogisticRegression(C=0.1, class_weight="balanced", max_iter=5000).fit(one_hot(TRAIN), codes(TRAIN))
    temperature = fit_temperature(log_of(model.predict_proba(one_hot(VAL))), codes(VAL))
    expected = at_temperature(log_of(model.predict_proba(one_hot(TEST))), temperature)
    found = fit({"name": "logistic_regression", "on": "fields", "c": [0.1]})(TEST)
    assert found == pytest.approx(expected, abs=1e-4)


def test_the_penalty_is_the_one_that_suits_the_validation_rows() -> None:
    losses = {}
    for c in (1e-4, 1.0):
        model = LogisticRegression(C=c, class_weight="balanced", max_iter=5000).fit(one_hot(TRAIN), codes(TRAIN))
        losses[c] = balanced_log_loss(model.predict_proba(one_hot(VAL)), codes(VAL))
    best = min(losses, key=losses.__getitem__)
    chosen = fit({"name": "logistic_regression", "c": [1e-4, 1.0]})(TEST)
    assert (chosen == fit({"name": "logistic_regression", "c": [best]})(TEST)).all()
    assert (chosen != fit({"name": "logistic_regression", "c": [1e-4 + 1.0 - best]})(TEST)).any()


def test_the_balanced_log_loss_counts_every_class_alike() -> None:
    # class 0: -(ln .5 + ln .25) / 2 = 1.0397; class 1: -ln .8 = 0.2231; mean 0.6314
    probabilities = np.array([[0.5, 0.5], [0.25, 0.75], [0.2, 0.8]])
    assert balanced_log_loss(probabilities, np.array([0, 0, 1])) == pytest.approx(0.6314, abs=1e-4)


def test_gradient_boosting_is_that_of_scikit_learn_with_as_many_trees_as_suit_the_validation_rows() -> None:
    def columns(table: pd.DataFrame) -> Floats:
        return field_columns(table, SCHEMA)[0]

    model = HistGradientBoostingClassifier(
        max_iter=20,
        learning_rate=0.05,
        max_leaf_nodes=15,
        min_samples_leaf=10,
        categorical_features=[False, True],
        class_weight="balanced",
        early_stopping=False,
    ).fit(columns(TRAIN), codes(TRAIN))
    stages = list(model.staged_predict_proba(columns(VAL)))
    best = int(np.argmin([balanced_log_loss(stage, codes(VAL)) for stage in stages]))
    temperature = fit_temperature(log_of(stages[best]), codes(VAL))
    expected = at_temperature(log_of(list(model.staged_predict_proba(columns(TEST)))[best]), temperature)
    assert fit({"name": "gradient_boosting", "trees": 20})(TEST) == pytest.approx(expected, abs=1e-12)


def test_what_is_not_recorded_is_no_number_and_no_choice() -> None:
    found, is_code = field_columns(rows([30.0, None], [None, "yes"], ["a", "b"]), SCHEMA)
    assert is_code == [False, True]
    assert np.isnan(found).tolist() == [[False, True], [True, False]]
    assert found[0, 0] == 30


@pytest.mark.parametrize("name", ["logistic_regression", "gradient_boosting"])
def test_embeddings_are_read_where_they_are_asked_for(name: str) -> None:
    def embed(modality: str, table: pd.DataFrame) -> Floats:
        """Photos show the class, but for every fifth case, which has none."""
        assert modality == "image"
        shown = np.stack([codes(table) * 2.0 - 1, np.ones(len(table))], axis=1)
        shown[::5] = np.nan
        return shown

    found = fit({"name": name, "on": "image"}, embed=embed)(TEST)
    seen = np.arange(len(TEST)) % 5 > 0
    assert (found.argmax(1) == codes(TEST))[seen].all()
    assert len(np.unique(found[~seen], axis=0)) == 1
    assert np.isfinite(found).all()


@pytest.mark.parametrize("on", [["fields"], ["image"], ["fields", "image"]])
def test_targets_of_the_rows_to_predict_are_not_read(on: list[str]) -> None:
    def embed(modality: str, table: pd.DataFrame) -> Floats:
        return np.array([[float(case[1:]) % 7] for case in table.case_id])

    shuffled = TEST.assign(target=RNG.permutation(TEST.target))
    for name in ("logistic_regression", "gradient_boosting"):
        predict = fit({"name": name, "on": on}, embed=embed)
        assert (predict(TEST) == predict(shuffled)).all()


def test_flags_only_cannot_read_a_value() -> None:
    def other_values(table: pd.DataFrame) -> pd.DataFrame:
        ages = [None if pd.isna(age) else float(RNG.integers(1, 100)) for age in table.age]
        itches = [None if itch is None else str(RNG.choice(["yes", "no", "unknown"])) for itch in table.itch]
        return table.assign(age=pd.Series(ages, dtype=object), itch=pd.Series(itches, dtype=object))

    before = fit({"name": "flags_only"})(TEST)
    after = fit({"name": "flags_only"}, train=other_values(TRAIN), val=other_values(VAL))(other_values(TEST))
    assert (before == after).all()


def test_flags_only_reads_the_blanks() -> None:
    def leaking(size: int) -> pd.DataFrame:
        target = ["a", "b"] * size
        return rows([1.0] * (2 * size), [None if name == "a" else "no" for name in target], target)

    found = fit({"name": "flags_only"}, train=leaking(20), val=leaking(10))(leaking(5))
    assert (found.argmax(1) == [0, 1] * 5).all()


def answers_of(table: pd.DataFrame, probability: Floats) -> pd.DataFrame:
    given = pd.DataFrame({"case_id": table.case_id, "target": table.target})
    return given.assign(prob_a=1 - probability, prob_b=probability)


VAL_AND_TEST = pd.concat([VAL, TEST], ignore_index=True)
ARMS = {
    "one": answers_of(VAL_AND_TEST, (0.2 + 0.5 * codes(VAL_AND_TEST) + 0.2 * RNG.random(len(VAL_AND_TEST)))),
    "two": answers_of(VAL_AND_TEST, RNG.random(len(VAL_AND_TEST))),
}
STACKING = {"name": "stacking", "over": ["one", "two"]}


def told_by(arms: dict[str, pd.DataFrame]) -> Callable[[str, pd.DataFrame], pd.DataFrame]:
    return lambda arm, rows: arms[arm]


def test_stacking_is_a_regression_on_log_probabilities_of_validation_rows() -> None:
    inputs = np.log(np.concatenate([table[["prob_a", "prob_b"]].to_numpy() for table in ARMS.values()], axis=1))
    model = LogisticRegression(C=0.1, class_weight="balanced", max_iter=5000).fit(inputs[: len(VAL)], codes(VAL))
    expected = model.predict_proba(inputs[len(VAL) :])
    assert fit(STACKING, answers=told_by(ARMS))(TEST) == pytest.approx(expected, abs=1e-6)


def test_stacking_reads_neither_training_rows_nor_test_targets() -> None:
    predict = fit(STACKING, answers=told_by(ARMS))
    relabelled = {name: table.assign(target=RNG.permutation(table.target)) for name, table in ARMS.items()}
    again = fit(STACKING, train=TRAIN.iloc[:0], answers=told_by(relabelled))
    assert (predict(TEST) == again(TEST.assign(target=RNG.permutation(TEST.target)))).all()
    swapped = VAL.assign(target=["b" if name == "a" else "a" for name in VAL.target])
    assert (fit(STACKING, val=swapped, answers=told_by(ARMS))(TEST) != predict(TEST)).any()


def test_stacking_has_no_answer_where_one_of_its_arms_has_none() -> None:
    lacking = ARMS | {"two": ARMS["two"][ARMS["two"].case_id != TEST.case_id[0]]}
    found = fit(STACKING, answers=told_by(lacking))(TEST)
    assert np.isnan(found[0]).all()
    assert np.isfinite(found[1:]).all()


def test_stacking_keeps_the_mean_probability_of_a_class_that_no_validation_row_has() -> None:
    three = Schema(name="three", classes=("a", "b", "c"), fields=SCHEMA.fields)
    seldom = {name: table.assign(prob_a=0.9 * table.prob_a, prob_b=0.9 * table.prob_b) for name, table in ARMS.items()}
    tables = {"one": seldom["one"].assign(prob_c=0.1), "two": seldom["two"].assign(prob_c=0.3)}  # need not sum to 1
    facts = Facts(three, embed=no_embedding, answers=told_by(tables))
    found = build("table arm", BASELINES, STACKING, facts)(TRAIN, VAL)(TEST)
    assert found[:, 2] == pytest.approx(0.2)
    assert found.sum(axis=1) == pytest.approx(1.0)


def test_options_that_cannot_be_used_are_refused() -> None:
    with pytest.raises(ConfigError, match="on 'photo' does not exist"):
        fit({"name": "logistic_regression", "on": "photo"})
    with pytest.raises(ConfigError, match="over must list two arms or more"):
        fit({"name": "stacking", "over": ["one"]})
    with pytest.raises(ConfigError, match="Did you mean 'trees'"):
        fit({"name": "gradient_boosting", "tres": 3})


def test_embeddings_are_of_kinds_of_photo_that_the_data_set_has() -> None:
    schema = SCHEMA.model_copy(update={"photos": ("clinical", "dermoscopic")})
    assert choose_parts(["dermoscopic", "fields"], schema) == ("dermoscopic", "fields")
    with pytest.raises(ValueError, match="on 'image' does not exist"):
        choose_parts("image", schema)
    with pytest.raises(ValueError, match="one or more of fields, clinical, dermoscopic, text"):
        choose_parts([], schema)

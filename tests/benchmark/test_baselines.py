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
from mmskin.data.splits import make_folds
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


def of_cases(table: pd.DataFrame, probabilities: list[float], *, seed: int = 0) -> pd.DataFrame:
    """An answer of class a a case, and what is left for b."""
    a = np.array(probabilities)
    return pd.DataFrame({"case_id": table.case_id, "prob_a": a, "prob_b": 1 - a, "seed": seed})


def test_averaging_is_the_mean_of_the_arms_at_the_temperature_of_the_validation_rows() -> None:
    every = pd.concat([VAL, TEST], ignore_index=True)
    draws = np.random.default_rng(5).uniform(0.05, 0.95, (2, len(every)))
    told = {arm: of_cases(every, list(draw)) for arm, draw in zip(("one", "two"), draws, strict=True)}
    mean = np.stack([draws.mean(axis=0), 1 - draws.mean(axis=0)], axis=1)
    temperature = fit_temperature(np.log(mean[: len(VAL)]), codes(VAL))
    expected = at_temperature(np.log(mean[len(VAL) :]), temperature)
    found = fit({"name": "averaging", "over": ["one", "two"]}, answers=lambda arm, rows: told[arm])(TEST)
    assert found == pytest.approx(expected, abs=1e-9)


def test_all_seeds_of_an_arm_count_alike_and_arms_count_alike_whatever_their_seeds() -> None:
    every = pd.concat([VAL, TEST], ignore_index=True)
    seeds = [of_cases(every, [share] * len(every), seed=seed) for seed, share in enumerate((0.2, 0.4, 0.9))]
    once = of_cases(every, [0.7] * len(every))
    told = {"three": pd.concat(seeds, ignore_index=True), "once": once}
    predict = fit({"name": "averaging", "over": ["three", "once"], "seeds": "all"}, answers=lambda arm, rows: told[arm])
    temperature = fit_temperature(np.log([[0.6, 0.4]] * len(VAL)), codes(VAL))  # ((.2 + .4 + .9) / 3 + .7) / 2 = .6
    assert predict(TEST)[0] == pytest.approx(at_temperature(np.log([[0.6, 0.4]]), temperature)[0])


def test_a_product_of_answers_multiplies_odds_at_the_temperature_of_the_validation_rows() -> None:
    """.8 and .6: odds 4 · 1.5 = 6, so 6/7; where the answers are under the training shares, those come off once."""
    every = pd.concat([VAL, TEST], ignore_index=True)
    told = {"one": of_cases(every, [0.8] * len(every)), "two": of_cases(every, [0.6] * len(every))}
    share = float((TRAIN.target == "a").mean())
    for balanced, odds in ((True, 6.0), (False, 6.0 * (1 - share) / share)):
        joint = np.log([[odds / (1 + odds), 1 / (1 + odds)]])
        temperature = fit_temperature(np.repeat(joint, len(VAL), axis=0), codes(VAL))
        asked = {"name": "product_of_answers", "over": ["one", "two"], "balanced": balanced}
        found = fit(asked, answers=told_by(told))(TEST)
        assert found[0] == pytest.approx(at_temperature(joint, temperature)[0])


@pytest.mark.parametrize("name", ["averaging", "product_of_answers"])
def test_a_case_that_one_of_the_arms_did_not_answer_gets_no_answer(name: str) -> None:
    every = pd.concat([VAL, TEST], ignore_index=True)
    told = {"one": of_cases(every, [0.4] * len(every)), "two": of_cases(every, [0.6] * len(every)).iloc[:-1]}
    found = fit({"name": name, "over": ["one", "two"]}, answers=lambda arm, rows: told[arm])(TEST)
    assert np.isnan(found[-1]).all()
    assert np.isfinite(found[:-1]).all()


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"name": "averaging", "over": []}, "over must list one arm or more"),
        ({"name": "averaging", "over": ["one"]}, "one arm with its own seed is that arm"),
        ({"name": "averaging", "over": ["one"], "seeds": "some"}, "seeds must be .own. or .all., however: 'some'"),
        ({"name": "product_of_answers", "over": ["one"]}, "over must list two arms or more"),
        ({"name": "product_of_experts", "of": ["fields"]}, "of must name two parts or more"),
        ({"name": "product_of_experts", "of": ["fields", "sound"]}, "'sound' does not exist"),
        (
            {"name": "logistic_regression", "c": "best"},
            "c must be a number, numbers such as .*, or .cv., however: 'best'",
        ),
    ],
)
def test_options_that_cannot_be_are_refused(spec: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        fit(spec)


def shown(modality: str, table: pd.DataFrame) -> Floats:
    """A column that tells the class a little; every third case has no photo."""
    number = np.array([int(case[1:]) for case in table.case_id])
    column = codes(table) + np.sin(17.0 * number)
    return np.where(number % 3 == 0, np.nan, column)[:, None]


@pytest.mark.parametrize("balanced", [True, False])
def test_a_product_of_experts_multiplies_regressions_and_takes_the_prior_off(balanced: bool) -> None:
    weight = "balanced" if balanced else None
    fields = LogisticRegression(C=0.1, class_weight=weight, max_iter=5000).fit(one_hot(TRAIN), codes(TRAIN))
    seen = shown("image", TRAIN)
    mean, deviation = np.nanmean(seen), np.nanstd(seen)

    def photo_columns(table: pd.DataFrame) -> Floats:
        return np.nan_to_num((shown("image", table) - mean) / deviation)

    photo = LogisticRegression(C=0.1, class_weight=weight, max_iter=5000).fit(photo_columns(TRAIN), codes(TRAIN))
    share = codes(TRAIN).mean()
    prior = np.array([0.5, 0.5]) if balanced else np.array([1 - share, share])

    def product(table: pd.DataFrame) -> Floats:
        there = ~np.isnan(shown("image", table))
        asked = np.where(table[["age", "itch"]].notna().any(axis=1).to_numpy()[:, None], 1, 0)
        joint = prior * (photo.predict_proba(photo_columns(table)) / prior) ** there
        joint *= (fields.predict_proba(one_hot_filled(table)) / prior) ** asked
        return joint / joint.sum(axis=1, keepdims=True)

    def one_hot_filled(table: pd.DataFrame) -> Floats:
        return np.nan_to_num(one_hot(table))

    temperature = fit_temperature(np.log(product(VAL)), codes(VAL))
    expected = at_temperature(np.log(product(TEST)), temperature)
    spec = {"name": "product_of_experts", "of": ["image", "fields"], "c": [0.1], "balanced": balanced}
    assert fit(spec, embed=shown)(TEST) == pytest.approx(expected, abs=1e-3)


def test_with_one_part_there_a_product_is_that_part_alone() -> None:
    blank = TEST.assign(**{name: pd.Series([None] * len(TEST), dtype=object) for name in SCHEMA.field_names})
    spec = {"name": "product_of_experts", "of": ["image", "fields"], "c": [0.1]}
    found = fit(spec, embed=shown)(blank)
    no_photo = np.isnan(shown("image", TEST))[:, 0]
    assert found[no_photo] == pytest.approx(np.full((no_photo.sum(), 2), 0.5))  # nothing is there: the prior
    assert np.abs(found[~no_photo] - 0.5).max() > 0.05


def test_the_penalty_of_cv_is_chosen_inside_the_training_rows_by_patient() -> None:
    """By scikit-learn, on the folds that the library makes of the training patients, refitted in each."""
    fold = TRAIN.case_id.map(make_folds(TRAIN, k=5, seed=0)).to_numpy()
    strengths = (0.0001, 0.001, 0.01, 0.1, 1.0)
    losses = []
    for c in strengths:
        answers, true = [], []
        for k in range(5):
            inner, held = TRAIN[fold != k].reset_index(drop=True), TRAIN[fold == k].reset_index(drop=True)
            ages = inner.age.astype(float)

            def columns(table: pd.DataFrame, ages: Any = ages) -> Floats:
                score = (table.age.to_numpy(dtype=float) - ages.mean()) / ages.std(ddof=0)
                choices = sorted({"yes", "no", "unknown"})
                itch = [(table.itch == name).to_numpy().astype(float) for name in choices]
                return np.nan_to_num(np.stack([score, *itch], axis=1))

            model = LogisticRegression(C=c, class_weight="balanced", max_iter=5000).fit(columns(inner), codes(inner))
            answers.append(model.predict_proba(columns(held)))
            true.append(codes(held))
        losses.append(balanced_log_loss(np.concatenate(answers), np.concatenate(true)))
    best = strengths[int(np.argmin(losses))]
    relabelled = VAL.assign(target=VAL.target.to_numpy()[::-1])  # validation rows have no say in it
    for val in (VAL, relabelled):
        chosen = fit({"name": "logistic_regression", "c": "cv"}, val=val)(TEST)
        assert (chosen == fit({"name": "logistic_regression", "c": [best]}, val=val)(TEST)).all()

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import permutation_test as scipy_permutation_test
from sklearn.metrics import balanced_accuracy_score, roc_auc_score

from mmskin.errors import ConfigError, DataError
from mmskin.evaluation import compare_arms
from mmskin.evaluation.paired_tests import paired_tests
from mmskin.evaluation.predictions import probabilities, target_codes

MALIGNANT = {"malignant": ["BCC", "MEL"]}


def answered(arm: str, answers: list[str]) -> pd.DataFrame:
    """Six cases of four patients, one of them (s) with three, in two folds."""
    rows = pd.DataFrame(
        {
            "case_id": [f"c{i}" for i in range(6)],
            "patient_id": ["p", "q", "r", "s", "s", "s"],
            "fold": [0, 0, 0, 1, 1, 1],
            "seed": 0,
            "arm": arm,
            "split": "test",
            "target": ["BCC", "BCC", "BCC", "BCC", "NEV", "NEV"],
        }
    )
    return rows.assign(prob_BCC=[0.9 if a == "BCC" else 0.2 for a in answers], prob_NEV=lambda t: 1 - t["prob_BCC"])


def test_six_cases_by_hand():
    # A case of BCC (four) weighs 1/8, one of NEV (two) 1/4. Late is right where image is wrong in p and q (+1/8 each)
    # and in both NEV of s (+1/2); both are right in r, image alone in the BCC of s (-1/8). Patients: 1/8, 1/8, 3/8; sum
    # 5/8. Of ±1 ± 1 ± 3 only +5 and -5 are as far: 2 of 8.
    late = answered("late", ["BCC", "BCC", "BCC", "NEV", "NEV", "NEV"])
    image = answered("image", ["NEV", "NEV", "BCC", "BCC", "BCC", "BCC"])
    found = paired_tests(pd.concat([late, image]), reference="image")
    swapped = found[found["test"] == "permutation"].iloc[0]
    assert (swapped["arm"], swapped["metric"], swapped["n"], swapped["patients"]) == ("late", "balanced_accuracy", 6, 4)
    assert swapped["estimate"] == pytest.approx(5 / 8)
    assert swapped["p"] == pytest.approx(2 / 8)
    assert np.isnan(swapped["low"])


def test_the_same_p_as_scipy_and_the_same_differences_as_scikit_learn(make_predictions):
    late = make_predictions(arm="late", skill=1.6, seeds=2, rng_seed=1)
    image = make_predictions(arm="image", seeds=3)
    found = paired_tests(pd.concat([late, image]), reference="image", class_groups=MALIGNANT).set_index(
        ["metric", "class"]
    )

    def mean_over_seeds(rows, score):
        return np.mean([score(one) for _, one in rows.groupby("seed")])

    def balanced(rows):
        return balanced_accuracy_score(target_codes(rows), probabilities(rows).argmax(axis=1))

    def group_auroc(rows):
        folds = [
            roc_auc_score(one["target"].isin(MALIGNANT["malignant"]), one["prob_BCC"] + one["prob_MEL"])
            for _, one in rows.groupby("fold")
        ]
        return np.mean(folds)

    for key, score in {("balanced_accuracy", ""): balanced, ("group_auroc", "malignant"): group_auroc}.items():
        expected = mean_over_seeds(late, score) - mean_over_seeds(image, score)
        assert found.loc[key, "estimate"] == pytest.approx(expected)

    def gains(rows):  # of each patient, classes counting alike
        right = (probabilities(rows).argmax(axis=1) == target_codes(rows)) / rows["seed"].nunique()
        size = rows.drop_duplicates("case_id")["target"].value_counts()
        return (
            pd.Series(right / rows["target"].map(size).to_numpy() / len(size)).groupby(rows["patient_id"].array).sum()
        )

    by_scipy = scipy_permutation_test(
        (gains(late).to_numpy(), gains(image).to_numpy()),
        lambda first, second, axis: (first - second).sum(axis=axis),
        permutation_type="samples",
        n_resamples=20_000,
        vectorized=True,
        rng=np.random.default_rng(0),
    )
    p = found.loc[("balanced_accuracy", ""), "p"]
    assert 0.001 < by_scipy.pvalue < 0.5
    assert p == pytest.approx(by_scipy.pvalue, abs=4 * np.sqrt(p * (1 - p) * (1 / 10_000 + 1 / 20_000)))


def test_auroc_agrees_with_the_bootstrap_in_estimate_and_error(make_predictions):
    table = pd.concat([make_predictions(arm="late", n=400, skill=1.6, rng_seed=1), make_predictions(n=400)])
    found = paired_tests(table, reference="image")
    of_classes = found[found["metric"] == "auroc"]
    macro = compare_arms(table, reference="image", metrics=["macro_auroc"], replicates=500).iloc[0]
    assert of_classes["estimate"].mean() == pytest.approx(macro["estimate"])
    # Errors of the classes are neither independent nor equal; their mean lies between the macro's and twice that.
    assert macro["high"] - macro["low"] < (of_classes["high"] - of_classes["low"]).mean()
    assert list(of_classes["n"]) == list(table[table["arm"] == "late"]["target"].value_counts().sort_index())


def test_neither_order_of_rows_nor_other_arms_matter(make_predictions):
    late, image = make_predictions(arm="late", skill=1.5, seeds=2, rng_seed=1), make_predictions(arm="image", seeds=2)
    third = make_predictions(arm="third", rng_seed=2)
    alone = paired_tests(pd.concat([late, image]), reference="image", class_groups=MALIGNANT)
    mixed = pd.concat([third, image, late]).sample(frac=1, random_state=0)
    among = paired_tests(mixed, reference="image", class_groups=MALIGNANT)
    of_late = among[among["arm"] == "late"].reset_index(drop=True)
    pd.testing.assert_frame_equal(of_late, alone)


def test_an_arm_equals_its_twin(make_predictions):
    found = paired_tests(pd.concat([make_predictions(), make_predictions(arm="twin")]), reference="image")
    assert list(found["estimate"]) == [0.0] * 5
    assert list(found["p"]) == [1.0] * 5


def test_folds_that_share_patients_have_no_error_by_delong(make_predictions):
    late, image = make_predictions(arm="late", rng_seed=1), make_predictions()
    moved = late.assign(fold=(late["fold"] + 1) % 3 * (late.index % 2))
    found = paired_tests(pd.concat([moved, image]), reference="image").set_index("test")
    assert found.loc["delong", ["estimate", "p"]].isna().all(axis=None)
    untouched = paired_tests(pd.concat([late, image]), reference="image").set_index("test")
    assert found.loc["permutation", "p"] == untouched.loc["permutation", "p"]


def test_what_cannot_be_paired_is_refused(make_predictions):
    rows = make_predictions()
    with pytest.raises(ConfigError, match=r"reference arm 'imag' does not exist. Did you mean 'image'"):
        paired_tests(rows, reference="imag")
    with pytest.raises(DataError, match="same cases to be paired, however, 1 cases stand in one only: c0000"):
        paired_tests(pd.concat([rows, rows.iloc[1:].assign(arm="less")]), reference="image")
    two = pd.concat([rows, rows.assign(arm="late")])
    with pytest.raises(DataError, match="class group 'malignant': class 'MELA' does not exist"):
        paired_tests(two, reference="image", class_groups={"malignant": ["MELA"]})

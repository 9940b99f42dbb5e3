from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from mmskin.errors import ConfigError, DataError
from mmskin.evaluation import METRICS, compare_arms, differences, evaluate, paired_difference, patient_weights
from mmskin.evaluation.differences import holm, too_few_resamples
from mmskin.evaluation.metrics import macro_f1
from mmskin.evaluation.predictions import probabilities, target_codes
from mmskin.evaluation.results import Runs, evaluate_runs
from mmskin.report.results_report import caveats


@pytest.mark.parametrize("metric", [name for name, m in METRICS.items() if m.better and m.kind != "class"])
def test_an_arm_differs_from_itself_by_exactly_nothing(make_predictions, metric):
    rows = make_predictions()
    found = paired_difference(rows, rows.assign(arm="twin"), metric=metric, replicates=50)
    assert (found.estimate, found.low, found.high, found.p, found.detectable) == (0, 0, 0, 1, 0)
    assert found.verdict == "not distinguishable"


def test_a_difference_is_that_of_the_estimates(make_predictions):
    good, poor = make_predictions(arm="good", skill=3.0), make_predictions(arm="poor", skill=0.5, rng_seed=1)
    found = paired_difference(good, poor, metric="log_loss", replicates=200)
    table = evaluate(pd.concat([good, poor]), replicates=2)
    losses = table[(table["metric"] == "log_loss") & (table["subset"] == "all")].set_index("arm")["estimate"]
    assert found.estimate == pytest.approx(losses["good"] - losses["poor"])
    assert found.estimate < 0
    assert found.verdict == "better"
    assert found.p == pytest.approx(2 / 201)
    assert (found.n, found.patients) == (120, good["patient_id"].nunique())


def test_swapping_the_arms_flips_the_difference(make_predictions):
    first, second = make_predictions(arm="a", skill=2.5), make_predictions(arm="b", skill=0.5, rng_seed=1)
    there = paired_difference(first, second, replicates=200)
    back = paired_difference(second, first, replicates=200)
    assert there.estimate == -back.estimate
    assert (there.low, there.high) == pytest.approx((-back.high, -back.low))
    assert (there.verdict, back.verdict) == ("better", "worse")


def test_pairing_is_narrower_than_two_intervals(make_predictions):
    rows = make_predictions(n=200)
    close = rows.assign(arm="close")
    close.loc[:9, "target"] = rows.loc[:9, "target"]
    columns = [column for column in rows if column.startswith("prob_")]
    close.loc[:9, columns] = rows.loc[:9, columns[::-1]].to_numpy()
    found = paired_difference(rows, close, metric="accuracy", replicates=300)
    alone = evaluate(rows, replicates=300).set_index(["subset", "metric", "class"]).loc[("all", "accuracy", "")]
    assert found.high - found.low < 0.6 * (alone["high"] - alone["low"])


def test_one_class_can_be_compared(make_predictions):
    first, second = make_predictions(arm="a", skill=3.0), make_predictions(arm="b", skill=0.0, rng_seed=1)
    found = paired_difference(first, second, metric="sensitivity", class_name="MEL", replicates=100)
    assert found.class_name == "MEL"
    assert found.estimate > 0
    group = paired_difference(
        first,
        second,
        metric="group_auroc",
        class_name="malignant",
        class_groups={"malignant": ["BCC", "MEL"]},
        replicates=100,
    )
    assert group.verdict == "better"


def test_holm_by_hand():
    # Sorted .01, .02, .04 times 3, 2, 1: .03, .04, .04. Equal to statsmodels' multipletests(method="holm").
    assert holm([0.04, 0.01, 0.02]) == pytest.approx([0.04, 0.03, 0.04])
    assert holm([0.6, 0.7]) == [1.0, 1.0]
    assert holm([]) == []


def test_all_arms_are_compared_with_the_reference_and_corrected(make_predictions):
    arms = [
        make_predictions(arm=name, skill=skill, rng_seed=i)
        for i, (name, skill) in enumerate({"image": 1.0, "late": 3.0, "same": 1.0}.items())
    ]
    table = compare_arms(pd.concat(arms), reference="image", metrics=["balanced_accuracy"], replicates=300)
    assert list(table["arm"]) == ["late", "same"]
    assert list(table["verdict"]) == ["better", "not distinguishable"]
    assert list(table["p_adjusted"]) == pytest.approx(holm(list(table["p"])))
    alone = paired_difference(arms[1], arms[0], replicates=300)
    row = table.iloc[0]
    assert (row["estimate"], row["low"], row["p"]) == pytest.approx((alone.estimate, alone.low, alone.p))


def test_arms_may_have_different_seeds(make_predictions):
    table = pd.concat([make_predictions(arm="image"), make_predictions(arm="late", seeds=3, rng_seed=1)])
    assert np.isfinite(compare_arms(table, reference="image", replicates=50)["estimate"]).all()


def test_seeds_are_averaged_inside_each_resample(make_predictions):
    # The mean of the seeds' own replicates: not the metric of all their rows, nor of their mean probabilities.
    arm = make_predictions(arm="late", seeds=3, skill=1.5)
    reference = make_predictions(arm="image", seeds=2, rng_seed=1)
    found = paired_difference(arm, reference, metric="macro_f1", replicates=100)
    weights = np.vstack([np.ones(120), patient_weights(arm["patient_id"].iloc[:120], replicates=100)])
    means = [
        np.mean([macro_f1(target_codes(one), probabilities(one), weights) for _, one in rows.groupby("seed")], axis=0)
        for rows in (arm, reference)
    ]
    difference = means[0] - means[1]
    assert found.estimate == pytest.approx(difference[0])
    # The luck of training stretches them about the estimate, see test_training_seeds.
    stretch = found.detectable / (2.802 * difference[1:].std(ddof=1))
    low, high = np.quantile(difference[1:], [0.025, 0.975])
    assert stretch > 1
    assert found.low == pytest.approx(found.estimate + stretch * (low - found.estimate))
    assert found.high == pytest.approx(found.estimate + stretch * (high - found.estimate))
    assert found.n == 120


def test_a_seed_that_lacks_cases_is_refused(make_predictions):
    rows = make_predictions(seeds=2)
    lost = rows.index[(rows["seed"] == 1) & (rows["fold"] == 2)]
    lacking = rows.drop(index=lost).assign(arm="late")
    with pytest.raises(DataError, match=rf"arm 'late' .* every seed, however, seed 1 lacks {len(lost)}: c0000"):
        paired_difference(rows, lacking, replicates=2)
    with pytest.raises(DataError, match=r"arm 'late' .* seed 1 lacks"):
        compare_arms(pd.concat([lacking, rows]), reference="image", replicates=2)


def test_other_cases_cannot_be_paired(make_predictions):
    rows = make_predictions()
    with pytest.raises(DataError, match="same cases to be paired, however, 2 cases stand in one only: c0000, c0001"):
        paired_difference(rows, rows.iloc[2:].assign(arm="less"), replicates=2)


def test_two_arms_on_one_side_are_refused(make_predictions):
    rows = make_predictions()
    with pytest.raises(DataError, match="one arm a side, however: image, text"):
        paired_difference(pd.concat([rows, rows.assign(arm="text")]), rows, replicates=2)


def test_metrics_without_direction_are_refused(make_predictions):
    rows = make_predictions()
    with pytest.raises(ConfigError, match="calibration_slope has no better direction"):
        paired_difference(rows, rows, metric="calibration_slope", replicates=2)
    with pytest.raises(ConfigError, match=r"metric 'acuracy' does not exist. Did you mean 'accuracy'"):
        paired_difference(rows, rows, metric="acuracy", replicates=2)
    with pytest.raises(ConfigError, match="sensitivity is per class; say of which"):
        paired_difference(rows, rows, metric="sensitivity", replicates=2)
    with pytest.raises(ConfigError, match="sensitivity of 'MELA' does not exist"):
        paired_difference(rows, rows, metric="sensitivity", class_name="MELA", replicates=2)
    with pytest.raises(ConfigError, match=r"reference arm 'imag' does not exist. Did you mean 'image'"):
        compare_arms(rows, reference="imag", replicates=2)


def three_arms(make_predictions, skills: dict[str, float]) -> pd.DataFrame:
    arms = [make_predictions(arm=arm, skill=skill, rng_seed=i) for i, (arm, skill) in enumerate(skills.items())]
    return pd.concat(arms)


def test_holm_with_a_primary_by_hand(monkeypatch, make_predictions):
    # p of b, c, d: .03, .02, .04. b was named: .03 stands, so b is better. c and d are two of a search: .02 × 2 = .04,
    # then .04. Holm over all three: sorted .02, .03, .04 times 3, 2, 1: .06, .06, .06 (never falling).
    # In the second metric nothing was named: .06 three times.
    p_values = iter([0.03, 0.02, 0.04] * 2)
    monkeypatch.setattr(differences, "_two_sided_p", lambda drawn: next(p_values))
    table = three_arms(make_predictions, {"a": 0.0, "b": 2.0, "c": 2.0, "d": 2.0})
    found = compare_arms(table, reference="a", primary="b", replicates=20)
    first, second = found.iloc[:3], found.iloc[3:]
    assert list(first["arm"]) == ["b", "c", "d"]
    assert list(first["role"]) == ["primary", "exploratory", "exploratory"]
    assert list(first["p_adjusted"]) == pytest.approx([0.03, 0.04, 0.04])
    assert list(first["p_holm_all"]) == pytest.approx([0.06, 0.06, 0.06])
    assert list(first["verdict"]) == ["better"] * 3
    assert set(second["role"]) == {"exploratory"}
    assert list(second["p_adjusted"]) == list(second["p_holm_all"]) == pytest.approx([0.06] * 3)
    assert set(second["verdict"]) == {"not distinguishable"}


def test_a_primary_changes_p_adjusted_and_nothing_that_was_measured(make_predictions):
    table = three_arms(make_predictions, {"a": 1.0, "b": 1.6, "c": 1.3})
    without = compare_arms(table, reference="a", replicates=100)
    named = compare_arms(table, reference="a", primary="c", replicates=100)
    assert set(without["role"]) == {"exploratory"}
    assert list(without["p_adjusted"]) == list(without["p_holm_all"]) == list(named["p_holm_all"])
    measured = ["arm", "metric", "estimate", "low", "high", "p", "detectable", "n", "patients"]
    pd.testing.assert_frame_equal(without[measured], named[measured], check_exact=True)
    assert list(named["role"]) == ["exploratory", "primary", "exploratory", "exploratory"]
    assert named["p_adjusted"].iloc[1] == named["p"].iloc[1]


def test_a_primary_metric_may_be_better_below(make_predictions):
    table = three_arms(make_predictions, {"a": 0.0, "b": 3.0})
    found = compare_arms(table, reference="a", primary="b", metrics=["log_loss", "macro_auroc"], replicates=100)
    assert list(found["role"]) == ["primary", "exploratory"]
    assert found["estimate"].iloc[0] < 0 < found["estimate"].iloc[1]
    assert list(found["verdict"]) == ["better", "better"]


def test_a_primary_arm_that_is_not_there_or_is_the_reference_is_refused(make_predictions):
    table = three_arms(make_predictions, {"late": 0.0, "image": 1.0})
    with pytest.raises(ConfigError, match=r"primary arm 'lat' does not exist. Did you mean 'late'"):
        compare_arms(table, reference="image", primary="lat", replicates=2)
    with pytest.raises(ConfigError, match="primary arm 'image' does not exist"):
        compare_arms(table, reference="image", primary="image", replicates=2)


def test_arms_that_only_resamples_hold_back_are_named() -> None:
    # 2 / 101 = .0198 is the least of 100 resamples: of three arms Holm makes .0594, .0396 and so on
    table = pd.DataFrame({"arm": ["a", "b", "c"], "p": [2 / 101, 0.2, 2 / 101], "p_adjusted": [6 / 101, 0.4, 4 / 101]})
    assert too_few_resamples(table, replicates=100) == ["a"]
    assert too_few_resamples(table, replicates=50) == ["a"]  # below the least is at the least
    assert too_few_resamples(table, replicates=1000) == []


def test_many_better_arms_and_few_resamples_are_a_caveat_of_the_report(make_predictions) -> None:
    arms = [make_predictions(arm="reference", skill=0.0)]
    arms += [make_predictions(arm=f"arm_{k}", skill=4.0, rng_seed=k + 1) for k in range(4)]
    runs = Runs(pd.concat(arms, ignore_index=True), [], {})
    one_seed, told = caveats(evaluate_runs(runs, reference="reference", replicates=100))
    assert one_seed == "All arms were trained with one seed: no interval holds the luck of training."
    assert told.startswith("100 resamples cannot show a p below 0.0198")
    assert "--replicates 1000." in told
    assert caveats(evaluate_runs(runs, reference="reference", replicates=1000)) == [one_seed]

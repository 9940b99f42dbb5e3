from __future__ import annotations

import math

import numpy as np
import pytest

from mmskin.errors import ConfigError
from mmskin.evaluation.decision_curve import biopsies_per_cancer, decision_curve, net_benefit

# Family history and cancer of 750 patients, the example of the R and Python packages dcurves: 24 of 105 with cancer
# and 91 of 645 without have one.
INSIDE = np.arange(750) < 105
HISTORY = np.concatenate([np.arange(105) < 24, np.arange(645) < 91])
ONCE = np.ones((1, 750))


@pytest.mark.parametrize(
    ("threshold", "history", "everybody"),
    [(0.05, 0.025614, 0.094737), (0.1, 0.018519, 0.044444), (0.2, 0.001667, -0.075), (0.5, -0.089333, -0.72)],
)
def test_net_benefit_is_that_of_dcurves(threshold, history, everybody) -> None:
    table = decision_curve(HISTORY.astype(float), INSIDE, thresholds=[threshold], weights=ONCE)
    assert list(table["strategy"]) == ["model", "all", "none"]
    assert list(table["net_benefit"]) == pytest.approx([history, everybody, 0], abs=5e-7)
    assert list(table["standardized"]) == pytest.approx([history / 0.14, everybody / 0.14, 0], abs=4e-6)


def test_another_prevalence_by_hand() -> None:
    # Sensitivity 24/105, false positives 91/645, at 2 %: .02 · .228571 - .98 · .141085 / 19 = -.002706.
    found = net_benefit(HISTORY, INSIDE, threshold=0.05, weights=ONCE, prevalence=0.02)
    assert found == pytest.approx([-0.002706], abs=5e-7)
    # Treating all crosses treating none where the threshold is the prevalence.
    assert net_benefit(INSIDE | True, INSIDE, threshold=0.02, weights=ONCE, prevalence=0.02) == pytest.approx([0])


def test_the_prevalence_of_the_cases_changes_nothing() -> None:
    weights = np.vstack([np.ones(750), np.random.default_rng(0).multinomial(750, np.full(750, 1 / 750))])
    share = weights[1] @ INSIDE / 750
    plain = net_benefit(HISTORY, INSIDE, threshold=0.1, weights=weights)
    assert net_benefit(HISTORY, INSIDE, threshold=0.1, weights=weights, prevalence=share)[1] == pytest.approx(plain[1])


def test_a_perfect_model_has_the_prevalence_and_1_standardized() -> None:
    table = decision_curve(INSIDE.astype(float), INSIDE, thresholds=[0.1, 0.6], weights=ONCE)
    perfect = table[table["strategy"] == "model"]
    assert list(perfect["net_benefit"]) == pytest.approx([0.14, 0.14])
    assert list(perfect["standardized"]) == pytest.approx([1, 1])


def test_a_score_at_the_threshold_is_acted_on_and_resamples_give_the_interval() -> None:
    # t = .5: (TP - FP) / n. Data: .5 and .7 flagged, one of them inside: 0. Resamples: 3/3, -3/3.
    scores, inside = np.array([0.5, 0.7, 0.2]), np.array([True, False, True])
    weights = np.array([[1.0, 1, 1], [3, 0, 0], [0, 3, 0]])
    model = decision_curve(scores, inside, thresholds=[0.5], weights=weights).iloc[0]
    assert model["net_benefit"] == 0
    assert (model["low"], model["high"]) == pytest.approx((-0.95, 0.95))
    assert (model["standardized_low"], model["standardized_high"]) == pytest.approx((1, 1))  # the other has no cancer


def test_biopsies_per_cancer_by_hand() -> None:
    scores = HISTORY.astype(float)
    found = biopsies_per_cancer(scores, INSIDE, threshold=0.5, weights=ONCE)
    assert found.estimate == pytest.approx(115 / 24)
    assert (found.flagged, found.found) == (115, 24)
    assert biopsies_per_cancer(scores, INSIDE, threshold=0, weights=ONCE).estimate == pytest.approx(750 / 105)
    everybody = biopsies_per_cancer(scores, INSIDE, threshold=0, weights=ONCE, prevalence=0.02)
    assert everybody.estimate == pytest.approx(50)


def test_flagging_without_finding_is_infinite_in_the_interval_too() -> None:
    scores, inside = np.array([0.9, 0.8, 0.1]), np.array([True, False, True])
    weights = np.array([[1.0, 1, 1], [3, 0, 0], [0, 3, 0], [0, 3, 0]])
    found = biopsies_per_cancer(scores, inside, threshold=0.5, weights=weights)
    assert found[:3] == pytest.approx((2, 1 / 0.95, math.inf))  # predictive values 0, 0, 1: quantiles 0 and .95
    assert biopsies_per_cancer(scores, ~inside & (scores < 0), threshold=0.5, weights=weights)[0] == math.inf


def test_flagging_nobody_has_no_number() -> None:
    found = biopsies_per_cancer(HISTORY.astype(float), INSIDE, threshold=2, weights=ONCE)
    assert [math.isnan(value) for value in found[:3]] == [True] * 3
    assert (found.flagged, found.found) == (0, 0)


def test_without_cancer_there_is_a_loss_but_no_standard_to_hold_it_against() -> None:
    nobody = np.zeros(4, dtype=bool)
    table = decision_curve(np.full(4, 0.9), nobody, thresholds=[0.5], weights=np.ones((1, 4)))
    assert list(table["net_benefit"]) == [-1, -1, 0]
    assert table["standardized"].isna().all()
    assert np.isnan(net_benefit(~nobody, nobody, threshold=0.5, weights=np.ones((1, 4)), prevalence=0.1))


def test_what_is_no_risk_or_no_share_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"threshold must lie in \[0, 1\), however: threshold=1"):
        decision_curve(HISTORY.astype(float), INSIDE, thresholds=[1], weights=ONCE)
    with pytest.raises(ConfigError, match="prevalence=2"):
        biopsies_per_cancer(HISTORY.astype(float), INSIDE, threshold=0.5, weights=ONCE, prevalence=2)

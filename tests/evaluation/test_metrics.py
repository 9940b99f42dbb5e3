from __future__ import annotations

import numpy as np
import pytest
import sklearn.metrics as sk
from scipy.optimize import brentq, minimize_scalar

from mmskin.evaluation import metrics as m


def cases(seed: int, *, n: int = 90, num_classes: int = 4, ties: bool = False, missing: int | None = None):
    """Targets, probabilities, real-valued weights; with ties, probabilities take few values."""
    rng = np.random.default_rng(seed)
    target = rng.choice([c for c in range(num_classes) if c != missing], size=n)
    scores = rng.dirichlet(np.ones(num_classes), size=n) + 0.7 * np.eye(num_classes)[target] * rng.random((n, 1))
    if ties:
        scores = np.ceil(scores * 4)
    probs = scores / scores.sum(axis=1, keepdims=True)
    return target, probs, rng.random(n) * 3


EVERY = {"ties": True}, {"ties": False}, {"missing": 2}, {"missing": 2, "ties": True}


@pytest.mark.parametrize("kind", EVERY)
@pytest.mark.parametrize("seed", range(3))
def test_answers_equal_scikit_learn(seed, kind):
    target, probs, weights = cases(seed, **kind)
    preds, present = probs.argmax(axis=1), np.unique(target)
    given = {"sample_weight": weights}
    assert m.accuracy(target, probs, weights) == pytest.approx(sk.accuracy_score(target, preds, **given))
    recall = sk.recall_score(target, preds, labels=present, average=None, zero_division=0, **given)
    assert m.sensitivity(target, probs, weights)[present] == pytest.approx(recall)
    assert m.balanced_accuracy(target, probs, weights) == pytest.approx(recall.mean())
    f1 = sk.f1_score(target, preds, labels=present, average="macro", zero_division=0, **given)
    assert m.macro_f1(target, probs, weights) == pytest.approx(f1)
    assert m.confusion(target, probs, weights) == pytest.approx(
        sk.confusion_matrix(target, preds, labels=range(4), **given)
    )
    for c in present:  # specificity is the recall of "not this class"
        other = sk.recall_score(target != c, preds != c, **given)
        assert m.specificity(target, probs, weights)[c] == pytest.approx(other)


@pytest.mark.parametrize("kind", EVERY)
@pytest.mark.parametrize("seed", range(3))
def test_ranking_equals_scikit_learn(seed, kind):
    target, probs, weights = cases(seed, **kind)
    by_class = m.auroc(target, probs, weights)
    for c in np.unique(target):
        assert by_class[c] == pytest.approx(sk.roc_auc_score(target == c, probs[:, c], sample_weight=weights))
    assert m.macro_auroc(target, probs, weights) == pytest.approx(np.mean(by_class[np.unique(target)]))
    if "missing" not in kind:
        overall = sk.roc_auc_score(target, probs, multi_class="ovr", average="macro", sample_weight=weights)
        assert m.macro_auroc(target, probs, weights) == pytest.approx(overall)
    inside = np.isin(target, [1, 3])
    expected = sk.roc_auc_score(inside, probs[:, [1, 3]].sum(axis=1), sample_weight=weights)
    assert m.group_auroc(target, probs, weights, members=[1, 3]) == pytest.approx(expected)


@pytest.mark.parametrize("seed", range(3))
def test_probabilities_equal_scikit_learn(seed):
    target, probs, weights = cases(seed)
    loss = sk.log_loss(target, probs, sample_weight=weights, labels=range(4))
    assert m.log_loss(target, probs, weights) == pytest.approx(loss)
    brier = sk.brier_score_loss(target, probs, sample_weight=weights, labels=range(4), scale_by_half=False)
    assert m.brier(target, probs, weights) == pytest.approx(brier)
    top3 = sk.top_k_accuracy_score(target, probs, k=3, sample_weight=weights, labels=range(4))
    assert m.top_k_accuracy(target, probs, weights) == pytest.approx(top3)


@pytest.mark.parametrize("seed", range(4))
def test_calibration_slope_maximises_the_likelihood(seed):
    target, probs, weights = cases(seed, n=200)

    def loss(slope: float) -> float:
        scaled = probs**slope
        own = np.take_along_axis(scaled / scaled.sum(axis=1, keepdims=True), target[:, None], axis=1)[:, 0]
        return float(-(weights * np.log(own)).sum())

    found = minimize_scalar(loss, bounds=(-10, 20), method="bounded", options={"xatol": 1e-8})
    assert m.calibration_slope(target, probs, weights) == pytest.approx(found.x, abs=1e-4)


@pytest.mark.parametrize("seed", range(20))
def test_calibration_slope_is_the_root_of_the_derivative_to_five_digits(seed):
    rng = np.random.default_rng(seed)
    probs = rng.dirichlet([0.5] * 4, size=60)
    flatter = probs ** rng.uniform(0.2, 2)
    flatter /= flatter.sum(axis=1, keepdims=True)
    target = (rng.random((60, 1)) > flatter.cumsum(axis=1)[:, :-1]).sum(axis=1)
    logs = np.log(np.clip(probs, np.finfo(float).eps, None))

    def derivative(slope: float) -> float:
        scaled = np.exp(slope * logs)
        expected = (scaled * logs).sum(axis=1) / scaled.sum(axis=1)
        return float((logs[np.arange(60), target] - expected).sum())

    assert m.calibration_slope(target, probs) == pytest.approx(brentq(derivative, -10, 10, xtol=1e-12), abs=1e-5)


def test_calibration_slope_undoes_a_temperature():
    target, probs, weights = cases(0, n=300)
    slope = m.calibration_slope(target, probs, weights)
    sharper = probs**3 / (probs**3).sum(axis=1, keepdims=True)
    assert m.calibration_slope(target, sharper, weights) == pytest.approx(slope / 3, abs=1e-4)


def test_ece_by_hand():
    # Confidences .9 (right, right), .9 (wrong), .6 (right): bins (.867, .933] and (.533, .6]. All weights 1:
    # |2 - 2.7| / 4 + |1 - .6| / 4 = .275. With the wrong one left out: |2 - 1.8| / 3 + .4 / 3 = .2.
    probs = np.array([[0.9, 0.1], [0.9, 0.1], [0.9, 0.1], [0.6, 0.4]])
    target = np.array([0, 0, 1, 0])
    weights = np.array([[1.0, 1, 1, 1], [1, 1, 0, 1]])
    assert m.ece(target, probs, weights) == pytest.approx([0.275, 0.2])


def test_calibration_in_the_large_by_hand():
    probs = np.array([[0.9, 0.1], [0.7, 0.3]])
    assert m.calibration_in_the_large(np.array([0, 1]), probs) == pytest.approx([0.3, -0.3])


def test_confidence_bins_are_closed_above():
    confidence = np.array([0.0, 0.2, 0.2001, 1.0])
    assert m.confidence_bin(confidence, bins=5).tolist() == [0, 0, 1, 4]


def test_group_sensitivity_does_not_care_which_member_was_named():
    # Classes 1 and 2 are malignant; the first case is 1 answered as 2, the third is 0 answered as 1.
    probs = np.array([[0.1, 0.2, 0.7], [0.8, 0.1, 0.1], [0.3, 0.6, 0.1], [0.9, 0.1, 0.0]])
    target = np.array([1, 2, 0, 0])
    assert m.group_sensitivity(target, probs, members=[1, 2]) == 0.5
    assert m.group_specificity(target, probs, members=[1, 2]) == 0.5


@pytest.mark.parametrize("name", m.METRICS)
def test_whole_weights_are_repeated_rows(name):
    target, probs, _ = cases(5, ties=True)
    counts = np.random.default_rng(6).integers(0, 4, size=(3, len(target)))
    compute = m.METRICS[name].compute
    together = compute(target, probs, counts.astype(float))
    for one, values in zip(counts, together, strict=True):
        rows = np.repeat(np.arange(len(target)), one)
        assert values == pytest.approx(compute(target[rows], probs[rows], np.ones(len(rows))))


@pytest.mark.parametrize("name", m.METRICS)
def test_only_the_proportions_of_weights_count(name):
    target, probs, weights = cases(7)
    compute = m.METRICS[name].compute
    assert compute(target, probs, weights) == pytest.approx(compute(target, probs, 10 * weights))


@pytest.mark.parametrize("name", m.METRICS)
def test_without_weight_everything_is_nan(name):
    target, probs, weights = cases(8)
    assert np.isnan(m.METRICS[name].compute(target, probs, 0 * weights)).all()


def test_a_class_without_cases_is_nan_and_left_out_of_the_mean():
    probs = np.array([[0.8, 0.1, 0.1], [0.1, 0.8, 0.1], [0.8, 0.1, 0.1]])
    target = np.array([0, 1, 1])
    assert m.sensitivity(target, probs) == pytest.approx([1, 0.5, np.nan], nan_ok=True)
    assert m.auroc(target, probs)[2] != m.auroc(target, probs)[2]
    assert m.balanced_accuracy(target, probs) == 0.75
    # Class 0 loses its only case in the second resample.
    assert m.balanced_accuracy(target, probs, np.array([[1.0, 1, 1], [0, 1, 1]])) == pytest.approx([0.75, 0.5])


def test_ties_go_to_the_first_class():
    probs = np.array([[0.25, 0.25, 0.25, 0.25]])
    assert m.accuracy(np.array([0]), probs) == 1
    assert m.top_k_accuracy(np.array([2]), probs) == 1
    assert m.top_k_accuracy(np.array([3]), probs) == 0


def test_slope_is_nan_where_no_finite_slope_is_best():
    uniform, sure = np.full((3, 2), 0.5), np.tile([0.9, 0.1], (3, 1))
    assert np.isnan(m.calibration_slope(np.array([0, 1, 0]), uniform))
    assert np.isnan(m.calibration_slope(np.array([0, 0, 0]), sure))


def test_folds_are_ranked_by_themselves():
    # Perfect in each fold, but the second model scores higher throughout: pooled, a negative beats a positive.
    target = np.array([0, 1, 0, 1])
    score = np.array([0.1, 0.2, 0.8, 0.9])
    probs, fold = np.stack([1 - score, score], axis=1), np.array([0, 0, 1, 1])
    assert m.within_folds(m.auroc, target, probs, np.ones(4), fold=fold) == pytest.approx([1, 1])
    assert m.auroc(target, probs) == pytest.approx([0.75, 0.75])


def test_a_fold_without_positives_is_left_out():
    target, score = np.array([0, 1, 0, 0]), np.array([0.3, 0.2, 0.8, 0.9])
    probs, fold = np.stack([1 - score, score], axis=1), np.array([0, 0, 1, 1])
    assert m.within_folds(m.auroc, target, probs, np.ones(4), fold=fold) == pytest.approx([0, 0])


def test_a_class_that_is_ruled_out_costs_36_nats_not_infinity():
    assert m.log_loss(np.array([1]), np.array([[1.0, 0.0]])) == pytest.approx(36.04, abs=0.01)

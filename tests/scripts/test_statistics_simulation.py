"""The simulation behind the statistics: that its truth is the one it claims, and that our tests keep their level."""

from __future__ import annotations

import numpy as np
import pytest
import statistics_simulation as simulation

from mmskin.evaluation import check_predictions


@pytest.mark.parametrize("gain", [0.0, 0.06])
def test_the_truth_is_the_one_claimed(gain):
    trial = simulation.draw_trial(np.random.default_rng(0), gain=gain, patients=60_000)
    right = trial.probs.argmax(axis=-1) == trial.target
    for arm, claimed in enumerate((simulation.SENSITIVITY, simulation.SENSITIVITY + gain)):
        for c, share in enumerate(claimed):
            # A class has 3,300 photos or more, whose patients make them worth about half as many.
            assert right[arm, 0, trial.target == c].mean() == pytest.approx(share, abs=0.04)
        balanced = np.mean([right[arm][:, trial.target == c].mean() for c in range(6)])
        assert balanced == pytest.approx(claimed.mean(), abs=0.01)
    shares = np.bincount(trial.target) / len(trial.target)
    assert shares == pytest.approx(simulation.COUNTS / simulation.COUNTS.sum(), abs=0.01)


def test_luck_leaves_the_mean_where_it_was():
    rng = np.random.default_rng(1)
    right = []
    for _ in range(300):
        trial = simulation.draw_trial(rng, luck=0.5, patients=200)
        right.append([(trial.probs[:, 0].argmax(axis=-1) == trial.target)[:, trial.target == 0].mean(axis=1)])
    assert np.mean(right) == pytest.approx(0.7, abs=0.02)
    assert np.std(right) > 0.1


def test_patients_are_like_those_of_pad_ufes_20():
    trial = simulation.draw_trial(np.random.default_rng(2))
    photos = np.bincount(trial.patient)
    assert len(photos) == 900
    assert photos.max() <= 10
    assert 1150 < len(trial.target) < 1400
    for p in range(5):
        assert set(trial.patient[trial.fold == p]).isdisjoint(trial.patient[trial.fold != p])
    check_predictions(simulation.predictions(trial))


def test_the_difference_of_the_arms_is_alike_within_a_patient():
    trial = simulation.draw_trial(np.random.default_rng(3), patients=20_000)
    right = (trial.probs.argmax(axis=-1) == trial.target).mean(axis=1)
    gain = right[1] - right[0]
    of_patient = np.bincount(trial.patient, weights=gain)
    independent = np.bincount(trial.patient, weights=gain**2)
    assert (of_patient**2).sum() > 1.2 * independent.sum()  # equal if cases were independent


def test_mcnemar_by_hand():
    # Eight discordant rows, seven for the first: 2 (1 + 8) / 2^8.
    first, second = np.repeat([True, False, True], [7, 1, 5]), np.repeat([False, True, True], [7, 1, 5])
    assert simulation.mcnemar(first, second) == pytest.approx(18 / 256)
    assert simulation.mcnemar(first, first) == 1


def test_corrected_t_by_hand():
    # Mean .03, variance .00025 of five folds: t = .03 / sqrt(.00025 (1/5 + 1/4)) = 2.828427 = sqrt 8, 4 degrees.
    # P(|T| > sqrt 8) for 4 degrees in closed form: 1 - x (1.5 - x^2/2), x = sqrt(8 / 12).
    x = np.sqrt(8 / 12)
    expected = 1 - x * (1.5 - x**2 / 2)
    assert simulation.corrected_t(np.array([0.01, 0.02, 0.03, 0.04, 0.05])) == pytest.approx(expected)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_our_tests_keep_their_level_and_intervals_their_coverage():
    shares = simulation.simulate(datasets=200, replicates=300, seed=1)
    ours = [name for name in shares if "patient" in name]
    assert len(ours) == 4
    for name in ours:
        assert shares[name] <= 0.10  # binomial(200, .05): above 20 once in 1,000 times
    assert shares[simulation.COVERS] >= 0.90
    # What takes rows for patients claims more.
    assert shares["DeLong on rows, AUROC of malignant"] > shares["DeLong by patient, AUROC of malignant"]
    better = simulation.simulate(datasets=200, replicates=300, seed=2, gain=0.06, aurocs=False)
    assert better[simulation.COVERS] >= 0.90

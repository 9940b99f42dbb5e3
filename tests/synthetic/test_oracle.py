from __future__ import annotations

import numpy as np
import pytest

from mmskin.errors import ConfigError
from mmskin.synthetic.bayes import posterior, sample_ceiling
from mmskin.synthetic.case import twin
from mmskin.synthetic.clinic import Truth
from mmskin.synthetic.latents import WORRYING, default_design
from mmskin.synthetic.oracle import oracle_probs
from mmskin.synthetic.population import Missing, Shortcut, draw_cases, latents_of


def test_oracle_sees_recorded_fields_only() -> None:
    truth = Truth(default_design(interaction=0.5), Missing(at_random=0.4), None)
    cases = draw_cases(truth.design, 200, seed=1, missing=truth.missing)
    seen = latents_of(cases, truth.design, recorded_only=True)
    expected = posterior(truth.design, photo=seen.photo, history=seen.history)
    assert oracle_probs(cases, truth) == pytest.approx(expected)
    silent = posterior(truth.design, history=seen.history)
    assert oracle_probs(cases, truth, photo=False) == pytest.approx(silent)


def test_certain_shortcut_rules_out_the_other_group() -> None:
    truth = Truth(default_design(), Missing(), Shortcut(mark="pen", strength=1.0))
    cases = draw_cases(truth.design, 100, seed=2, shortcut=truth.shortcut)
    probs = oracle_probs(cases, truth, planted=True)
    worrying = np.array([name in WORRYING for name in truth.design.classes])
    for case, row in zip(cases, probs, strict=True):
        assert row[worrying].sum() == pytest.approx(float(case.has("pen")))
    assert oracle_probs(cases, truth).min(axis=0)[~worrying].max() < 1


def test_flag_of_the_missing_block_counts_as_by_hand() -> None:
    # Block left out for .9 of alvita and .3 of all others: prior odds .3 : .1 of alvita to brenosa become .27 : .03.
    truth = Truth(default_design(), Missing(block=0.3, by_class={"alvita": 0.9}), None)
    hidden = Missing(at_random=1.0)
    case = draw_cases(truth.design, 1, seed=3, missing=hidden)
    flagged = oracle_probs(case, truth, photo=False, planted=True)[0]
    assert flagged[0] / flagged[1] == pytest.approx(9.0)
    assert oracle_probs(case, truth, photo=False)[0] == pytest.approx(np.array(truth.design.prior))


def test_flag_says_nothing_if_the_block_would_be_hidden_anyway() -> None:
    truth = Truth(default_design(), Missing(at_random=1.0, by_class={"alvita": 0.9}), None)
    case = draw_cases(truth.design, 1, seed=3, missing=truth.missing)
    assert oracle_probs(case, truth, photo=False, planted=True)[0] == pytest.approx(np.array(truth.design.prior))


def test_planted_evidence_pays_what_it_is_worth() -> None:
    truth = Truth(default_design(), Missing(by_class={"alvita": 0.7}), Shortcut(strength=0.8))
    cases = draw_cases(truth.design, 3000, seed=4, missing=truth.missing, shortcut=truth.shortcut)
    target = latents_of(cases, truth.design).target
    told = sample_ceiling(truth.design, oracle_probs(cases, truth, planted=True), target)
    untold = sample_ceiling(truth.design, oracle_probs(cases, truth), target)
    assert told.accuracy > untold.accuracy + 0.02


def test_twin_moves_the_oracle_by_the_likelihood_ratio_of_its_change() -> None:
    truth = Truth(default_design(), Missing(), None)
    case = draw_cases(truth.design, 1, seed=5)[0]
    pair = [twin(case, {"ulcer": value}) for value in ("no", "yes")]
    before, after = oracle_probs(pair, truth)
    table = truth.design.table("ulcer")
    expected = before * table[:, 1] / table[:, 0]
    assert after == pytest.approx(expected / expected.sum())


def test_oracle_of_nothing_is_refused() -> None:
    truth = Truth(default_design(), Missing(), None)
    with pytest.raises(ConfigError, match="needs a photo, a history or both"):
        oracle_probs(draw_cases(truth.design, 1), truth, photo=False, history=False)

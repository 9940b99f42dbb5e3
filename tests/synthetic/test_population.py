from __future__ import annotations

import numpy as np
import pytest

from mmskin.errors import ConfigError
from mmskin.synthetic.history import FIELDS, SYMPTOMS
from mmskin.synthetic.latents import NOT_SEEN, NUISANCE_VALUES, WORRYING, default_design, sample
from mmskin.synthetic.population import NUISANCE, SECOND_LESIONS, Missing, Shortcut, draw_cases, latents_of

N = 4000
SLACK = 4 * 0.5 / np.sqrt(N)  # four standard errors of a share of all cases


def test_latents_are_those_of_the_joint_table() -> None:
    design = default_design(interaction=0.5)
    drawn = latents_of(draw_cases(design, 200, seed=3), design)
    table = sample(design, 200, np.random.default_rng(3))
    assert all(np.array_equal(a, b) for a, b in zip(drawn, table, strict=True))


def test_cases_depend_on_the_seed_only() -> None:
    design = default_design()
    assert draw_cases(design, 30, seed=1) == draw_cases(design, 30, seed=1)
    assert draw_cases(design, 30, seed=1) != draw_cases(design, 30, seed=2)


def test_nuisance_has_its_odds_and_says_nothing_of_the_class() -> None:
    cases = draw_cases(default_design(), N, seed=4)
    target = np.array([case.target for case in cases])
    for name, odds in NUISANCE.items():
        values = np.array([case.values[name] for case in cases])
        for value, chance in zip(NUISANCE_VALUES[name], odds, strict=True):
            assert (values == value).mean() == pytest.approx(chance, abs=SLACK)
            for c in np.unique(target):
                of_class = (values == value)[target == c]
                assert of_class.mean() == pytest.approx(chance, abs=4.5 * 0.5 / np.sqrt(len(of_class)))


def test_some_patients_have_two_lesions_and_stay_the_same_person() -> None:
    cases = draw_cases(default_design(), 1000, seed=5)
    by_patient: dict[str, list[int]] = {}
    for i, case in enumerate(cases):
        by_patient.setdefault(case.patient_id, []).append(i)
    assert len(cases) - len(by_patient) == round(SECOND_LESIONS * 1000)
    assert max(map(len, by_patient.values())) == 2
    for i, j in (pair for pair in by_patient.values() if len(pair) == 2):
        for name in ("age", "previous_cancer", "skin_tone"):
            assert cases[i].values[name] == cases[j].values[name]


def test_fields_go_missing_at_the_stated_rates() -> None:
    rates = {"alvita": 0.6, "elstra": 0.1}
    cases = draw_cases(default_design(), N, seed=6, missing=Missing(at_random=0.1, block=0.3, by_class=rates))
    for c in default_design().classes:
        hidden = np.array([[f.name in case.hidden for f in FIELDS] for case in cases if case.target == c])
        block = rates.get(c, 0.3)
        for k, field in enumerate(FIELDS):
            expected = block + (1 - block) * 0.1 if field.name in SYMPTOMS else 0.1
            assert hidden[:, k].mean() == pytest.approx(expected, abs=4 * 0.5 / np.sqrt(len(hidden)))


def test_block_goes_missing_as_one() -> None:
    cases = draw_cases(default_design(), 300, seed=7, missing=Missing(block=0.5))
    assert {case.hidden for case in cases} == {(), SYMPTOMS}


def test_recorded_latents_hide_what_is_hidden_and_nothing_else() -> None:
    design = default_design()
    cases = draw_cases(design, 100, seed=8, missing=Missing(at_random=0.3))
    full, seen = latents_of(cases, design), latents_of(cases, design, recorded_only=True)
    gone = np.array([[name in case.hidden for name in design.history] for case in cases])
    assert gone.any()
    assert np.array_equal(seen.history == NOT_SEEN, gone)
    assert np.array_equal(seen.history[~gone], full.history[~gone])
    assert np.array_equal(seen.photo, full.photo)


@pytest.mark.parametrize("strength", [0.0, 0.6, 1.0])
@pytest.mark.parametrize("mark", ["pen", "ruler"])
def test_shortcut_has_its_strength(mark: str, strength: float) -> None:
    cases = draw_cases(default_design(), N, seed=9, shortcut=Shortcut(mark=mark, strength=strength))  # type: ignore[arg-type]
    marked = np.array([case.has(mark) for case in cases])
    worrying = np.array([case.target in WORRYING for case in cases])
    assert marked[worrying].mean() - marked[~worrying].mean() == pytest.approx(strength, abs=2 * SLACK)


def test_planting_changes_no_disease() -> None:
    design = default_design()
    plain = latents_of(draw_cases(design, 100, seed=1), design)
    planted = latents_of(draw_cases(design, 100, seed=1, missing=Missing(block=0.5), shortcut=Shortcut()), design)
    assert all(np.array_equal(a, b) for a, b in zip(plain, planted, strict=True))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n": 0}, "cases=0 must be 1 or more"),
        ({"told": "loudly"}, "told 'loudly' does not exist"),
        ({"missing": Missing(at_random=1.2)}, r"at_random=1\.2 must lie between 0 and 1"),
        ({"missing": Missing(by_class={"alvitta": 0.1})}, "Did you mean 'alvita'"),
        ({"shortcut": Shortcut(mark="stamp")}, "mark 'stamp' does not exist"),  # type: ignore[arg-type]
        ({"shortcut": Shortcut(strength=2)}, "strength=2 must lie between 0 and 1"),
    ],
)
def test_impossible_options_are_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        draw_cases(default_design(), **{"n": 5, **options})  # type: ignore[arg-type]

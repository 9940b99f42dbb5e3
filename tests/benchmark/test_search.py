"""Recipes searched inside training parts: what is read, what is proposed, what is taken."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from benchmark.small_benchmark import planned_run, run, small_benchmark
from small_experiment import ENCODERS

from mmskin.benchmark.arms import NeuralArm
from mmskin.benchmark.benchmark_config import Benchmark
from mmskin.benchmark.resolve import shared_by
from mmskin.benchmark.run.local import LocalExecutor
from mmskin.benchmark.search.choose import Chosen, choose, loss_of, paired_gain
from mmskin.benchmark.search.inner_folds import folds_inside
from mmskin.benchmark.search.options import with_options
from mmskin.benchmark.search.propose import Trial, propose
from mmskin.benchmark.search.search import SearchTask, check_searches, run_search, searches_of
from mmskin.benchmark.search.search_config import Range
from mmskin.errors import ConfigError, UserError

RATE = "training.learning_rate"
FIELDS: dict[str, Any] = {"fusion": {"name": "metadata_only"}}
QUICK = {**FIELDS, "training": {"learning_rate": 0.3}}
ARMS: dict[str, Any] = {
    "fields": QUICK,
    "searched": {**QUICK, "search": {}},
    "regression": {"table": {"name": "logistic_regression", "on": "fields", "c": 0.01}, "search": {}},
}


def searching(root: Path, features: Path, **changed: Any) -> Benchmark:
    settings: dict[str, Any] = {
        "encoders": {"metadata": ENCODERS["metadata"]},
        "arms": ARMS,
        "primary": {"arm": "searched", "metric": "balanced_accuracy", "reference": "fields"},
        "training": {"epochs": 30},
        "missing_parts": None,
        "data": {"folds": 6, "test_folds": [0]},
        "search": {"trials": 2, "space": {RATE: [1e-6, 1e-4], "table.c": {"low": 0.0001, "high": 1, "log": True}}},
    }
    return small_benchmark(root, features, **settings | changed)


# --- what is read ---------------------------------------------------------------------------------------------


def test_every_training_row_is_answered_once_by_arms_fitted_without_its_patient(
    pad_folder: Path, tmp_path: Path
) -> None:
    fold = planned_run(searching(pad_folder, tmp_path), tmp_path / "out").folds["searched", 0]
    inside = folds_inside(fold)
    answered = [case for inner in inside for case in inner.split.test.case_id]
    assert sorted(answered) == sorted(fold.split.train.case_id)
    for inner in inside:
        parts = [set(part.patient_id) for part in inner.split]
        assert not parts[0] & parts[1]
        assert not parts[0] & parts[2]
        assert not parts[1] & parts[2]
        assert all(len(part) for part in parts)
        assert inner.schema == fold.schema


def test_validation_and_test_rows_of_the_fold_change_nothing(pad_folder: Path, tmp_path: Path) -> None:
    plan = planned_run(searching(pad_folder, tmp_path), tmp_path / "out")
    fold, search = plan.folds["searched", 0], plan.searches["searched"]
    split = fold.split
    spoilt = split._replace(
        val=split.val.assign(target=split.val.target.iloc[::-1].tolist()).iloc[:3], test=split.test.iloc[:0]
    )
    taken = []
    for name, of in (("whole", fold), ("spoilt", fold._replace(split=spoilt))):
        run_search(SearchTask(search._replace(output=tmp_path / name), of))
        chosen = json.loads((tmp_path / name / "search" / "searched" / "fold_0" / "chosen.json").read_text())
        taken.append({key: value for key, value in chosen.items() if key != "cpu_seconds"})
    assert taken[0] == taken[1]


# --- what is proposed -----------------------------------------------------------------------------------------

SPACE: Mapping[str, Any] = {"a": Range(low=1e-4, high=1e-1, log=True), "b": ["x", "y"], "c": Range(low=2, high=6)}


def loss_at(options: Mapping[str, Any]) -> float:
    """Lowest at a = .01 and b = y."""
    return float(abs(np.log10(options["a"]) + 2) + (options["b"] == "x"))


def searched(trials: int, *, seed: int = 0) -> list[Trial]:
    tried: list[Trial] = []
    for number in range(1, trials + 1):
        options = propose(dict(SPACE), tried, seed=seed)
        tried.append(Trial(number, options, loss_at(options)))
    return tried


def test_what_is_proposed_lies_in_the_space_and_hangs_on_the_trials_before_alone() -> None:
    tried = searched(15)
    for trial in tried:
        assert 1e-4 <= trial.options["a"] <= 1e-1
        assert trial.options["b"] in ("x", "y")
        assert trial.options["c"] in range(2, 7)
    assert tried == searched(15)
    assert propose(dict(SPACE), tried[:12], seed=0) == tried[12].options  # as after an interruption
    assert tried != searched(15, seed=1)


def test_numbers_are_whole_where_both_ends_are_written_so() -> None:
    for low, high, kind in ((1, 3, int), (1.0, 3.0, float), (1, 3.0, float)):
        assert all(isinstance(propose({"a": Range(low=low, high=high)}, [], seed=s)["a"], kind) for s in range(3))


def test_proposals_come_near_the_best_after_the_first_ten() -> None:
    near = [np.mean([loss_at(trial.options) for trial in searched(40, seed=seed)[25:]]) for seed in range(3)]
    by_chance = [np.mean([loss_at(trial.options) for trial in searched(10, seed=seed)]) for seed in range(3)]
    assert np.mean(near) < 0.5 * np.mean(by_chance)


def test_a_trial_that_failed_is_gone_on_from() -> None:
    failed = [Trial(1, {"a": 0.01, "b": "x", "c": 3}, float("nan"))]
    assert propose(dict(SPACE), failed, seed=0) == searched(2)[1].options  # the first ten are drawn at random


# --- what is taken --------------------------------------------------------------------------------------------


def table(p_right: list[float], targets: str, patients: str = "") -> pd.DataFrame:
    """Predictions of two classes."""
    rows = [
        (f"c{k}", patients[k] if patients else f"p{k}", 0, 0, "arm", "test", target, *pair)
        for k, (p, target) in enumerate(zip(p_right, targets, strict=True))
        for pair in [(p, 1 - p) if target == "a" else (1 - p, p)]
    ]
    names = ["case_id", "patient_id", "fold", "seed", "arm", "split", "target", "prob_a", "prob_b"]
    return pd.DataFrame(rows, columns=names)


def test_the_gain_and_its_error_by_hand() -> None:
    # Class a gains 1 and 3 (mean 2), class b gains 0 (one case): the balanced mean is 1. Every case of a weighs 1/4,
    # its deviation is 1 either way: the error is sqrt(2 (1/4)²).
    own = table([np.exp(-4), np.exp(-4), 0.5], "aab")
    other = table([np.exp(-3), np.exp(-1), 0.5], "aab")
    assert loss_of(own) - loss_of(other) == pytest.approx(1)
    assert paired_gain(own, other) == pytest.approx((1, np.sqrt(2) / 4))


def test_cases_of_one_patient_are_added_up_before_they_are_squared() -> None:
    own = table([np.exp(-4)] * 4, "aaaa")
    other = table([np.exp(-3), np.exp(-3), np.exp(-1), np.exp(-1)], "aaaa", "ppqq")
    assert paired_gain(own.assign(patient_id=other.patient_id), other) == pytest.approx((2, np.sqrt(2) * 0.5))


def test_the_order_of_the_cases_does_not_matter() -> None:
    own, other = table([0.2, 0.3, 0.5], "aab"), table([0.4, 0.3, 0.6], "aab")
    assert paired_gain(own, other[::-1].reset_index(drop=True)) == pytest.approx(paired_gain(own, other))


def test_the_own_recipe_stays_unless_another_is_better_by_more_than_one_error() -> None:
    own = table([0.4, 0.4, 0.4, 0.4], "aabb")
    luck = table([0.9, 0.05, 0.8, 0.3], "aabb")
    better = table([0.6, 0.62, 0.6, 0.62], "aabb")
    assert choose({0: own, 1: luck}).trial == 0
    assert choose({0: own, 1: luck, 2: better})[:2] == (2, 2)
    assert choose({0: better, 1: own})[:3] == (0, 0, 0.0)


def test_the_lowest_loss_is_not_enough() -> None:
    own = table([0.4, 0.4, 0.4, 0.4], "aabb")
    uneven = table([0.99, 0.25, 0.99, 0.25], "aabb")
    chosen = choose({0: own, 1: uneven})
    assert (chosen.trial, chosen.best) == (0, 1)
    assert 0 < chosen.gain < chosen.error


# --- options --------------------------------------------------------------------------------------------------


def test_options_go_where_the_arm_has_them_from(pad_folder: Path, tmp_path: Path) -> None:
    benchmark = small_benchmark(
        pad_folder,
        tmp_path,
        reduce={"image": {"dim": 8}, "text": {"dim": 8}},
        experts={"dropout": 0.1},
        arms={
            "late": {"fusion": {"name": "concat"}, "training": {"epochs": 3}},
            "image_only": {"fusion": {"name": "image_only"}},
        },
    )
    options = {RATE: 0.5, "loss.gamma": 3.0, "fusion.dropout": 0.4, "experts.dropout": 0.3, "reduce.image.dim": 4}
    arm, shared = with_options(benchmark.arms["late"], shared_by(benchmark), options)
    assert arm.training == {"epochs": 3, "learning_rate": 0.5}
    assert arm.fusion == {"name": "concat", "dropout": 0.4}
    assert shared.loss == {"name": "class_balanced_focal", "gamma": 3.0}
    assert shared.experts is not None
    assert shared.experts.dropout == 0.3
    assert (shared.reduce["image"].dim, shared.reduce["text"].dim) == (4, 8)
    assert benchmark.arms["late"].training == {"epochs": 3}


def test_an_arms_own_search_goes_before_the_shared_one(pad_folder: Path, tmp_path: Path) -> None:
    own = {**QUICK, "search": {"trials": 7, "space": {"loss.gamma": [0.0, 1.0]}}}
    benchmark = searching(pad_folder, tmp_path, arms=ARMS | {"own": own})
    found = searches_of(benchmark.arms, shared_by(benchmark), tmp_path)
    assert (found["own"].config.trials, list(found["own"].config.space)) == (7, ["loss.gamma"])
    assert (found["searched"].config.trials, list(found["searched"].config.space)) == (2, [RATE])
    assert list(found["regression"].config.space) == ["table.c"]


# --- the whole way --------------------------------------------------------------------------------------------


def test_the_recipe_that_is_taken_is_that_of_an_arm_written_so(
    pad_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mmskin.benchmark.search.search.choose", lambda answers: Chosen(1, 1, 0.2, 0.1))
    benchmark = searching(pad_folder, tmp_path / "features", seeds=[0])
    answers, failures = run(benchmark, tmp_path / "out")
    assert not failures
    chosen = json.loads((tmp_path / "out/search/searched/fold_0/chosen.json").read_text())
    written = {**FIELDS, "training": {"learning_rate": chosen["options"][RATE]}}
    by_hand, _ = run(
        searching(pad_folder, tmp_path / "features", seeds=[0], arms={"fields": QUICK, "searched": written}),
        tmp_path / "by_hand",
    )
    pick = {"arm": "searched", "fold": 0}
    first, second = (
        of[(of[list(pick)] == pd.Series(pick)).all(axis=1)].reset_index(drop=True) for of in (answers, by_hand)
    )
    pd.testing.assert_frame_equal(first, second)


def test_a_search_that_was_stopped_ends_as_one_that_was_not(pad_folder: Path, tmp_path: Path) -> None:
    benchmark = searching(pad_folder, tmp_path / "features", seeds=[0])
    with LocalExecutor(2) as executor:
        whole, _ = run(benchmark, tmp_path / "whole", executor=executor)
    plan = planned_run(benchmark, tmp_path / "halves")
    task = SearchTask(plan.searches["searched"], plan.folds["searched", 0])
    short = task.search.config.model_copy(update={"trials": 1})
    run_search(task._replace(search=task.search._replace(config=short)))
    task.search.chosen_file(0).unlink()
    run_search(task)
    there, here = (
        json.loads((tmp_path / of / "search/searched/fold_0/chosen.json").read_text()) for of in ("whole", "halves")
    )
    assert {**there, "cpu_seconds": 0} == {**here, "cpu_seconds": 0}
    assert len(whole)


def test_trials_of_another_recipe_are_not_gone_on_with(pad_folder: Path, tmp_path: Path) -> None:
    benchmark = searching(pad_folder, tmp_path / "features", seeds=[0])
    run(benchmark, tmp_path / "out")
    shutil.rmtree(tmp_path / "out" / "cells")  # as if it had been stopped before the first cell
    changed = searching(pad_folder, tmp_path / "features", seeds=[0], training={"epochs": 29})
    with pytest.raises(UserError, match=r"searched.fold_0 was begun with another configuration: arm\.training\.epochs"):
        run(changed, tmp_path / "out")


def test_candidates_read_the_encoders_that_the_run_has_resolved(pad_folder: Path, tmp_path: Path) -> None:
    plan = planned_run(searching(pad_folder, tmp_path), tmp_path / "out")
    taught = {"metadata": {**ENCODERS["metadata"], "dim": 4}}
    candidate = plan.searches["searched"]._replace(encoders=taught).candidate({RATE: 0.5})
    assert isinstance(candidate, NeuralArm)
    assert candidate.encoders == taught
    assert candidate.experiment.training.learning_rate == 0.5


# --- refusals -------------------------------------------------------------------------------------------------


def checked(benchmark: Benchmark) -> None:
    check_searches(benchmark.arms, shared_by(benchmark), Path("nowhere"))


@pytest.mark.parametrize(
    ("space", "fault"),
    [
        ({"data.folds": [3, 5]}, "data.folds: an option of training, loss"),
        ({"training.views": [1, 2]}, "training.views changes what frozen encoders are shown"),
        ({RATE: [0.1]}, "name two numbers or words or more"),
        ({RATE: {"low": 1, "high": 0.1}}, "low must be below high, however: low=1, high=0.1"),
        ({RATE: {"low": 0, "high": 1, "log": True}}, "must begin above 0"),
    ],
)
def test_a_space_that_is_none_is_refused(pad_folder: Path, tmp_path: Path, space: dict[str, Any], fault: str) -> None:
    with pytest.raises(ConfigError, match=fault):
        searching(pad_folder, tmp_path, search={"space": space})


@pytest.mark.parametrize(
    ("space", "fault"),
    [
        ({}, r"arms\.searched\.search\.space is empty"),
        ({RATE: [-1.0, 1.0]}, r"arms\.searched\.search\.space\.training\.learning_rate: -1\.0: "),
        ({"loss.gama": [0.0, 1.0]}, r"arms\.searched\.search\.space\.loss\.gama: 0\.0: .*gama"),
        ({"reduce.metadata.dim": [4, 8]}, "the arm has no reduce"),
        ({"experts.dropout": [0.1, 0.2]}, "the arm has no experts"),
        ({"training.test_epochs": [1, 2]}, "training: test_epochs does not exist"),
    ],
)
def test_options_that_the_arm_does_not_have_are_refused_before_anything_is_read(
    pad_folder: Path, tmp_path: Path, space: dict[str, Any], fault: str
) -> None:
    arms = {"fields": QUICK, "searched": {**QUICK, "search": {"space": space}}}
    with pytest.raises(ConfigError, match=fault):
        checked(searching(pad_folder, tmp_path, arms=arms))


def test_an_option_without_effect_is_refused(pad_folder: Path, tmp_path: Path) -> None:
    arms = {"fields": QUICK, "searched": {**QUICK, "search": {"space": {"experts.dropout": [0.1, 0.2]}}}}
    benchmark = searching(pad_folder, tmp_path, arms=arms, experts={"dropout": 0.1})
    with pytest.raises(ConfigError, match=r"experts\.dropout changes nothing of the arm"):
        checked(benchmark)


@pytest.mark.parametrize(
    ("arm", "fault"),
    [
        (
            {"table": {"name": "stacking", "over": ["fields", "searched"]}},
            "reads fields and searched|cannot be searched",
        ),
        ({**FIELDS, "encoders": {"metadata": {"from": "fields"}}}, "cannot be searched"),
        ({**FIELDS, "shuffle_histories": True}, "a control with shuffled histories is not searched"),
    ],
)
def test_arms_that_read_others_are_not_searched(
    pad_folder: Path, tmp_path: Path, arm: dict[str, Any], fault: str
) -> None:
    with pytest.raises(ConfigError, match=fault):
        searching(pad_folder, tmp_path, arms=ARMS | {"reader": {**arm, "search": {}}})


def test_an_encoder_of_an_arm_that_is_searched_is_not_read(pad_folder: Path, tmp_path: Path) -> None:
    reader = {**FIELDS, "encoders": {"metadata": {"from": "searched"}}}
    with pytest.raises(ConfigError, match="reader reads an encoder of searched, whose recipe is searched"):
        searching(pad_folder, tmp_path, arms=ARMS | {"reader": reader})


def test_without_optuna_the_message_says_what_to_install(
    pad_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "optuna", None)
    with pytest.raises(ConfigError, match=r"pip install 'mmskin\[search\]'"):
        checked(searching(pad_folder, tmp_path))

"""LightGBM, RealMLP and TabM as arms: against the libraries themselves, and what they may not see."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import pandas as pd
import pytest
from benchmark.small_benchmark import ARMS, small_benchmark
from benchmark.test_baselines import SCHEMA, TEST, TRAIN, VAL, codes, fit, rows
from sklearn.decomposition import PCA
from sklearn.metrics import roc_auc_score

from mmskin.benchmark.baselines.table_arm_contract import Facts, balanced_log_loss, field_columns
from mmskin.benchmark.baselines.table_columns import filled, fit_columns
from mmskin.benchmark.benchmark_config import DRAWS
from mmskin.benchmark.resolve import resolve
from mmskin.errors import ConfigError
from mmskin.evaluation.metrics import Floats
from mmskin.trained.calibration import at_temperature, fit_temperature, log_of

NETWORKS = DRAWS


def embed(modality: str, table: pd.DataFrame) -> Floats:
    """Photos show the class in one of five dimensions, but for every fifth case, which has none."""
    noise = np.array([[hash_of(case, place) for place in range(4)] for case in table.case_id])
    shown = np.concatenate([codes(table)[:, None] * 4.0 - 2, noise], axis=1)
    shown[::5] = np.nan
    return shown


def hash_of(case: str, place: int) -> float:
    return float(np.random.default_rng([int(case[1:]), place]).normal())


def facts(**given: Any) -> Facts:
    return Facts(SCHEMA, embed=embed, answers=lambda arm, table: table, **given)


def test_lightgbm_is_that_of_the_library_with_as_many_trees_as_suit_the_validation_rows() -> None:
    def columns(table: pd.DataFrame) -> Floats:
        return field_columns(table, SCHEMA)[0]

    weights = len(TRAIN) / (2 * np.bincount(codes(TRAIN))[codes(TRAIN)])
    options = {"objective": "multiclass", "num_class": 2, "learning_rate": 0.05, "num_leaves": 15, "verbosity": -1}
    options |= {"min_data_in_leaf": 10, "num_threads": 1, "deterministic": True, "force_row_wise": True}
    given = lightgbm.Dataset(columns(TRAIN), codes(TRAIN), weight=weights, categorical_feature=[1])
    model = lightgbm.train(options, given, num_boost_round=30)
    counts = (10, 20, 30)
    best = min(counts, key=lambda n: balanced_log_loss(model.predict(columns(VAL), num_iteration=n), codes(VAL)))
    temperature = fit_temperature(log_of(model.predict(columns(VAL), num_iteration=best)), codes(VAL))
    expected = at_temperature(log_of(model.predict(columns(TEST), num_iteration=best)), temperature)
    assert fit({"name": "lightgbm", "trees": 30})(TEST) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("name", ["lightgbm", *NETWORKS])
def test_fields_and_photos_are_learned_from(name: str) -> None:
    answers = fit({"name": name, "on": ["fields", "image"]}, embed=embed)(TEST)
    assert answers.shape == (len(TEST), 2)
    assert np.allclose(answers.sum(axis=1), 1)
    assert roc_auc_score(codes(TEST), answers[:, 1]) > 0.9


def test_a_network_is_the_same_with_the_same_seed_and_another_with_another() -> None:
    first, again, other = (fit({"name": "realmlp"}, seed=seed)(TEST) for seed in (0, 0, 1))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_networks_answer_as_if_classes_were_equally_frequent_unless_they_are_told_not_to() -> None:
    balanced, plain = (fit({"name": "realmlp", "balanced": of})(TEST)[:, 1].mean() for of in (True, False))
    assert codes(TRAIN).mean() < 0.5
    assert balanced > plain


def test_networks_are_fitted_once_a_seed_and_trees_once(pad_folder: Path, tmp_path: Path) -> None:
    arms = {name: {"table": {"name": name}} for name in ("lightgbm", *NETWORKS)}
    arms |= {"late": ARMS["late"], "image_only": ARMS["image_only"]}
    found = resolve(small_benchmark(pad_folder, tmp_path, arms=arms), tmp_path)
    assert {name: found[name].seeds for name in ("lightgbm", *NETWORKS)} == {
        "lightgbm": (0,),
        "realmlp": (0, 1),
        "tabm": (0, 1),
    }


def test_what_is_not_recorded_is_filled_with_what_is_common_in_training_rows() -> None:
    train = rows([10.0, 20.0, None, 60.0], ["yes", "no", "no", None], list("abab"))
    columns = filled(fit_columns(["fields"], train, facts(), pca=4), train)
    no = field_columns(rows([1.0], ["no"], ["a"]), SCHEMA)[0][0, 1]
    assert columns.read(rows([None], [None], ["a"])).tolist() == [[20.0, no]]
    assert columns.read(rows([33.0], ["no"], ["a"])).tolist() == [[33.0, no]]
    assert columns.is_code == (False, True)


def test_a_field_that_no_training_row_has_is_filled_with_nothing() -> None:
    train = rows([None, None], ["yes", "no"], ["a", "b"])
    columns = filled(fit_columns(["fields"], train, facts(), pca=4), train)
    assert columns.read(rows([None], ["yes"], ["a"]))[0, 0] == 0


def test_principal_components_are_those_of_training_rows_and_absent_photos_lie_at_the_mean() -> None:
    columns = fit_columns(["image"], TRAIN, facts(), pca=2)
    there = embed("image", TRAIN)
    expected = PCA(2, svd_solver="full").fit(there[~np.isnan(there).any(axis=1)])
    found, shown = columns.read(TEST), embed("image", TEST)
    seen = ~np.isnan(shown).any(axis=1)
    assert found[seen] == pytest.approx(expected.transform(shown[seen]))
    assert (found[~seen] == 0).all()


@pytest.mark.parametrize(("name", "package"), [("lightgbm", "lightgbm"), ("realmlp", "pytabkit"), ("tabm", "pytabkit")])
def test_without_the_library_the_message_says_what_to_install(
    name: str, package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ConfigError, match=r"pip install 'mmskin\[tables\]'"):
        fit({"name": name})

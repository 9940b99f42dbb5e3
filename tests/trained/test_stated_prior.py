"""A predictions table under a stated prior."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from made_predictions import CLASSES, make

from mmskin.errors import ConfigError, DataError
from mmskin.evaluation.intervals import evaluate_some
from mmskin.evaluation.predictions import probabilities
from mmskin.trained.stated_prior import read_prior, shares_of, under_prior


def table(*arms: str, n: int = 600) -> pd.DataFrame:
    """Test rows, and validation rows of other patients, of arms that weigh classes alike."""
    parts = []
    for number, arm in enumerate(arms or ("late",)):
        test = make(arm=arm, n=n, skill=1.5, rng_seed=number)
        val = make(arm=arm, n=n, skill=1.5, rng_seed=number + 10).assign(split="val")
        val["case_id"], val["patient_id"] = "v" + val["case_id"], "v" + val["patient_id"]
        parts += [test, val]
    return pd.concat(parts, ignore_index=True)


def test_rows_stay_as_they_are_but_for_their_probabilities() -> None:
    before = table("late", "image")
    after = under_prior(before, "data")
    columns = [column for column in before if not column.startswith("prob_")]
    pd.testing.assert_frame_equal(after[columns], before[columns])
    assert np.allclose(probabilities(after).sum(axis=1), 1)


def test_under_the_shares_of_the_data_the_log_loss_is_lower_and_the_mean_answer_right() -> None:
    before = table(n=3000)
    after = under_prior(before, "data")
    losses = [evaluate_some(of, ["log_loss"], replicates=1)["estimate"].item() for of in (before, after)]
    assert losses[1] < losses[0] - 0.02
    test = after[after["split"] == "test"]
    shares = test["target"].value_counts(normalize=True)[list(CLASSES)]
    assert probabilities(test).mean(axis=0) == pytest.approx(shares.to_numpy(), abs=0.03)


def test_of_each_arm_fold_and_seed_the_own_validation_rows_are_fitted_to() -> None:
    both = table("late", "image")
    alone = under_prior(both[both["arm"] == "image"], "data")
    together = under_prior(both, "data")
    pd.testing.assert_frame_equal(alone, together[together["arm"] == "image"])


def test_labels_of_test_rows_change_nothing_where_shares_are_given_or_estimated() -> None:
    before = table()
    is_test = before["split"] == "test"
    mixed = before.copy()
    mixed.loc[is_test, "target"] = mixed.loc[is_test, "target"].sample(frac=1, random_state=0).to_numpy()
    for prior in ("uniform", "estimated", {"ACK": 0.1, "BCC": 0.2, "MEL": 0.3, "NEV": 0.4}):
        assert np.array_equal(probabilities(under_prior(before, prior)), probabilities(under_prior(mixed, prior)))


def test_shares_that_are_given_are_the_mean_answer_of_cases_drawn_so() -> None:
    shares = {"ACK": 0.25, "BCC": 0.25, "MEL": 0.25, "NEV": 0.25}
    assert under_prior(table(), shares).equals(under_prior(table(), "uniform"))


@pytest.mark.parametrize(
    ("prior", "fault"),
    [
        ("clinic", "must be data, uniform, estimated, or a JSON file .*however: 'clinic'"),
        ({"ACK": 1.0}, "a prior needs a share for each class, ACK, BCC, MEL, NEV"),
        ({"ACK": 0.5, "BCC": 0.5, "MEL": 0.5, "NEV": 0.5}, "must sum to 1"),
        ({"ACK": -0.5, "BCC": 0.5, "MEL": 0.5, "NEV": 0.5}, "must not be negative"),
    ],
)
def test_what_is_no_prior_is_refused(prior: Any, fault: str) -> None:
    with pytest.raises(ConfigError, match=fault):
        shares_of(prior, table())


def test_an_arm_without_validation_rows_is_refused() -> None:
    with pytest.raises(DataError, match="arm 'late' has no validation rows in fold"):
        under_prior(make(arm="late"), "data")


def test_a_prior_is_typed_as_a_word_or_as_a_file(tmp_path: Path) -> None:
    path = tmp_path / "clinic.json"
    path.write_text(json.dumps({"ACK": 0.5, "BCC": 0.5}))
    assert read_prior("data") == "data"
    assert read_prior(str(path)) == {"ACK": 0.5, "BCC": 0.5}
    path.write_text("[1]")
    with pytest.raises(ConfigError, match="must hold shares by class"):
        read_prior(str(path))
    path.write_text("{")
    with pytest.raises(ConfigError, match="is no JSON"):
        read_prior(str(path))
    with pytest.raises(ConfigError, match="no such file"):
        read_prior(str(tmp_path / "none.json"))

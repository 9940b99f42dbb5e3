"""`training.accumulate`: so many batches make one step of the optimiser."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch
from training.probe_parts import Diary, made_fold, probe_experiment, trained

from mmskin.config.experiment import parse_experiment
from mmskin.training.fit_fold import fit_fold

PLAIN = {"name": "sgd", "momentum": 0, "nesterov": False}


@pytest.mark.parametrize("optimizer", [PLAIN, "adamw"])
def test_two_batches_make_the_step_of_one_of_twice_the_size(tmp_path: Path, optimizer: Any) -> None:
    def learned(batch_size: int, accumulate: int) -> dict[str, torch.Tensor]:
        recipe = {"epochs": 1, "batch_size": batch_size, "accumulate": accumulate, "optimizer": optimizer}
        experiment = parse_experiment(
            {
                "name": "tiny",
                "data": {"source": {"name": "csv"}, "root": ".", "missingness": "visible"},
                "encoders": {"metadata": {"name": "onehot"}},
                "fusion": {"name": "metadata_only", "dropout": 0.0},
                "loss": {"name": "cross_entropy"},  # a mean over cases
                "training": recipe | {"learning_rate": 0.1, "warmup": 0.0, "save_model": False},
            }
        )
        trained = fit_fold(experiment, made_fold(), tmp_path / f"{batch_size} {accumulate}", progress=False)
        return trained.models[0].model.state_dict()

    whole, halves, half = learned(8, 1), learned(4, 2), learned(4, 1)
    for name, tensor in whole.items():
        torch.testing.assert_close(halves[name], tensor, rtol=0, atol=1e-6)  # sums in another order
    assert any(not torch.allclose(half[name], tensor, atol=1e-3) for name, tensor in whole.items())


def test_an_epoch_ends_with_a_step_and_the_schedule_counts_steps(diary: Diary, tmp_path: Path) -> None:
    recipe = {"epochs": 2, "batch_size": 2, "accumulate": 2, "optimizer": PLAIN, "schedule": "linear"}
    experiment = probe_experiment("text", learning_rate=0.6, **recipe)
    trained(diary, experiment, tmp_path, made_fold(train="aabbababab"))  # five batches: steps of two, two and one
    assert len(diary.steps) == 2 * 3
    answers = [0.0, *(float(step.values["fused"][0, 0]) for step in diary.steps)]
    lengths = [before - after for before, after in pairwise(answers)]
    # The line falls from .6 by .1 a step; a step of one batch of two counts half.
    assert lengths == pytest.approx([0.6, 0.5, 0.4 / 2, 0.3, 0.2, 0.1 / 2], rel=1e-5)
    progress = [asked.progress for asked in diary.losses()]
    assert progress == pytest.approx([step / 6 for step in (0, 0, 1, 1, 2, 3, 3, 4, 4, 5)])


def test_the_batches_of_a_step_have_dropout_of_their_own(diary: Diary, tmp_path: Path) -> None:
    trained(diary, probe_experiment(epochs=2, batch_size=2, accumulate=4), tmp_path)
    noises = [forward.noise for forward in diary.of_training("text")]
    assert len(set(noises)) == 8
    diary.forwards.clear()
    trained(diary, probe_experiment(epochs=2, batch_size=2), tmp_path / "each")
    assert [forward.noise for forward in diary.of_training("text")] == noises  # how many make a step has no say


def test_the_gradient_is_clipped_once_a_step(diary: Diary, tmp_path: Path) -> None:
    trained(diary, probe_experiment(batch_size=2, accumulate=4, clip_norm=0.5), tmp_path)
    (step,) = diary.steps
    assert float(step.gradients["fused"].norm()) == pytest.approx(0.5)

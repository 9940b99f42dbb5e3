"""Each option of the recipe changes the step of the optimiser as it says, from the config to the weights."""

from __future__ import annotations

import math
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from training.probe_parts import Diary, cases, made_fold, probe_experiment, trained


def test_a_first_step_has_the_length_of_the_rate_of_what_is_new_or_of_what_is_pretrained(
    diary: Diary, tmp_path: Path
) -> None:
    rates = {"learning_rate": 0.1, "encoder_learning_rate": 0.01}
    pretrained = probe_experiment(encoder={"pretrained": True}, fusion={"reads": True}, **rates)
    trained(diary, pretrained, tmp_path / "pretrained")
    (step,) = diary.steps
    # AdamW's first step is rate × g / |g|, so the rate itself for the gradient of a sum.
    assert step.values["text.matrix"] == pytest.approx(torch.full((2, 2), 1 - 0.01))
    assert step.values["text.vector"] == pytest.approx(torch.full((2,), 1 - 0.01))
    assert step.values["fused"] == pytest.approx(torch.full((1, 2), -0.1))
    diary.steps.clear()
    trained(diary, probe_experiment(fusion={"reads": True}, **rates), tmp_path / "new")
    assert diary.steps[0].values["text.matrix"] == pytest.approx(torch.full((2, 2), 1 - 0.1))


def test_decay_shrinks_matrices_by_rate_times_decay_and_leaves_vectors(diary: Diary, tmp_path: Path) -> None:
    recipe = {"learning_rate": 0.1, "encoder_learning_rate": 0.01, "weight_decay": 0.5}
    flat = {"loss": {"slope": 0.0}, "fusion": {"gap": 2.0, "reads": True}, "encoder": {"pretrained": True}}
    trained(diary, probe_experiment(**flat, **recipe), tmp_path)
    (step,) = diary.steps
    assert step.values["fused"][0, 0] == pytest.approx(2 * (1 - 0.1 * 0.5))
    assert step.values["text.matrix"] == pytest.approx(torch.full((2, 2), 1 - 0.01 * 0.5))
    assert step.values["slack"].tolist() == step.values["text.vector"].tolist() == [1.0, 1.0]


def test_the_rate_rises_over_its_share_of_all_steps_and_falls_to_nothing(diary: Diary, tmp_path: Path) -> None:
    experiment = probe_experiment(learning_rate=0.1, warmup=0.5, epochs=4, batch_size=4)
    trained(diary, experiment, tmp_path)
    answers = [0.0, *(float(step.values["fused"][0, 0]) for step in diary.steps)]
    lengths = [(before - after) / 0.1 for before, after in pairwise(answers)]
    # 4 epochs of 2 batches: 4 steps rise, 4 fall by half a cosine: (1 + cos(k π / 4)) / 2.
    falling = [(1 + math.cos(k * math.pi / 4)) / 2 for k in range(4)]
    assert lengths == pytest.approx([0.25, 0.5, 0.75, 1.0, *falling], rel=1e-4)  # float32 values near 0.5


@pytest.mark.parametrize(("clip_norm", "norm"), [(0.5, 0.5), (2.0, math.sqrt(2)), (1e9, math.sqrt(2))])
def test_the_gradient_is_no_longer_than_the_clip(diary: Diary, tmp_path: Path, clip_norm: float, norm: float) -> None:
    trained(diary, probe_experiment(clip_norm=clip_norm), tmp_path)
    gradients = diary.steps[0].gradients
    assert not any(gradient.any() for name, gradient in gradients.items() if name != "fused")
    assert float(gradients["fused"].norm()) == pytest.approx(norm)  # raw, (1, 1)


@pytest.mark.parametrize("weight", [1.0, 3.0])
def test_branches_count_by_their_weight_as_a_mean_over_branches(diary: Diary, tmp_path: Path, weight: float) -> None:
    experiment = probe_experiment("text", "metadata", fusion={"branches": True}, branch_weight=weight)
    trained(diary, experiment, tmp_path)
    gradients = diary.steps[0].gradients
    assert gradients["fused"].tolist() == [[1.0, 1.0]]
    assert gradients["branch.text"].tolist() == gradients["branch.metadata"].tolist() == [[weight / 2] * 2]


def test_a_branch_is_judged_on_the_cases_that_have_its_modality(diary: Diary, tmp_path: Path) -> None:
    silent = {"age": [None] * 3 + [30.0] * 5} | {name: [None] * 3 + ["yes"] * 5 for name in ("itch", "bleed", "grew")}
    fold = made_fold(train=cases("train", "aaabbbbb", **silent))  # the text is there for all, columns for class b
    experiment = probe_experiment("text", "metadata", fusion={"branches": True})
    trained(diary, experiment, tmp_path, fold)
    judged = {of: sorted(diary.losses(of)[0].targets) for of in ("fused", "text", "metadata")}
    assert judged == {"fused": [0] * 3 + [1] * 5, "text": [0] * 3 + [1] * 5, "metadata": [1] * 5}


def test_a_branch_whose_modality_nobody_has_does_not_thin_the_mean(diary: Diary, tmp_path: Path) -> None:
    silent = {name: [None] * 8 for name in ("age", "itch", "bleed", "grew")}
    experiment = probe_experiment("text", "metadata", fusion={"branches": True}, branch_weight=3.0)
    trained(diary, experiment, tmp_path, made_fold(train=cases("train", "aabbabab", **silent)))
    assert diary.losses("metadata") == []
    assert diary.steps[0].gradients["branch.text"].tolist() == [[3.0, 3.0]]


def test_the_loss_is_told_how_far_the_training_is(diary: Diary, tmp_path: Path) -> None:
    experiment = probe_experiment("text", fusion={"branches": True}, epochs=2, batch_size=4)
    trained(diary, experiment, tmp_path)
    for of in ("fused", "text"):
        assert [asked.progress for asked in diary.losses(of)] == [0.0, 0.25, 0.5, 0.75]


def test_epochs_and_batches_are_as_many_and_as_large_as_asked(diary: Diary, tmp_path: Path) -> None:
    trained(diary, probe_experiment(epochs=3, batch_size=3), tmp_path)  # of 8 cases 2 are left out of each epoch
    assert [len(asked.targets) for asked in diary.losses()] == [3, 3] * 3


def test_a_batch_is_no_larger_than_the_training_part(diary: Diary, tmp_path: Path) -> None:
    trained(diary, probe_experiment(batch_size=32), tmp_path)
    assert [len(asked.targets) for asked in diary.losses()] == [8]


@pytest.mark.parametrize(("precision", "dtype"), [("fp32", torch.float32), ("bf16", torch.bfloat16)])
def test_products_are_computed_in_the_precision_asked_for(
    diary: Diary, tmp_path: Path, precision: str, dtype: torch.dtype
) -> None:
    trained(diary, probe_experiment(precision=precision), tmp_path)
    assert {forward.dtype for forward in diary.of_training("text")} == {dtype}


@pytest.mark.parametrize("asked", [True, False])
def test_the_memory_of_encoders_that_learn_is_laid_out_as_asked(diary: Diary, tmp_path: Path, asked: bool) -> None:
    trained(diary, probe_experiment(channels_last=asked), tmp_path)
    assert set(diary.memory_formats) == {asked}


@pytest.mark.parametrize("sampler", ["shuffle", "class_balanced"])
def test_a_balanced_sampler_draws_rare_classes_as_often_and_tells_the_fusion(
    diary: Diary, tmp_path: Path, sampler: str
) -> None:
    experiment = probe_experiment(batch_size=80, sampler=sampler)
    trained(diary, experiment, tmp_path, made_fold(train="a" * 76 + "b" * 4))
    rare = diary.losses()[0].targets.count(1)
    if sampler == "shuffle":
        assert rare == 4
        assert diary.priors[-1] == pytest.approx([0.95, 0.05])
    else:
        assert abs(rare - 40) < 4 * math.sqrt(80 / 4)  # four standard deviations of the binomial
        assert diary.priors[-1] == pytest.approx([0.5, 0.5])

"""What the seed and the number of the fold decide, and what they do not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from training.probe_parts import SCHEMA, Diary, Forward, cases, made_fold, noise_photo, probe_experiment, trained


@pytest.fixture
def first_passes(diary: Diary, tmp_path: Path) -> Any:
    """Training passes by (seed, fold, options), of the same cases."""

    def run(*modalities: str, seed: int = 0, number: int = 0, **options: Any) -> list[Forward]:
        diary.forwards.clear()
        folder = tmp_path / f"run {len(list(tmp_path.iterdir()))}"
        fold = made_fold(number=number, photo=noise_photo(tmp_path))
        trained(diary, probe_experiment(*modalities, seed=seed, **options), folder, fold)
        return diary.of_training((modalities or ("text",))[0])

    return run


def test_weights_start_from_seed_and_fold(first_passes: Any) -> None:
    def weights(**of: int) -> list[float]:
        torch.rand(1)  # the state that was before has no say
        return [round(float(weight), 6) for weight in first_passes(**of)[0].drawn]

    first = weights()
    assert weights() == first
    different = {tuple(weights(seed=seed, number=number)) for seed in range(3) for number in range(3)}
    assert len(different) == 9


def test_the_order_of_cases_is_that_of_the_seed_and_another_each_epoch(first_passes: Any) -> None:
    def order(seed: int) -> list[list[str]]:
        return [forward.raws for forward in first_passes(seed=seed, epochs=2)]

    assert order(0) == order(0)
    assert order(0)[0] != order(0)[1]
    assert order(0)[0] != order(1)[0]
    assert sorted(order(0)[0]) == sorted(order(1)[0])


@pytest.mark.parametrize("validate", [True, False])
def test_dropout_is_drawn_by_seed_and_step(first_passes: Any, validate: bool) -> None:
    def noises(**options: Any) -> list[float]:
        passes = first_passes(epochs=2, batch_size=4, validate_epochs=validate, **options)
        return [forward.noise for forward in passes]

    assert noises() == noises()
    assert len(set(noises())) == 4
    assert not set(noises()) & set(noises(seed=1))


@pytest.mark.parametrize(
    ("modality", "options"),
    [
        ("text", {"views": 2, "epochs": 2}),
        ("metadata", {"views": 2, "epochs": 2, "field_dropout": 0.5}),
        ("image", {"views": 2, "epochs": 2, "augment": {}}),
    ],
)
def test_variations_are_drawn_by_the_seed(first_passes: Any, modality: str, options: dict[str, Any]) -> None:
    def varied(seed: int) -> list[str]:
        raws = first_passes(modality, seed=seed, **options)[1].raws
        return sorted(str(raw.tolist() if isinstance(raw, torch.Tensor) else raw) for raw in raws)

    assert varied(0) == varied(0)
    assert varied(0) != varied(1)


def test_which_values_are_hidden_for_a_class_is_drawn_by_the_seed(diary: Diary, tmp_path: Path) -> None:
    half = {name: [None, "yes"] * 10 + ["yes"] * 20 for name in SCHEMA.optional_block}
    of = made_fold(train=cases("train", "a" * 20 + "b" * 20, **half))

    def hidden(seed: int) -> set[str]:
        diary.forwards.clear()
        experiment = probe_experiment("metadata", seed=seed, batch_size=40, data={"missingness": "equalized"})
        trained(diary, experiment, tmp_path / f"seed {seed}", of)
        return {h.text for h in diary.of_training("metadata")[0].raws if "itch" not in h.recorded()}

    assert hidden(0) == hidden(0)
    assert hidden(0) != hidden(1)


def test_what_hides_a_history_is_drawn_by_the_seed(first_passes: Any) -> None:
    def told(seed: int) -> list[str]:
        return sorted(first_passes("text", "image", seed=seed, history_dropout=0.5)[0].raws)

    assert told(0) == told(0)
    assert len({tuple(told(seed)) for seed in range(3)}) > 1

from __future__ import annotations

import pytest

from mmskin.model.classifier import MultimodalClassifier, build_model
from mmskin.schema import Schema
from mmskin.training.optimisation import Recipe, make_optimizer
from mmskin.training.schedules import cosine

SCHEMA = Schema(name="tiny", classes=("a", "b"))
RECIPE = Recipe(learning_rate=0.1, encoder_learning_rate=0.01, weight_decay=0.05, warmup=0.2)


@pytest.mark.parametrize(
    ("step", "factor"),
    [
        (0, 0.5),  # two of ten steps rise: 1/2, 1
        (1, 1.0),
        (2, 1.0),  # (1 + cos 0) / 2
        (4, 0.8535534),  # (1 + cos π/4) / 2
        (6, 0.5),  # (1 + cos π/2) / 2
        (8, 0.1464466),
        (9, 0.0380602),  # (1 + cos 7π/8) / 2
        (10, 0.0),
        (99, 0.0),  # never up again
    ],
)
def test_the_learning_rate_rises_in_a_line_and_falls_in_half_a_cosine(step: int, factor: float) -> None:
    assert cosine(step, steps=10, warmup=0.2) == pytest.approx(factor, abs=1e-6)


def test_without_warmup_it_starts_at_its_peak_and_with_little_it_rises_for_one_step() -> None:
    assert cosine(0, steps=10, warmup=0.0) == 1.0
    assert cosine(0, steps=3, warmup=0.01) == 1.0
    assert cosine(0, steps=1, warmup=0.0) == 1.0


def model() -> MultimodalClassifier:
    encoders = {
        "image": {"name": "timm", "model": "test_efficientnet", "image_size": 32, "trainable": 1},
        "text": {"name": "hashing", "dim": 8, "buckets": 16},
    }
    built, _ = build_model(encoders, {"name": "concat"}, {"name": "cross_entropy"}, schema=SCHEMA, class_counts=[5, 5])
    built.encoders["image"].is_pretrained = True
    return built


def test_every_trainable_parameter_is_in_one_group_and_no_frozen_one_in_any() -> None:
    built = model()
    optimizer, _ = make_optimizer(built, RECIPE, steps=10)
    grouped = [id(p) for group in optimizer.param_groups for p in group["params"]]
    assert sorted(grouped) == sorted(id(p) for p in built.parameters() if p.requires_grad)
    assert any(not p.requires_grad for p in built.parameters())


def test_matrices_are_decayed_and_vectors_are_not() -> None:
    optimizer, _ = make_optimizer(model(), RECIPE, steps=10)
    for group in optimizer.param_groups:
        for parameter in group["params"]:
            assert group["weight_decay"] == (0.05 if parameter.ndim > 1 else 0.0)


def test_pretrained_encoders_learn_at_their_own_rate_and_what_starts_from_nothing_at_the_other() -> None:
    built = model()
    optimizer, _ = make_optimizer(built, RECIPE, steps=10)
    rate = {id(p): group["initial_lr"] for group in optimizer.param_groups for p in group["params"]}
    inside = {id(p) for p in built.encoders["image"].parameters() if p.requires_grad}
    assert {rate[one] for one in inside} == {0.01}
    assert {rate[one] for one in rate if one not in inside} == {0.1}


def test_the_schedule_moves_all_groups_together() -> None:
    optimizer, schedule = make_optimizer(model(), RECIPE, steps=10)
    before = [group["lr"] for group in optimizer.param_groups]
    assert set(before) == {0.1 * 0.5, 0.01 * 0.5}
    for _ in range(6):
        optimizer.step()
        schedule.step()
    assert [group["lr"] for group in optimizer.param_groups] == pytest.approx(before)  # a half again at step 6


def test_cycles_are_the_same_schedule_one_after_the_other() -> None:
    """Two cycles of four steps, a warm-up of one: 1, then half a cosine over three steps."""
    text = {"text": {"name": "hashing", "dim": 4}}
    model, _ = build_model(text, {"name": "text_only"}, {"name": "cross_entropy"}, schema=SCHEMA, class_counts=[1, 1])
    optimizer, schedule = make_optimizer(model, RECIPE._replace(warmup=0.25, cycles=2), steps=8)
    rates = []
    for _ in range(8):
        rates.append(optimizer.param_groups[0]["lr"] / RECIPE.learning_rate)
        optimizer.step()
        schedule.step()
    cycle = [1.0, 1.0, 0.75, 0.25]  # .5 (1 + cos(π k / 3)), k = 0, 1, 2
    assert rates == pytest.approx(cycle * 2)
    assert optimizer.param_groups[0]["lr"] == pytest.approx(0, abs=1e-12)

from __future__ import annotations

import json

import numpy as np
import pytest

from mmskin.errors import ConfigError
from mmskin.synthetic.latents import (
    HISTORY_VALUES,
    NOT_SEEN,
    PHOTO_VALUES,
    ClinicDesign,
    Latents,
    Pair,
    default_design,
    latent_tokens,
    sample,
)


def tiny(*, interaction: float = 0.0, **changes: object) -> ClinicDesign:
    """Two diseases, one attribute each way, both fair coins."""
    coins = ((0.5, 0.5), (0.5, 0.5))
    options = {
        "classes": ("a", "b"),
        "prior": (0.75, 0.25),
        "photo": {"x": coins},
        "history": {"h": coins},
        "pairs": (Pair("a", "b", "x", "h"),),
        "interaction": interaction,
    }
    return ClinicDesign(**{**options, **changes})  # type: ignore[arg-type]


def test_joint_of_two_coins_is_as_by_hand() -> None:
    # p(a) p(x) p(h) (1 ± λ) = .75 · .25 · (1 ± .6), and with the other sign for b.
    joint = tiny(interaction=0.6).joint
    assert joint == pytest.approx(np.array([[[0.3, 0.075], [0.075, 0.3]], [[0.025, 0.1], [0.1, 0.025]]]))


@pytest.mark.parametrize("interaction", [0.0, 0.3, 1.0])
def test_default_joint_is_a_distribution_with_the_stated_prior(interaction: float) -> None:
    design = default_design(interaction=interaction)
    joint = design.joint
    assert joint.shape == (6, 2, 2, 3, 2, 2, 3, 2, 2, 2, 2, 4, 2)
    assert joint.min() >= 0
    assert joint.reshape(6, -1).sum(axis=1) == pytest.approx(np.array(design.prior))


def test_default_attributes_are_those_that_can_be_drawn() -> None:
    design = default_design()
    assert design.attributes == (*PHOTO_VALUES, *HISTORY_VALUES)
    assert design.sizes == tuple(len(v) for v in (*PHOTO_VALUES.values(), *HISTORY_VALUES.values()))


def test_without_interaction_photo_and_history_are_independent_given_the_class() -> None:
    joint = default_design().joint.reshape(6, 48, -1)
    given = joint / joint.sum(axis=(1, 2), keepdims=True)
    product = given.sum(axis=2, keepdims=True) * given.sum(axis=1, keepdims=True)
    assert np.allclose(given, product, rtol=1e-9, atol=1e-15)  # pytest.approx is slow on 110,000 cells


def test_interacting_pairs_differ_in_nothing_but_the_xor() -> None:
    design = default_design(interaction=1.0)
    for pair in design.pairs:
        a, b = (design.joint[design.classes.index(name)] for name in (pair.first, pair.second))
        a, b = a / a.sum(), b / b.sum()
        axes = [design.attributes.index(name) for name in (pair.photo, pair.history)]
        # Turning over one of the two coins turns one disease into the other, cell by cell.
        assert np.allclose(np.flip(a, axis=axes[0]), b, rtol=1e-9, atol=1e-15)
        assert np.allclose(np.flip(a, axis=axes[1]), b, rtol=1e-9, atol=1e-15)
        assert np.abs(a - b).sum() == pytest.approx(2.0)


def test_xor_holds_with_the_stated_chance() -> None:
    design = default_design(interaction=0.4)
    first = design.joint[design.classes.index("elstra")]
    rest = tuple(i for i, n in enumerate(design.attributes) if n not in ("ulcer", "bleeding"))
    coins = first.sum(axis=rest) / first.sum()
    assert coins[0, 0] + coins[1, 1] == pytest.approx((1 + 0.4) / 2)
    assert coins.sum(axis=0) == pytest.approx([0.5, 0.5])


def test_samples_follow_the_joint_table() -> None:
    design = tiny(interaction=0.6)
    n = 20_000
    drawn = sample(design, n, np.random.default_rng(0))
    counts = np.zeros((2, 2, 2))
    np.add.at(counts, (drawn.target, drawn.photo[:, 0], drawn.history[:, 0]), 1)
    # Five standard deviations of the most variable cell.
    assert counts / n == pytest.approx(design.joint, abs=5 * np.sqrt(0.3 * 0.7 / n))


def test_samples_depend_on_the_seed_only() -> None:
    design = default_design(interaction=0.5)
    one, same, other = (sample(design, 50, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert all(np.array_equal(a, b) for a, b in zip(one, same, strict=True))
    assert not np.array_equal(one.photo, other.photo)


def test_tokens_are_one_hot_per_attribute_and_zero_where_not_seen() -> None:
    design = ClinicDesign(
        classes=("a", "b"),
        prior=(0.5, 0.5),
        photo={"x": ((0.5, 0.5), (0.5, 0.5)), "y": ((0.2, 0.3, 0.5), (0.2, 0.3, 0.5))},
        history={"h": ((0.5, 0.5), (0.5, 0.5))},
    )
    latents = Latents(np.array([0]), np.array([[1, 2]]), np.array([[NOT_SEEN]]))
    tokens = latent_tokens(design, latents)
    assert tokens["photo"].tolist() == [[[0, 1, 0, 0, 0], [0, 0, 0, 0, 1]]]
    assert tokens["history"].tolist() == [[[0, 0]]]


def test_design_survives_json() -> None:
    design = default_design(interaction=0.25)
    again = ClinicDesign.from_json(json.loads(json.dumps(design.to_json())))
    assert again == design
    assert np.array_equal(again.joint, design.joint)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"interaction": 1.5}, r"interaction=1\.5 must lie between 0 and 1"),
        ({"prior": (0.5, 0.4)}, r"prior: \(0\.5, 0\.4\) must hold 2 probabilities that sum to 1"),
        ({"photo": {"x": ((0.5, 0.5),)}}, "x: 1 rows for 2 classes"),
        ({"history": {"h": ((0.6, 0.4), (0.5, 0.5))}}, r"h of a must be a fair coin"),
        ({"pairs": (Pair("a", "a", "x", "h"),)}, "each class at most once"),
        ({"pairs": (Pair("a", "z", "x", "h"),)}, "only classes"),
    ],
)
def test_impossible_design_is_refused(changes: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        tiny(**changes)  # type: ignore[arg-type]


def test_pair_of_an_unknown_attribute_is_refused() -> None:
    with pytest.raises(ConfigError, match="photo attribute 'h' does not exist"):
        tiny(pairs=(Pair("a", "b", "h", "h"),))

from __future__ import annotations

import numpy as np
import pytest

from mmskin.errors import ConfigError
from mmskin.synthetic.bayes import ceiling, late_ceiling, posterior, product_of_experts, sample_ceiling
from mmskin.synthetic.latents import NOT_SEEN, ClinicDesign, Pair, default_design, sample

# Two diseases, p(a) = .8. The photo shows x with p(x | a) = .1, p(x | b) = .6, the history tells h with .3 and .5.
HAND = ClinicDesign(
    classes=("a", "b"),
    prior=(0.8, 0.2),
    photo={"x": ((0.9, 0.1), (0.4, 0.6))},
    history={"h": ((0.7, 0.3), (0.5, 0.5))},
)
COINS = ClinicDesign(
    classes=("a", "b"),
    prior=(0.75, 0.25),
    photo={"x": ((0.5, 0.5), (0.5, 0.5))},
    history={"h": ((0.5, 0.5), (0.5, 0.5))},
    pairs=(Pair("a", "b", "x", "h"),),
    interaction=0.6,
)


def test_posteriors_are_as_by_hand() -> None:
    one = np.array([[1]])
    # photo: .8 · .1 : .2 · .6 = .08 : .12; history: .8 · .3 : .2 · .5 = .24 : .10; both: .024 : .060
    assert posterior(HAND, photo=one) == pytest.approx(np.array([[0.4, 0.6]]))
    assert posterior(HAND, history=one) == pytest.approx(np.array([[24 / 34, 10 / 34]]))
    assert posterior(HAND, photo=one, history=one) == pytest.approx(np.array([[24 / 84, 60 / 84]]))


def test_other_evidence_multiplies_in() -> None:
    # .08 · .5 : .12 · 1 = .04 : .12
    assert posterior(HAND, photo=np.array([[1]]), extra=np.array([[0.5, 1.0]])) == pytest.approx(
        np.array([[0.25, 0.75]])
    )


def test_ceilings_are_as_by_hand() -> None:
    # photo: x=0 .72 : .08 says a, x=1 .08 : .12 says b, .72 + .12. Balanced, by p(x | y): (.9 + .6) / 2.
    assert ceiling(HAND, seen=["x"]) == pytest.approx((0.84, 0.75))
    # history: .56 : .10 and .24 : .10 both say a, .80. Balanced: (.7 + .5) / 2.
    assert ceiling(HAND, seen=["h"]) == pytest.approx((0.80, 0.60))
    # nothing: the majority; every class alike, so half at best.
    assert ceiling(HAND, seen=[]) == pytest.approx((0.80, 0.50))
    # both: the greater of (.504, .04), (.216, .04), (.056, .06), (.024, .06);
    # balanced: half of the greater of (.63, .2), (.27, .2), (.07, .3), (.03, .3).
    assert ceiling(HAND, seen=["x", "h"]) == pytest.approx((0.84, 0.75))


def test_interaction_of_two_coins_is_as_by_hand() -> None:
    # Equal coins: .75 · 1.6 : .25 · .4 = 1.2 : .1; different: .75 · .4 : .25 · 1.6 = .3 : .4.
    got = posterior(COINS, photo=np.array([[0], [0]]), history=np.array([[0], [1]]))
    assert got == pytest.approx(np.array([[12 / 13, 1 / 13], [3 / 7, 4 / 7]]))
    # accuracy .6 + .2; the product of experts has only the prior: .75, and a lot between equals when balanced.
    assert ceiling(COINS, seen=["x", "h"]) == pytest.approx((0.8, 0.8))
    assert late_ceiling(COINS) == pytest.approx((0.75, 0.5))


def test_ties_are_drawn_by_lot_even_if_rounding_parts_them() -> None:
    probs = np.array([[0.1 + 0.3, 0.7 - 0.3, 0.2]])
    assert probs[0, 0] != probs[0, 1]
    design = ClinicDesign(("a", "b", "c"), (0.5, 0.25, 0.25), photo={}, history={"h": ((1.0,),) * 3})
    assert sample_ceiling(design, probs, np.array([1])).accuracy == 0.5


@pytest.mark.parametrize("arm", ["photo", "history"])
def test_margins_say_nothing_about_an_interacting_pair(arm: str) -> None:
    design = default_design(interaction=1.0)
    drawn = sample(design, 500, np.random.default_rng(0))
    probs = posterior(design, **{arm: getattr(drawn, arm)})
    for pair in design.pairs:
        first, second = (design.classes.index(name) for name in (pair.first, pair.second))
        ratio = design.prior[first] / design.prior[second]
        assert probs[:, first] / probs[:, second] == pytest.approx(np.full(500, ratio), rel=1e-12)


def test_both_together_tell_an_interacting_pair_apart_for_certain() -> None:
    design = default_design(interaction=1.0)
    drawn = sample(design, 500, np.random.default_rng(0))
    probs = posterior(design, photo=drawn.photo, history=drawn.history)
    for pair in design.pairs:
        first, second = (design.classes.index(name) for name in (pair.first, pair.second))
        assert np.minimum(probs[:, first], probs[:, second]).max() == 0


def test_product_of_experts_is_bayes_without_interaction_and_only_then() -> None:
    for interaction, equal in ((0.0, True), (0.5, False)):
        design = default_design(interaction=interaction)
        drawn = sample(design, 300, np.random.default_rng(1))
        bayes = posterior(design, photo=drawn.photo, history=drawn.history)
        late = product_of_experts(
            design, [posterior(design, photo=drawn.photo), posterior(design, history=drawn.history)]
        )
        assert np.allclose(late, bayes, rtol=1e-10, atol=1e-14) == equal


def test_late_ceiling_equals_bayes_without_interaction() -> None:
    design = default_design()
    assert late_ceiling(design) == pytest.approx(ceiling(design, seen=design.attributes))


def test_late_fusion_loses_ten_points_and_more_at_full_interaction() -> None:
    design = default_design(interaction=1.0)
    best, late = ceiling(design, seen=design.attributes), late_ceiling(design)
    assert best.accuracy - late.accuracy > 0.15
    assert best.balanced_accuracy - late.balanced_accuracy > 0.15


@pytest.mark.parametrize("interaction", [0.0, 0.5, 1.0])
def test_more_evidence_never_lowers_a_ceiling(interaction: float) -> None:
    design = default_design(interaction=interaction)
    alone = [ceiling(design, seen=[]), ceiling(design, seen=design.photo), ceiling(design, seen=design.attributes)]
    history = ceiling(design, seen=design.history)
    assert [c.accuracy for c in alone] == sorted(c.accuracy for c in alone)
    assert [c.balanced_accuracy for c in alone] == sorted(c.balanced_accuracy for c in alone)
    assert history.accuracy < alone[2].accuracy


def test_balanced_rule_beats_the_plain_one_where_it_should() -> None:
    design = default_design()
    drawn = sample(design, 20_000, np.random.default_rng(2))
    probs = posterior(design, photo=drawn.photo)
    plain = np.mean([(probs.argmax(1) == c)[drawn.target == c].mean() for c in range(6)])
    assert sample_ceiling(design, probs, drawn.target).balanced_accuracy > plain + 0.01


@pytest.mark.parametrize("arm", [("photo",), ("history",), ("photo", "history")])
def test_exact_ceiling_agrees_with_a_sample(arm: tuple[str, ...]) -> None:
    design, n = default_design(interaction=0.7), 20_000
    drawn = sample(design, n, np.random.default_rng(3))
    seen = [name for part in arm for name in getattr(design, part)]
    exact = ceiling(design, seen=seen)
    found = sample_ceiling(design, posterior(design, **{part: getattr(drawn, part) for part in arm}), drawn.target)
    # Four standard errors; the rarest class has a tenth of the cases and a sixth of the weight.
    assert found.accuracy == pytest.approx(exact.accuracy, abs=4 * 0.5 / np.sqrt(n))
    assert found.balanced_accuracy == pytest.approx(exact.balanced_accuracy, abs=4 * 0.5 / np.sqrt(n) * 1.3)


def test_posteriors_are_calibrated() -> None:
    design = default_design(interaction=0.6)
    drawn = sample(design, 20_000, np.random.default_rng(4))
    probs = posterior(design, photo=drawn.photo, history=drawn.history)
    for c in range(6):
        assert probs[:, c].mean() == pytest.approx((drawn.target == c).mean(), abs=0.01)
        sure = probs[:, c] > 0.5
        assert sure.sum() > 300
        # Four standard errors of a share near 3/4 among 300 and more.
        assert probs[sure, c].mean() == pytest.approx(
            (drawn.target == c)[sure].mean(), abs=0.1 * np.sqrt(300 / sure.sum())
        )


def test_hidden_attribute_is_averaged_over() -> None:
    design = default_design(interaction=0.8)
    drawn = sample(design, 40, np.random.default_rng(5))
    column = list(design.history).index("duration")
    hidden = drawn.history.copy()
    hidden[:, column] = NOT_SEEN
    # p(y | rest) = Σ_d p(y | rest, d) p(d | rest), and p(d | rest) ∝ p(rest, d).
    mass = np.zeros((40, 6))
    for value in range(3):
        filled = hidden.copy()
        filled[:, column] = value
        cells = np.concatenate([drawn.photo, filled], axis=1)
        mass += design.joint[(slice(None), *cells.T)].T
    got = posterior(design, photo=drawn.photo, history=hidden)
    assert got == pytest.approx(mass / mass.sum(axis=1, keepdims=True))


def test_cases_with_different_hidden_fields_do_not_touch_each_other() -> None:
    design = default_design(interaction=0.8)
    drawn = sample(design, 60, np.random.default_rng(6))
    rng = np.random.default_rng(7)
    history = np.where(rng.random(drawn.history.shape) < 0.4, NOT_SEEN, drawn.history)
    together = posterior(design, photo=drawn.photo, history=history)
    alone = [posterior(design, photo=drawn.photo[[i]], history=history[[i]])[0] for i in range(60)]
    assert together == pytest.approx(np.array(alone), rel=1e-12)


def test_nothing_seen_gives_the_prior() -> None:
    design = default_design()
    assert posterior(design, history=np.full((1, 7), NOT_SEEN)) == pytest.approx(np.array([design.prior]))


def test_refusals() -> None:
    design = default_design()
    with pytest.raises(ConfigError, match="needs a photo, a history or both"):
        posterior(design)
    with pytest.raises(ConfigError, match="5 photo and 7 history columns"):
        posterior(design, photo=np.zeros((2, 4), dtype=np.int64))
    with pytest.raises(ConfigError, match="Did you mean 'bleeding'"):
        ceiling(design, seen=["bleding"])

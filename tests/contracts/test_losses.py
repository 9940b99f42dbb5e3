"""What every loss in the table promises."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from mmskin.config.build import build
from mmskin.errors import ConfigError
from mmskin.losses import LOSSES
from mmskin.losses.loss_contract import Loss
from mmskin.losses.weighting import prior_of_balanced_draws

COUNTS = [845, 730, 244, 235, 192, 52]
SPECS = [{"name": name} for name in LOSSES] + [{"name": "class_balanced_focal", "form": "sigmoid"}]
WITH_POSTERIOR = [spec for spec in SPECS if build("loss", LOSSES, spec, COUNTS).gives_posterior]


@pytest.fixture(params=SPECS, ids=lambda spec: "-".join(spec.values()))
def spec(request: pytest.FixtureRequest) -> dict[str, str]:
    chosen: dict[str, str] = request.param
    return chosen


@pytest.fixture
def loss(spec: dict[str, str]) -> Loss:
    return build("loss", LOSSES, spec, COUNTS)


def _batch(num_cases: int = 24, *, scale: float = 3.0) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(1)
    logits = torch.randn(num_cases, 6, generator=generator) * scale
    return logits, torch.randint(6, (num_cases,), generator=generator)


def test_every_loss_gives_a_posterior_but_those_of_margins_and_of_yes_no_questions() -> None:
    assert [spec for spec in SPECS if spec not in WITH_POSTERIOR] == [
        {"name": "ldam"},
        {"name": "class_balanced_focal", "form": "sigmoid"},
    ]


def test_is_a_positive_scalar_whose_gradient_reaches_every_logit(loss: Loss) -> None:
    logits, target = _batch(scale=0.3)
    logits.requires_grad_()
    value = loss(logits, target)
    value.backward()
    assert value.shape == ()
    assert value > 0
    assert logits.grad is not None
    assert (logits.grad != 0).all()


def test_is_the_mean_over_cases_taken_alone(loss: Loss) -> None:
    logits, target = _batch()
    alone = torch.stack([loss(logits[i : i + 1], target[i : i + 1]) for i in range(len(target))])
    torch.testing.assert_close(loss(logits, target), alone.mean())


def test_more_for_the_true_class_is_a_smaller_loss(loss: Loss) -> None:
    logits, target = _batch()
    better = logits + torch.nn.functional.one_hot(target, 6) * 0.5
    assert loss(better, target) < loss(logits, target)


def test_renaming_the_classes_changes_nothing(loss: Loss, spec: dict[str, str]) -> None:
    logits, target = _batch()
    order = torch.tensor([3, 0, 5, 1, 4, 2])
    renamed = build("loss", LOSSES, spec, [COUNTS[i] for i in order])
    torch.testing.assert_close(renamed(logits[:, order], order.argsort()[target]), loss(logits, target))
    torch.testing.assert_close(renamed.prior(), loss.prior()[order])
    torch.testing.assert_close(renamed.probabilities(logits[:, order]), loss.probabilities(logits)[:, order])


def test_extreme_logits_leave_loss_and_gradient_finite(loss: Loss) -> None:
    logits, target = _batch(scale=1e4)
    logits.requires_grad_()
    value = loss(logits, target)
    value.backward()
    assert value.isfinite()
    assert logits.grad is not None
    assert logits.grad.isfinite().all()
    assert loss.log_probabilities(logits).isfinite().all()


def test_no_logit_is_too_small_for_its_place_in_the_order(loss: Loss) -> None:
    # Probabilities of e^−200 and less are 0 in float32; their logarithms keep apart what the logits keep apart.
    far = torch.linspace(-400, -200, 41)[:, None] * torch.eye(6)[0]
    assert (loss.log_probabilities(far)[:, 0].diff() > 0).all()
    logits, _ = _batch()
    torch.testing.assert_close(loss.log_probabilities(logits).exp(), loss.probabilities(logits))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_logits_are_computed_in_float32(loss: Loss, dtype: torch.dtype) -> None:
    logits, target = _batch(scale=20.0)
    half = logits.to(dtype)
    value = loss(half, target)
    assert value.dtype == torch.float32
    torch.testing.assert_close(value, loss(half.float(), target))
    torch.testing.assert_close(loss.probabilities(half), loss.probabilities(half.float()))


def test_probabilities_sum_to_one_and_more_for_a_class_is_less_for_all_others(loss: Loss) -> None:
    logits, _ = _batch(scale=0.3)
    probs = loss.probabilities(logits)
    torch.testing.assert_close(probs.sum(dim=1), torch.ones(len(probs)))
    assert (probs > 0).all()
    for own in torch.eye(6):
        change = loss.probabilities(logits + 0.1 * own) - probs
        assert torch.equal(change > 0, own.bool().expand_as(change))


def test_prior_is_a_distribution_over_the_classes(loss: Loss) -> None:
    assert loss.prior().shape == (6,)
    assert (loss.prior() > 0).all()
    assert loss.prior().sum().item() == pytest.approx(1)


def test_answers_depart_from_the_class_shares_exactly_where_the_loss_says_that_it_is_weighted(loss: Loss) -> None:
    # Where the logits know no more than the prior, the probabilities are the prior under which they answer.
    shares = torch.tensor(COUNTS) / sum(COUNTS)
    answers = loss.of_posterior(loss.prior().log()[None])[0].exp()
    assert loss.is_weighted == (not torch.allclose(answers, shares))


@pytest.mark.parametrize("balanced", [False, True], ids=["as they are", "drawn alike"])
@pytest.mark.parametrize("with_posterior", WITH_POSTERIOR, ids=lambda spec: spec["name"])
def test_the_posterior_of_the_best_constant_logits_is_the_prior(with_posterior: dict[str, str], balanced: bool) -> None:
    # All that can be learned without looking at a case is the prior, so the posterior there must be the prior.
    loss = build("loss", LOSSES, with_posterior, COUNTS)
    drawn = [100] * 6 if balanced else COUNTS
    expected = prior_of_balanced_draws(loss.prior(), COUNTS) if balanced else loss.prior()
    target = torch.repeat_interleave(torch.arange(6), torch.tensor(drawn))
    logits = torch.zeros(6, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS([logits], max_iter=200, tolerance_grad=1e-10, line_search_fn="strong_wolfe")

    def risk() -> Tensor:
        optimizer.zero_grad()
        value: Tensor = loss(logits.expand(len(target), 6), target, progress=1.0)
        value.backward()
        return value

    optimizer.step(risk)
    found = loss.log_posterior(logits.detach()[None])[0].exp().float()
    torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("with_posterior", WITH_POSTERIOR, ids=lambda spec: spec["name"])
def test_a_posterior_orders_the_classes_as_the_logits_do(with_posterior: dict[str, str]) -> None:
    logits, _ = _batch()
    log_posterior = build("loss", LOSSES, with_posterior, COUNTS).log_posterior(logits)
    assert torch.equal(log_posterior.argsort(dim=1), logits.argsort(dim=1))
    torch.testing.assert_close(log_posterior.exp().sum(dim=1), torch.ones(len(logits)))


def test_a_loss_without_posterior_refuses_to_give_one(spec: dict[str, str]) -> None:
    # Label smoothing teaches (1 − ε) p + ε / C, which a trained model may fall below: no posterior has that image.
    smoothed = build("loss", LOSSES, {**spec, "label_smoothing": 0.1}, COUNTS)
    assert not smoothed.gives_posterior
    with pytest.raises(ValueError, match=f"{type(smoothed).__name__} stand for no posterior"):
        smoothed.log_posterior(torch.zeros(1, 6))


def test_a_class_without_training_cases_leaves_everything_finite(spec: dict[str, str]) -> None:
    loss = build("loss", LOSSES, spec, [10, 0, 3])
    logits = torch.tensor([[1.0, 2.0, 3.0]], requires_grad=True)
    for target in range(3):
        value = loss(logits, torch.tensor([target]))
        (gradient,) = torch.autograd.grad(value, logits)
        assert value.isfinite()
        assert gradient.isfinite().all()
    assert loss.prior()[1] == 0


def test_counts_can_be_a_tensor(loss: Loss, spec: dict[str, str]) -> None:
    logits, target = _batch()
    other = build("loss", LOSSES, spec, torch.tensor(COUNTS))
    assert other(logits, target) == loss(logits, target)


def test_nothing_is_saved_with_the_model(loss: Loss) -> None:
    # What a loss knows comes from the counts; a checkpoint must not bring back those of another fold.
    assert loss.state_dict() == {}


def test_label_smoothing_outside_its_range_is_refused(spec: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match=f"{spec['name']}.*label_smoothing=1.0"):
        build("loss", LOSSES, {**spec, "label_smoothing": 1.0}, COUNTS)


def test_options_are_refused_if_unknown(spec: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match="label_smoothing"):
        build("loss", LOSSES, {**spec, "label_smoothin": 0.1}, COUNTS)

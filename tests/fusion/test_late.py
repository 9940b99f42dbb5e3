from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from mmskin.features import Features
from mmskin.fusion.late import LateFusion

# Two classes, prior (.8, .2). The photo says (.5, .5), the note (.9, .1), the fields (.4, .6).
PRIOR = torch.tensor([8.0, 2.0])
POSTERIORS = {"image": [0.5, 0.5], "text": [0.9, 0.1], "metadata": [0.4, 0.6]}


def _fusion(*modalities: str, joint: bool = False) -> LateFusion:
    """Branches that repeat their input, so that log-probabilities go in as features."""
    fusion = LateFusion(dict.fromkeys(modalities, 2), 2, joint=joint).eval()
    _repeat_their_input(fusion)
    fusion.set_prior(PRIOR)
    return fusion


def _repeat_their_input(fusion: LateFusion) -> None:
    for head in fusion.experts.heads.values():
        assert isinstance(head, nn.Sequential)
        nn.init.eye_(head[-1].weight)
        nn.init.zeros_(head[-1].bias)


def _features(num_cases: int = 1) -> dict[str, Features]:
    return {m: Features(torch.tensor(p).log().expand(num_cases, 2)) for m, p in POSTERIORS.items()}


def _present(**is_present: bool) -> dict[str, Tensor]:
    return {m: torch.tensor([value]) for m, value in is_present.items()}


@pytest.mark.parametrize(
    ("present", "odds"),
    [
        # Prior odds 4. An expert's likelihood ratio is its odds / 4: photo 1/4, note 9/4, fields (2/3)/4 = 1/6. Note
        # and fields are one history: where both are there each counts half, the square root of its ratio.
        ({"image": True, "text": True, "metadata": True}, 4 * (1 / 4) * (9 / 4 * 1 / 6) ** 0.5),  # sqrt(3/8)
        ({"image": True, "text": True, "metadata": False}, 4 * (1 / 4) * (9 / 4)),  # 9/4
        ({"image": True, "text": False, "metadata": True}, 4 * (1 / 4) * (1 / 6)),  # 1/6
        ({"image": False, "text": True, "metadata": True}, 4 * (9 / 4 * 1 / 6) ** 0.5),  # sqrt(6)
        ({"image": False, "text": True, "metadata": False}, 9.0),  # the note's own answer
        ({"image": False, "text": False, "metadata": False}, 4.0),  # the prior
    ],
)
def test_at_weight_one_it_is_naive_bayes_over_what_is_present(present: dict[str, bool], odds: float) -> None:
    probs = _fusion("image", "text", "metadata")(_features(), _present(**present)).logits.softmax(dim=-1)
    torch.testing.assert_close(probs, torch.tensor([[odds / (1 + odds), 1 / (1 + odds)]]))


def test_it_is_the_exact_posterior_where_modalities_are_independent_given_the_class() -> None:
    # Joint table p(c) p(i|c) p(t|c), summed out both ways; no number of ours enters.
    p_c = torch.tensor([0.7, 0.3])
    p_i, p_t = torch.tensor([[0.9, 0.1], [0.3, 0.7]]), torch.tensor([[0.2, 0.8], [0.6, 0.4]])  # (class, value)
    joint = p_c[:, None, None] * p_i[:, :, None] * p_t[:, None, :]
    posterior = joint / joint.sum(dim=0)
    fusion = _fusion("image", "text")
    fusion.set_prior(p_c)
    for i in range(2):
        for t in range(2):
            given_i = joint[:, i].sum(dim=1)
            given_t = joint[:, :, t].sum(dim=1)
            features = {"image": Features(given_i.log()[None]), "text": Features(given_t.log()[None])}
            probs = fusion(features, _present(image=True, text=True)).logits.softmax(dim=-1)
            torch.testing.assert_close(probs[0], posterior[:, i, t])


def test_weights_scale_the_evidence_and_not_the_prior() -> None:
    fusion = _fusion("image", "text")
    fusion.experts.weights["image"].data.fill_(0.5)
    fusion.experts.weights["text"].data.fill_(2.0)
    logits = fusion(_features(), _present(image=True, text=True)).logits
    # odds 4 × (1/4)^½ × (9/4)² = 10.125
    assert (logits[0, 0] - logits[0, 1]).exp().item() == pytest.approx(10.125, rel=1e-5)


def test_nothing_of_an_absent_modality_is_read_not_even_nan() -> None:
    fusion = _fusion("image", "text")
    features = {**_features(), "image": Features(torch.full((1, 2), torch.nan))}
    probs = fusion(features, _present(image=False, text=True)).logits.softmax(dim=-1)
    torch.testing.assert_close(probs, torch.tensor([[0.9, 0.1]]))


def test_where_nothing_is_trained_a_gradient_reaches_the_features() -> None:
    features = _features()
    seen = features["image"].pooled.clone().requires_grad_()
    changed = features | {"image": Features(seen)}
    _fusion("image", "text")(changed, _present(image=True, text=True)).logits[0, 0].backward()
    assert seen.grad is not None
    assert seen.grad.abs().max() > 0


@pytest.mark.parametrize("joint", [False, True])
def test_the_fused_loss_moves_the_branches_only_if_joint(joint: bool) -> None:
    fusion = _fusion("image", "text", joint=joint).train()
    output = fusion(_features(), _present(image=True, text=True))
    nn.functional.cross_entropy(output.logits, torch.tensor([1])).backward()
    assert all((parameter.grad is not None) == joint for parameter in fusion.experts.heads.parameters())
    assert all(weight.grad is not None for weight in fusion.experts.weights.values())


def test_once_trained_the_answer_can_be_explained_by_its_gradient() -> None:
    # The logit is log π + Σ w (log p_m − log π): its gradient by the photo is w times that of the branch's own log p.
    fusion = _fusion("image", "text")
    with torch.no_grad():
        fusion.experts.weights["image"].fill_(0.5)
    features = _features()
    pooled = features["image"].pooled.clone().requires_grad_(True)
    logits = fusion(features | {"image": Features(pooled)}, _present(image=True, text=True)).logits
    (of_answer,) = torch.autograd.grad(logits[0, 1], pooled)
    (of_branch,) = torch.autograd.grad(fusion.experts.heads["image"](pooled).log_softmax(dim=-1)[0, 1], pooled)
    assert of_branch.abs().max() > 0
    torch.testing.assert_close(of_answer, 0.5 * of_branch)


def test_branch_logits_are_the_branches_own_and_trainable() -> None:
    fusion = _fusion("image", "text")
    branch_logits = fusion(_features(), _present(image=True, text=True)).branch_logits
    for m in ("image", "text"):
        torch.testing.assert_close(branch_logits[m].softmax(dim=-1), torch.tensor([POSTERIORS[m]]))
        assert branch_logits[m].requires_grad


def test_a_class_without_training_cases_does_not_win_by_its_tiny_prior() -> None:
    # Each branch leaves it .001; over a prior of 1e-12 that would be evidence of a billion, twice.
    fusion = LateFusion({"image": 3, "text": 3}, 3).eval()
    _repeat_their_input(fusion)
    fusion.set_prior(torch.tensor([8.0, 2.0, 0.0]))
    says = torch.tensor([[0.799, 0.2, 0.001]]).log()
    probs = fusion({m: Features(says) for m in ("image", "text")}, _present(image=True, text=True)).logits.softmax(-1)
    assert probs[0, 2] < 1e-9
    assert probs[0].argmax() == 0


def test_without_a_prior_it_is_the_product_of_the_posteriors() -> None:
    fusion = _fusion("image", "text")
    fusion.set_prior(torch.ones(2))
    probs = fusion(_features(), _present(image=True, text=True)).logits.softmax(dim=-1)
    torch.testing.assert_close(probs, torch.tensor([[0.9, 0.1]]))


@pytest.mark.parametrize(
    ("options", "message"),
    [({"hidden_dim": 0}, "hidden_dim=0"), ({"joint": "no"}, "joint must be true or false, however: joint='no'")],
)
def test_options_that_make_no_sense_are_refused_by_name(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        LateFusion({"image": 2}, 2, **options)

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from mmskin.features import Features
from mmskin.fusion.experts import Experts, shares_of, tells_several_things

ALL = ("clinical", "dermoscopic", "text", "metadata")


def _present(*names: str) -> dict[str, Tensor]:
    return {m: torch.tensor([m in names]) for m in ALL}


@pytest.mark.parametrize(
    ("present", "shares"),
    [
        (("clinical", "text", "metadata"), [1.0, 1.0, 0.5, 0.5]),
        (("clinical", "dermoscopic", "text"), [1.0, 1.0, 1.0, 0.5]),
        (("metadata",), [1.0, 1.0, 0.5, 1.0]),
    ],
)
def test_note_and_columns_share_the_history_where_both_are_there(present: tuple[str, ...], shares: list[float]) -> None:
    found = shares_of(_present(*present), ALL)
    for m, share in zip(ALL, shares, strict=True):
        if m in present:
            assert found[m].item() == share


@pytest.mark.parametrize(
    ("present", "several"),
    [
        (("clinical", "text"), True),
        (("clinical", "dermoscopic"), True),
        (("text", "metadata"), False),  # the same facts twice
        (("dermoscopic",), False),
        ((), False),
    ],
)
def test_only_photos_of_two_kinds_or_photo_and_history_tell_different_things(
    present: tuple[str, ...], several: bool
) -> None:
    assert tells_several_things(_present(*present), ALL).item() == several


def _log(*probs: float) -> Tensor:
    return torch.tensor([probs]).log()


def test_a_weight_counts_only_where_there_is_something_to_weigh_against() -> None:
    experts = Experts({"image": 2, "text": 2, "metadata": 2}, 2)
    for m, weight in {"image": 2.0, "text": 0.5, "metadata": 1.0}.items():
        experts.weights[m].data.fill_(weight)
    said = {"image": _log(0.8, 0.2), "text": _log(0.9, 0.1), "metadata": _log(0.5, 0.5)}
    log_prior = _log(0.5, 0.5)[0]

    def odds(*names: str) -> float:
        present = {m: torch.tensor([m in names]) for m in experts.modalities}
        log_p = experts.product(said, present, log_prior=log_prior)[0]
        return (log_p[0] - log_p[1]).exp().item()

    assert odds("image") == pytest.approx(4.0)
    assert odds("text") == pytest.approx(9.0)
    assert odds("text", "metadata") == pytest.approx(3.0)  # (9 · 1)^½: the history's own answer, its forms equal
    assert odds("image", "text") == pytest.approx(4.0**2 * 9.0**0.5)
    assert odds("image", "text", "metadata") == pytest.approx(4.0**2 * 9.0**0.25)
    assert odds() == pytest.approx(1.0)


def test_an_expert_reads_its_own_modality_alone() -> None:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        experts = Experts({"image": 16, "text": 8}, 3).eval()
        features = {"image": Features(torch.randn(4, 16)), "text": Features(torch.randn(4, 8))}
        other = {**features, "text": Features(torch.randn(4, 8))}
    one, two = experts(features), experts(other)
    assert torch.equal(one["image"], two["image"])
    assert not torch.allclose(one["text"], two["text"])


def test_weights_that_are_not_trained_have_no_gradient_to_follow() -> None:
    for weights, learns in (("training", True), ("fixed", False), ("validation", False)):
        experts = Experts({"image": 8, "text": 8}, 2, weights=weights)  # type: ignore[arg-type]
        assert all(weight.requires_grad == learns for weight in experts.weights.values())


def test_weights_from_nowhere_are_refused() -> None:
    with pytest.raises(ValueError, match=r"weights 'validaton' does not exist\. Did you mean 'validation'"):
        Experts({"image": 8}, 2, weights="validaton")  # type: ignore[arg-type]

"""A fusion as a correction to experts: where it starts, when it counts, what trains what."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from contracts.test_fusions import ONE_KIND, TWO_KINDS, VARIANTS, _all_present, _features, _without_absent
from torch import Tensor, nn
from torch.nn import functional as F

from mmskin.config.build import build
from mmskin.features import Features, is_photo
from mmskin.fusion import FUSIONS
from mmskin.fusion.experts import Experts
from mmskin.fusion.fusion_contract import Fusion
from mmskin.fusion.linear_head import linear_head
from mmskin.model.gated_correction import GatedCorrection

CLASSES = 3
CORRECTING = [name for name in FUSIONS if name != "late" and not name.endswith("_only")]
PRIOR = torch.tensor([0.6, 0.3, 0.1])
Said = tuple[Tensor, dict[str, Tensor]]


class Parts(nn.Module):
    """A fusion with its head and experts, as the classifier holds them."""

    def __init__(self, name: str, dims: dict[str, int], *, classes: int = CLASSES, **options: Any) -> None:
        super().__init__()
        spec = {"name": name, **VARIANTS.get(name, [{}])[0]}
        self.fusion: Fusion = build("fusion", FUSIONS, spec, dims, classes)
        self.fusion.set_prior(PRIOR[:classes])
        self.head = linear_head(self.fusion.out_dim or 1, classes, is_normed=not self.fusion.norms_fused)
        experts = Experts({m: dims[m] for m in self.fusion.modalities}, classes)
        self.correction = GatedCorrection(experts, classes, **options)

    def forward(self, features: dict[str, Features], present: dict[str, Tensor]) -> Said:
        joint = self.head(self.fusion(features, present).fused)
        product, correction, of_experts = self.correction(joint, features, present, of=self.fusion)
        return product + correction, of_experts


def parts(name: str, dims: dict[str, int] = ONE_KIND, *, gate: float = 0.0) -> Parts:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        made = Parts(name, dims).eval()
    nn.init.constant_(made.correction.gate, gate)
    return made


@pytest.mark.parametrize("dims", [ONE_KIND, TWO_KINDS], ids=["one kind", "two kinds"])
@pytest.mark.parametrize("name", CORRECTING)
def test_it_starts_as_the_product_of_its_experts(name: str, dims: dict[str, int]) -> None:
    made = parts(name, dims)
    features = _features(5, dims)
    logits, of_experts = made(features, _all_present(5, dims))
    # The formula anew: π Π (p_m / π)^s, with s = 1 for a photo, and 1 / forms for a form of the history.
    read = made.fusion.modalities
    forms = sum(not is_photo(m) for m in read)
    odds = {m: of_experts[m].double().softmax(-1) / PRIOR for m in read}
    product = PRIOR * torch.stack([odds[m] ** (1 if is_photo(m) else 1 / forms) for m in read]).prod(0)
    torch.testing.assert_close(
        logits.double().softmax(-1), product / product.sum(-1, keepdim=True), atol=1e-6, rtol=0.0
    )


@pytest.mark.parametrize("name", CORRECTING)
def test_with_the_history_gone_the_answer_is_the_photo_experts_own(name: str) -> None:
    made = parts(name, gate=3.0)
    for m in made.correction.experts.modalities:
        nn.init.constant_(made.correction.experts.weights[m], 0.3)
    present = _all_present(5, ONE_KIND) | {m: torch.zeros(5, dtype=torch.bool) for m in ("text", "metadata")}
    logits, of_experts = made(_without_absent(_features(5, ONE_KIND), present), present)
    torch.testing.assert_close(logits.softmax(-1), of_experts["image"].softmax(-1), atol=1e-6, rtol=0.0)
    there = _all_present(5, ONE_KIND)
    with_history, _ = made(_features(5, ONE_KIND), there)
    assert not torch.allclose(with_history.softmax(-1), logits.softmax(-1), atol=1e-2)


def test_with_a_gate_a_class_one_class_is_corrected_and_the_others_are_not() -> None:
    made = Parts("concat", ONE_KIND, gate="class").eval()
    features, there = _features(5, ONE_KIND), _all_present(5, ONE_KIND)
    before, _ = made(features, there)
    made.correction.gate.data[1] = 1.0
    after, _ = made(features, there)
    assert ((after - before).abs().amax(dim=0) > 1e-3).tolist() == [False, True, False]


def test_a_gate_of_anything_else_is_refused() -> None:
    with pytest.raises(ValueError, match=r"gate 'clas' does not exist\. Did you mean 'class'"):
        Parts("concat", ONE_KIND, gate="clas")


def test_in_training_the_loss_of_the_answer_moves_all_but_the_experts() -> None:
    made = parts("concat", gate=0.1).train()
    features = _features(16, ONE_KIND)
    logits, of_experts = made(features, _all_present(16, ONE_KIND))
    F.cross_entropy(logits, torch.arange(16) % CLASSES).backward()
    assert all(p.grad is None for p in made.correction.experts.heads.parameters())
    assert all(w.grad is not None and w.grad != 0 for w in made.correction.experts.weights.values())
    assert made.correction.gate.grad.abs().max() > 0
    for name, parameter in [*made.fusion.named_parameters(), *made.head.named_parameters()]:
        assert parameter.grad is not None, name
        assert parameter.grad.abs().max() > 0, name
    for logits in of_experts.values():
        assert logits.requires_grad


def test_at_the_start_the_gate_alone_learns_of_the_correction() -> None:
    made = parts("concat").train()
    logits, _ = made(_features(16, ONE_KIND), _all_present(16, ONE_KIND))
    F.cross_entropy(logits, torch.arange(16) % CLASSES).backward()
    assert made.correction.gate.grad.abs().max() > 0
    assert all(p.grad.abs().max() == 0 for p in made.head.parameters())


def _trained(target_of: Any) -> tuple[Parts, float, float]:
    """Gate and experts' weights after 150 steps on 64 new cases each, and the accuracies of answer and product."""
    generator = torch.Generator().manual_seed(1)
    dims = {"image": 16, "text": 16}
    with torch.random.fork_rng():
        torch.manual_seed(0)
        made = Parts("gated", dims, classes=2).train()
        optimizer = torch.optim.Adam(made.parameters(), lr=1e-2)
        for _ in range(150):
            features, target = _signs(64, target_of, generator)
            logits, of_experts = made(features, _there(64))
            losses = [F.cross_entropy(given, target) for given in (logits, *of_experts.values())]
            optimizer.zero_grad()
            torch.stack(losses).sum().backward()
            optimizer.step()
    made.eval()
    features, target = _signs(1000, target_of, generator)
    with torch.no_grad():
        together = made(features, _there(1000))[0]
        nn.init.zeros_(gate := made.correction.gate.clone())
        held, made.correction.gate.data = made.correction.gate.data, gate
        alone = made(features, _there(1000))[0]
        made.correction.gate.data = held
    return made, _accuracy(together, target), _accuracy(alone, target)


def _there(count: int) -> dict[str, Tensor]:
    return {m: torch.ones(count, dtype=torch.bool) for m in ("image", "text")}


def _accuracy(logits: Tensor, target: Tensor) -> float:
    return (logits.argmax(-1) == target).float().mean().item()


def _signs(count: int, target_of: Any, generator: torch.Generator) -> tuple[dict[str, Features], Tensor]:
    """A sign in the photo and one in the note, each a direction with noise around it."""
    facts = torch.randint(2, (2, count), generator=generator)
    features = {}
    for m, fact in zip(("image", "text"), facts, strict=True):
        vectors = torch.randn(count, 16, generator=generator) * 0.3
        vectors[:, :4] += (2 * fact - 1)[:, None]
        features[m] = Features(vectors)
    return features, target_of(*facts)


def test_the_gate_opens_for_what_no_expert_can_see() -> None:
    made, together, alone = _trained(lambda photo, note: photo ^ note)
    assert made.correction.gate.abs().item() > 0.1
    assert alone < 0.6
    assert together > 0.95


def test_what_the_experts_can_see_stays_theirs() -> None:
    # The class is the photo's sign: its expert says all, and the answer stays near the product.
    _, together, alone = _trained(lambda photo, note: photo)
    assert alone > 0.97
    assert together > 0.97

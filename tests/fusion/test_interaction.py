"""Which fusions can learn that a sign matters only with a complaint.

Covered: every fusion of photo and note in the table.
"""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mmskin.config.build import build
from mmskin.features import Features
from mmskin.fusion import FUSIONS
from mmskin.fusion.fusion_contract import Fusion, FusionOutput

DIMS = {"image": 128, "text": 8}

# Small only to be quick; a fusion that is not named runs as it is.
SMALL: dict[str, dict[str, Any]] = {
    "late": {"hidden_dim": 16, "joint": True},
    "concat": {"hidden_dim": 16},
    "cross_attention": {"hidden_dim": 16},
    "gated": {"hidden_dim": 16},
    "low_rank": {"hidden_dim": 8},
    "film": {"hidden_dim": 16},
    "channel_gate": {"hidden_dim": 32, "gate_dim": 16},
    "bottleneck": {"hidden_dim": 32, "dropout": 0.0, "token_dropout": 0.0},
    "co_attention": {"hidden_dim": 16},
}
SPECS: list[dict[str, Any]] = [
    *({"name": name} | SMALL.get(name, {}) for name in FUSIONS if not name.endswith("_only")),
    {"name": "concat", "hidden_dim": 16, "joint_dim": 16},
]
OF_FIELDS = ("metablock", "metanet")  # the same classes as their _note variants, on another context


def _xor(num_cases: int, generator: torch.Generator) -> tuple[dict[str, Features], Tensor]:
    """The class is (one patch bears a sign) XOR (one word complains): each by itself says nothing about it."""
    facts = torch.randint(2, (2, num_cases), generator=generator)
    directions = torch.Generator().manual_seed(0)
    features = {}
    for (name, dim), length, fact in zip(DIMS.items(), (4, 3), facts, strict=True):
        tokens = torch.randn(num_cases, length, dim, generator=generator) * 0.3
        place = torch.randint(length, (num_cases,), generator=generator)
        direction = torch.randn(dim, generator=directions)
        tokens[torch.arange(num_cases), place] += (2 * fact - 1)[:, None] * direction
        features[name] = Features(tokens.mean(dim=1), tokens, torch.ones(num_cases, length, dtype=torch.bool))
    return features, facts[0] ^ facts[1]


def _accuracy_after_training(fusion: Fusion) -> float:
    """Accuracy on 500 cases after 100 steps on 64 new cases each: nothing can be learned by heart."""
    generator = torch.Generator().manual_seed(1)
    head = nn.Identity() if fusion.out_dim is None else nn.Linear(fusion.out_dim, 2)
    optimizer = torch.optim.Adam([*fusion.parameters(), *head.parameters()], lr=3e-3)
    for _ in range(100):
        output, target = _answer(fusion, head, 64, generator)
        logits = [output.logits, *(output.branch_logits or {}).values()]
        optimizer.zero_grad()
        sum(F.cross_entropy(given, target) for given in logits).backward()
        optimizer.step()
    fusion.eval()
    with torch.no_grad():
        output, target = _answer(fusion, head, 500, generator)
    return (output.logits.argmax(dim=1) == target).float().mean().item()


def _answer(fusion: Fusion, head: nn.Module, num_cases: int, generator: torch.Generator) -> tuple[FusionOutput, Tensor]:
    """What fusion and head say of new cases, and the truth."""
    features, target = _xor(num_cases, generator)
    output = fusion(features, {m: torch.ones(num_cases, dtype=torch.bool) for m in features})
    return output if output.fused is None else output._replace(logits=head(output.fused)), target


@pytest.mark.parametrize(
    "spec",
    [spec for spec in SPECS if spec["name"] not in OF_FIELDS],
    ids=lambda spec: "-".join(str(value) for value in spec.values()),
)
def test_learns_that_a_sign_matters_only_with_a_complaint_unless_it_says_that_it_is_additive(
    spec: dict[str, Any],
) -> None:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        fusion = build("fusion", FUSIONS, spec, DIMS, 2)
        accuracy = _accuracy_after_training(fusion)
    # Chance is .5, its standard error on 500 cases .022.
    assert accuracy < 0.6 if fusion.is_additive else accuracy > 0.9


def test_what_is_additive() -> None:
    built = [build("fusion", FUSIONS, spec, DIMS | {"metadata": 8}, 2) for spec in SPECS]
    additive = [
        (spec["name"], "joint_dim" in spec) for spec, fusion in zip(SPECS, built, strict=True) if fusion.is_additive
    ]
    assert additive == [("concat", False), ("late", False)]

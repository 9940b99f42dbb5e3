"""Fusions in which the history modulates photos: each kind by itself, and the answers side by side."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from mmskin.config.build import build
from mmskin.errors import ConfigError
from mmskin.features import Features
from mmskin.fusion import FUSIONS
from mmskin.fusion.fusion_contract import Fusion

DIMS = {"clinical": 64, "dermoscopic": 128, "text": 8, "metadata": 8}
MODULATING = ("film", "channel_gate", "metablock", "metanet")


def _features() -> dict[str, Features]:
    generator = torch.Generator().manual_seed(0)
    return {
        m: Features(
            torch.randn(3, dim, generator=generator),
            torch.randn(3, 4, dim, generator=generator),
            torch.ones(3, 4, dtype=torch.bool),
        )
        for m, dim in DIMS.items()
    }


def _fusion(name: str, *photos: str) -> Fusion:
    torch.manual_seed(0)
    dims = {m: DIMS[m] for m in (*photos, "text", "metadata")}
    fusion = build("fusion", FUSIONS, {"name": name}, dims, 2)
    for parameter in fusion.parameters():
        parameter.data += 0.1
    return fusion.eval()


@pytest.mark.parametrize("name", MODULATING)
def test_each_kind_of_photo_is_answered_as_if_it_were_alone_and_the_answers_lie_side_by_side(name: str) -> None:
    both, clinical, dermoscopic = (
        _fusion(name, *photos) for photos in (("clinical", "dermoscopic"), ("clinical",), ("dermoscopic",))
    )
    state = both.state_dict()
    own = {key: tensor for key, tensor in state.items() if not key.startswith("further.")}
    clinical.load_state_dict(own)
    prefix = "further.dermoscopic."
    dermoscopic.load_state_dict({k.removeprefix(prefix): v for k, v in state.items() if k.startswith(prefix)})
    answers = [fusion(_features(), {}).fused for fusion in (both, clinical, dermoscopic)]
    assert both.out_dim == (clinical.out_dim or 0) + (dermoscopic.out_dim or 0)
    assert torch.equal(answers[0], torch.cat(answers[1:], dim=-1))


@pytest.mark.parametrize("name", MODULATING)
def test_with_one_kind_there_is_nothing_further(name: str) -> None:
    assert not [key for key in _fusion(name, "clinical").state_dict() if key.startswith("further")]


@pytest.mark.parametrize("name", ["cross_attention", "co_attention"])
def test_kinds_of_photos_in_one_stream_are_told_apart(name: str) -> None:
    dims = {"clinical": 16, "dermoscopic": 16, "text": 16}
    fusion = build("fusion", FUSIONS, {"name": name, "hidden_dim": 16}, dims, 2).eval()
    for part in ("embed", "summarize"):
        if modules := getattr(fusion, part, None):
            modules["dermoscopic"].load_state_dict(modules["clinical"].state_dict())
    generator = torch.Generator().manual_seed(0)
    one, other, note = (
        Features(
            torch.zeros(2, 16),
            torch.randn(2, 3, 16, generator=generator),
            torch.ones(2, 3, dtype=torch.bool),
        )
        for _ in range(3)
    )
    asked: list[Any] = [
        fusion({"clinical": a, "dermoscopic": b, "text": note}, {}) for a, b in ((one, other), (other, one))
    ]
    assert not torch.allclose(asked[0].fused, asked[1].fused, atol=1e-4)
    assert set(fusion.kind) >= {"clinical", "dermoscopic"}


def test_two_kinds_of_photos_are_no_history() -> None:
    with pytest.raises(ConfigError, match=r"the history must be one side of this fusion.*or take concat"):
        build("fusion", FUSIONS, {"name": "film"}, {"clinical": 4, "dermoscopic": 4}, 2)
    with pytest.raises(ConfigError, match="a photo is one side of this fusion and has no encoder"):
        build("fusion", FUSIONS, {"name": "metablock"}, {"metadata": 4}, 2)

from __future__ import annotations

import pytest
import torch

from mmskin.config.build import build
from mmskin.errors import ConfigError
from mmskin.features import Features
from mmskin.fusion import FUSIONS


@pytest.mark.parametrize("modality", ["image", "text", "metadata"])
def test_answers_with_the_pooled_vector_of_its_modality(modality: str) -> None:
    fusion = build("fusion", FUSIONS, {"name": f"{modality}_only"}, {"metadata": 2, "image": 2, "text": 2}, 3).eval()
    pooled = {m: torch.full((1, 2), value) for m, value in (("image", 1.0), ("text", 2.0), ("metadata", 3.0))}
    output = fusion({m: Features(p) for m, p in pooled.items()}, {})
    assert torch.equal(output.fused, pooled[modality])
    assert fusion.modalities == (modality,)


def test_dropout_scales_what_it_keeps() -> None:
    fusion = build("fusion", FUSIONS, {"name": "image_only", "dropout": 0.75}, {"image": 4000}, 3)
    fused = fusion({"image": Features(torch.ones(1, 4000))}, {}).fused
    assert set(fused.unique().tolist()) == {0.0, 4.0}
    assert (fused == 0).float().mean().item() == pytest.approx(0.75, abs=0.05)


def test_the_one_kind_of_photo_that_has_an_encoder_is_read_and_one_of_several_must_be_named() -> None:
    dims = {"text": 2, "clinical": 2, "dermoscopic": 2}
    assert build("fusion", FUSIONS, {"name": "image_only"}, {"text": 2, "clinical": 2}, 3).modalities == ("clinical",)
    named = {"name": "image_only", "modality": "dermoscopic"}
    assert build("fusion", FUSIONS, named, dims, 3).modalities == ("dermoscopic",)
    with pytest.raises(
        ConfigError, match=r"clinical, dermoscopic have an encoder each: name .* as modality, or take concat for all"
    ):
        build("fusion", FUSIONS, {"name": "image_only"}, dims, 3)
    with pytest.raises(ConfigError, match=r"'dermoscopy' has no encoder .did you mean 'dermoscopic'"):
        build("fusion", FUSIONS, named | {"modality": "dermoscopy"}, dims, 3)
    with pytest.raises(ConfigError, match="'text' is no photo; take text_only"):
        build("fusion", FUSIONS, named | {"modality": "text"}, dims, 3)


def test_a_missing_encoder_is_named() -> None:
    with pytest.raises(ConfigError, match=r"text_only.*'text' has no encoder.*encoders: image"):
        build("fusion", FUSIONS, {"name": "text_only"}, {"image": 2}, 3)

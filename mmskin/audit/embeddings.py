"""A photo as one vector by a network that has never seen skin labels: near photos, near vectors."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mmskin.encoders.encoder_contract import Encoder
from mmskin.encoders.timm_image import TimmImageEncoder


def packaged_encoder() -> Encoder:
    """EfficientNet-Lite0 with the ImageNet weights that come by pip, frozen.

    Raises:
        ModelError: the extra `weights` is not installed, or its file is not the known one.
    """
    encoder = TimmImageEncoder(model="tf_efficientnet_lite0", weights="package", trainable="none")
    return encoder.eval().to(memory_format=torch.channels_last)


@torch.inference_mode()
def embed(encoder: Encoder, photos: Sequence[Tensor], *, batch_size: int = 32) -> NDArray[np.float32]:
    """Pooled features of photos.

    On processors with AVX-512 the network runs in bfloat16: 15 ms a photo and core instead of 36, and the cosine to the
    float32 vector of the same input is .9997 or more (32 inputs).

    Args:
        encoder: of images, in eval mode.
        photos: uint8 RGB (3, H, W) of any size.
        batch_size: photos at a time.

    Returns:
        (N, D), not normalised.
    """
    half = torch.backends.cpu.get_cpu_capability().startswith("AVX512")
    parts = [np.zeros((0, encoder.out_dim), np.float32)]
    for start in range(0, len(photos), batch_size):
        pixels = torch.stack([encoder.prepare(photo)["pixels"] for photo in photos[start : start + batch_size]])
        with torch.autocast("cpu", torch.bfloat16, enabled=half):
            pooled = encoder({"pixels": pixels.contiguous(memory_format=torch.channels_last)}).pooled
        parts.append(pooled.float().numpy())
    return np.concatenate(parts)

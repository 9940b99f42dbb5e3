"""The image tower of a CLIP model of open_clip as the image encoder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from mmskin.encoders.encoder_contract import Encoder
from mmskin.encoders.freezing import Trainable
from mmskin.encoders.open_clip_towers import PREPROCESS, load_tower, read_config, save_config, set_tower_trainable
from mmskin.encoders.pixels import Colour, PreparePhoto, Resize
from mmskin.errors import ConfigError
from mmskin.features import Features

# As OpenAI trained CLIP; open_clip.constants says the same.
CLIP_MEAN = (0.48145466, 0.4578275, 0.40821073)
CLIP_STD = (0.26862954, 0.26130258, 0.27577711)

RESIZE_MODES: dict[str, Resize] = {"squash": "squash", "shortest": "crop"}
"""How open_clip calls what `PreparePhoto` does."""


class OpenClipImageEncoder(Encoder):
    """Photo → open_clip's own image embedding (not normalised), and patch tokens where the tower is a plain ViT.

    tokens: the patches after the last norm through the projection of the class token, which puts them beside the words
    in the joint space (as in MaskCLIP, Zhou et al. 2022); row-major, `grid` says rows and columns. A ResNet, timm or
    attention-pooled tower gives pooled only, and `grid` is None.

    Args:
        model: a name of `open_clip.list_models()`, the path of a JSON config, or a folder with open_clip_config.json.
        weights: "none" (random), or the path of a local CLIP checkpoint (file or folder), or of a model folder that
            mmskin saved. Nothing is downloaded. Models of OpenAI want their "-quickgelu" config.
        trainable: "all", "none", or how many of the last blocks learn.
        resize: see `PreparePhoto`; as the model's own file says if None, else "squash".
        mean, std: of pixels in [0, 1] by channel, as the checkpoint was trained; as the model's own file says if None,
            else OpenAI's.
        colour: see `PreparePhoto`.

    Raises:
        ConfigError: no such model.
        ModelError: a checkpoint that is missing, damaged or of another model.
    """

    def __init__(
        self,
        *,
        model: str = "ViT-B-32",
        weights: str = "none",
        trainable: Trainable = "all",
        resize: Resize | None = None,
        mean: Sequence[float] | None = None,
        std: Sequence[float] | None = None,
        colour: Colour = "as_taken",
    ) -> None:
        from open_clip.model import _build_vision_tower
        from open_clip.transformer import VisionTransformer

        super().__init__()
        self.config = config = read_config(model)
        own = config.get(PREPROCESS, {})
        mean, std = mean or own.get("mean") or CLIP_MEAN, std or own.get("std") or CLIP_STD
        if len(mean) != 3 or len(std) != 3:
            raise ConfigError(f"mean and std need three numbers each, however: mean={mean}, std={std}")
        options = dict(config["vision_cfg"]) | {"timm_model_pretrained": False}
        # Any: towers share attributes that nn.Module does not declare. Built alone, the other tower costs nothing.
        self.tower: Any = _build_vision_tower(config["embed_dim"], options, config.get("quick_gelu", False))
        self.out_dim: int = config["embed_dim"]
        self.loaded = load_tower(self, self.tower, weights, modality="image")
        self.is_pretrained = weights != "none"
        self.grid: tuple[int, int] | None = None
        """Rows and columns of the tokens."""
        if isinstance(self.tower, VisionTransformer) and self.tower.attn_pool is None:
            self.tower.output_tokens = True
            self.grid = self.tower.grid_size
            self.prefix_tokens = 1
        self.gives_tokens = self.grid is not None
        set_tower_trainable(self.tower, trainable=trainable, last=("proj",))
        size = options.get("image_size", 224)
        self.prepare = PreparePhoto(
            size=(size, size) if isinstance(size, int) else tuple(size),
            mean=tuple(mean),
            std=tuple(std),
            resize=resize or RESIZE_MODES.get(str(own.get("resize_mode")), "squash"),
            colour=colour,
        )
        self.train()

    @property
    def last_block(self) -> nn.Module | None:
        return None if self.grid is None else self.tower.transformer.resblocks[-1]

    def forward(self, inputs: Mapping[str, Tensor]) -> Features:
        """Encode pixels (B, 3, H, W), normalised as `prepare` does."""
        if self.grid is None:
            return Features(pooled=self.tower(inputs["pixels"]))
        pooled, patches = self.tower(inputs["pixels"])
        if self.tower.final_ln_after_pool:
            patches = self.tower.ln_post(patches)
        tokens = patches if self.tower.proj is None else patches @ self.tower.proj
        return Features(
            pooled=pooled, tokens=tokens, mask=torch.ones(tokens.shape[:2], dtype=torch.bool, device=tokens.device)
        )

    def save_assets(self, folder: Path) -> None:
        """Write the config, which may have come from a file."""
        save_config(folder, self.config)

    def rebuild_options(self, assets: str) -> dict[str, Any]:
        return {"model": assets, "weights": "none"}

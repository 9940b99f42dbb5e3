"""The model as a function of one photo, with everything else that is known of the case held fixed."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mmskin.encoders.encoder_contract import Encoder
from mmskin.errors import UserError, one_of
from mmskin.explain.gradient import Grid
from mmskin.features import Features, is_photo, photo_title
from mmskin.inputs.batch import Batch, collate
from mmskin.model.classifier import MultimodalClassifier
from mmskin.trained.presented_case import PresentedCase
from mmskin.trained.trained_model import TrainedModel

NO_MAP = "the image encoder gives no map of the photo: there is no heat map to draw"


@dataclass(frozen=True)
class FixedHistory:
    """What `hold_history` gives.

    kind: of the photo.
    pixels: (3, H, W), the photo as the image encoder reads it.
    tokens: (T, D), the patches of the photo at the last place where the model still reads them: the feature map of a
        CNN; in a transformer what goes into its last block, because a class token has read the patches by then. Class,
        distillation and register tokens are left out.
    grid: rows and columns of the tokens.
    """

    model: MultimodalClassifier
    kind: str
    features: Mapping[str, Features]
    present: Mapping[str, Tensor]
    pixels: Tensor
    tokens: Tensor
    grid: Grid

    def logits_of_tokens(self, tokens: Tensor) -> Tensor:
        """(N, T, D) in place of the photo's own tokens → logits (N, C), differentiable.

        In a CNN `pooled` moves with the mean of the tokens; what its norm or head adds to that mean stays as it is.
        """
        encoder = self.model.encoders[self.kind]
        if encoder.last_block is None:
            own = self.features[self.kind]
            pooled = own.pooled + (tokens.mean(1) - self.tokens.mean(0))
            mask = torch.ones(tokens.shape[:2], dtype=torch.bool, device=tokens.device)
            return self._classify(Features(pooled, tokens, mask))

        def with_tokens(given: Tensor) -> Tensor:
            return torch.cat([given[:, : encoder.prefix_tokens], tokens], dim=1)

        with _input_changed(encoder.last_block, with_tokens):
            return self.logits_of_pixels(self.pixels.expand(len(tokens), -1, -1, -1))

    def logits_of_pixels(self, pixels: Tensor) -> Tensor:
        """(N, 3, H, W) in place of the photo, prepared as it is → logits (N, C), differentiable."""
        return self._classify(self.model.encoders[self.kind]({"pixels": pixels}))

    def at(self, pixels: Tensor) -> FixedHistory:
        """The same case with another photo, (3, H, W), prepared as its own is; and with the weights of this moment."""
        encoder = self.model.encoders[self.kind]
        with torch.no_grad():
            photo = encoder({"pixels": pixels[None]})
        tokens = _tokens(encoder, photo, pixels)
        return replace(self, features={**self.features, self.kind: photo}, pixels=pixels, tokens=tokens)

    def seen_through(self, masks: Tensor) -> Tensor:
        """Masks (N, h, w) in [0, 1] → photos (N, 3, H, W), mean grey where a mask is 0."""
        large = F.interpolate(masks[:, None], size=self.pixels.shape[1:], mode="bilinear")
        return self.pixels * large

    def _classify(self, photo: Features) -> Tensor:
        count = len(photo.pooled)
        held = {modality: _repeated(features, count) for modality, features in self.features.items()}
        present = {modality: flag.expand(count) for modality, flag in self.present.items()}
        return self.model.classify(held | {self.kind: photo}, present).logits


def hold_presented(
    presented: PresentedCase, *, kind: str | None = None, model: TrainedModel | None = None
) -> FixedHistory:
    """Hold all of a case fixed but its photo of one kind.

    Args:
        presented: the case, with one photo of that kind.
        kind: of photo; the first that the model reads if None.
        model: which of an ensemble's; its first if None.

    Raises:
        UserError: a model that reads no such photo, no photo or several, or an encoder that gives no map of a photo.
    """
    modalities = presented.trained.modalities
    kinds = [modality for modality in modalities if is_photo(modality)]
    if not kinds:
        raise UserError(f"this model reads {', '.join(modalities)} and no photo: there is no heat map to draw")
    if kind is not None and kind not in kinds:
        raise UserError(one_of("photo kind", kind, kinds))
    kind = kind or kinds[0]
    count = len(presented.photos.get(kind, ()))
    if not count and len(kinds) > 1:
        raise UserError(f"a heat map of the {photo_title(kind)} needs that photo, however: this case has none")
    if count != 1:
        raise UserError(f"a heat map is drawn of one photo at a time, however: this case has {count}")
    asked = presented.of(model or presented.trained.models[0])
    inputs = asked.prepared[kind]
    pixels = None if isinstance(inputs, Features) else inputs.get("pixels")
    if pixels is None:
        raise UserError(NO_MAP)
    return hold_history(asked.trained.model, collate([asked.case]), kind=kind, pixels=pixels[0])


def hold_history(
    model: MultimodalClassifier, batch: Batch, *, kind: str, pixels: Tensor, case: int = 0
) -> FixedHistory:
    """Hold all of one case of a batch fixed but its photo.

    Args:
        model: in eval mode.
        batch: the other cases in it do not matter.
        kind: of photo.
        pixels: (3, H, W), the case's only photo of that kind, prepared.
        case: which case of the batch.

    Raises:
        UserError: an encoder that gives no map of a photo.
    """
    encoder = model.encoders[kind]
    with torch.no_grad():
        features, present = model.encode(batch)
    own = {modality: _row(of_all, case) for modality, of_all in features.items()}
    if own[kind].tokens is None or encoder.grid is None:
        raise UserError(NO_MAP)
    held = {modality: flag[case : case + 1] for modality, flag in present.items()}
    return FixedHistory(model, kind, own, held, pixels, _tokens(encoder, own[kind], pixels), encoder.grid)


def _row(features: Features, case: int) -> Features:
    return Features(*(None if part is None else part[case : case + 1] for part in features))  # type: ignore[arg-type]


def _repeated(features: Features, count: int) -> Features:
    parts = (None if part is None else part.expand(count, *part.shape[1:]) for part in features)
    return Features(*parts)  # type: ignore[arg-type]


def _tokens(encoder: Encoder, image: Features, pixels: Tensor) -> Tensor:
    """(T, D): of a CNN the tokens it gives, of a transformer the patches that go into its last block."""
    if encoder.last_block is None:
        assert image.tokens is not None
        return image.tokens[0, : math.prod(encoder.grid or ())]  # a neighbour with more photos may have padded them
    kept: list[Tensor] = []

    def keep(given: Tensor) -> Tensor:
        kept.append(given)
        return given

    with torch.no_grad(), _input_changed(encoder.last_block, keep):
        encoder({"pixels": pixels[None]})
    return kept[0][0, encoder.prefix_tokens :]


@contextmanager
def _input_changed(block: nn.Module, change: Callable[[Tensor], Tensor]) -> Iterator[None]:
    """The first input of a block goes through `change` as long as the context lasts; afterwards no hook is left."""

    def hook(module: nn.Module, inputs: tuple[Any, ...]) -> tuple[Any, ...]:
        return (change(inputs[0]), *inputs[1:])

    handle = block.register_forward_pre_hook(hook)
    try:
        yield
    finally:
        handle.remove()

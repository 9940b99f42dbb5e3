"""The model as a function of one photo, with everything else that is known of the case held fixed."""

from __future__ import annotations

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

Read = Callable[[Tensor], Features]

NO_MAP = "the image encoder gives no map of the photo: there is no heat map to draw"


@dataclass(frozen=True)
class FixedHistory:
    """What `hold_history` gives.

    kind: of the photo.
    pixels: (3, H, W), the photo as the image encoder reads it.
    tokens: (T, D), the patches of the photo at the last place where the model still reads them: the feature map of a
        CNN, before pooling, norm and head; in a transformer what goes into its last block, because a class token has
        read the patches by then. Class, distillation and register tokens are left out.
    prefix: (P, D), those that are left out; a CNN has none.
    read: what the encoder makes of (N, P + T, D) in that place.
    grid: rows and columns of the tokens.
    """

    model: MultimodalClassifier
    kind: str
    features: Mapping[str, Features]
    present: Mapping[str, Tensor]
    pixels: Tensor
    tokens: Tensor
    prefix: Tensor
    read: Read
    grid: Grid

    def logits_of_tokens(self, tokens: Tensor) -> Tensor:
        """(N, T, D) in place of the photo's own tokens → logits (N, C), differentiable."""
        return self._classify(self.read(torch.cat([self.prefix.expand(len(tokens), -1, -1), tokens], dim=1)))

    def logits_of_pixels(self, pixels: Tensor) -> Tensor:
        """(N, 3, H, W) in place of the photo, prepared as it is → logits (N, C), differentiable."""
        return self._classify(self.model.encoders[self.kind]({"pixels": pixels}))

    def at(self, pixels: Tensor) -> FixedHistory:
        """The same case with another photo, (3, H, W), prepared as its own is; and with the weights of this moment."""
        photo, tokens, prefix, read = _read_photo(self.model.encoders[self.kind], pixels)
        features = {**self.features, self.kind: photo}
        return replace(self, features=features, pixels=pixels, tokens=tokens, prefix=prefix, read=read)

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
    if encoder.grid is None:
        raise UserError(NO_MAP)
    others = {modality: rows for modality, rows in batch.inputs.items() if modality != kind}
    with torch.no_grad():
        features, present = model.encode(batch._replace(inputs=others))  # the photo is read once, by itself, below
    photo, tokens, prefix, read = _read_photo(encoder, pixels)
    own = {modality: _row(of_all, case) for modality, of_all in features.items()} | {kind: photo}
    held = {modality: flag[case : case + 1] for modality, flag in present.items()}
    return FixedHistory(model, kind, own, held, pixels, tokens, prefix, read, encoder.grid)


def _row(features: Features, case: int) -> Features:
    return Features(*(None if part is None else part[case : case + 1] for part in features))  # type: ignore[arg-type]


def _repeated(features: Features, count: int) -> Features:
    parts = (None if part is None else part.expand(count, *part.shape[1:]) for part in features)
    return Features(*parts)  # type: ignore[arg-type]


@torch.no_grad()
def _read_photo(encoder: Encoder, pixels: Tensor) -> tuple[Features, Tensor, Tensor, Read]:
    """What a photo (3, H, W) becomes; tokens, prefix and `read` of `FixedHistory`."""
    inputs = {"pixels": pixels[None]}
    if encoder.last_block is None:
        cells, read = encoder.cells_and_reader(inputs)
        photo = read(cells)
    else:
        read = _through_last_block(encoder, encoder.last_block, pixels)
        with _input_kept(encoder.last_block) as kept:
            photo = encoder(inputs)
        cells = kept[0]
    prefix, tokens = cells[0].tensor_split([encoder.prefix_tokens])
    return photo, tokens, prefix, read


def _through_last_block(encoder: Encoder, block: nn.Module, pixels: Tensor) -> Read:
    """A transformer from its last block on: a pass of the same photo, with something else put into that block."""

    def read(cells: Tensor) -> Features:
        with _input_changed(block, lambda given: cells):
            features: Features = encoder({"pixels": pixels.expand(len(cells), -1, -1, -1)})
        return features

    return read


@contextmanager
def _input_kept(block: nn.Module) -> Iterator[list[Tensor]]:
    """What a block is given goes into a list as well, as long as the context lasts."""
    kept: list[Tensor] = []

    def keep(given: Tensor) -> Tensor:
        kept.append(given)
        return given

    with _input_changed(block, keep):
        yield kept


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

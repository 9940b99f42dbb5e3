"""Predictors for tests of explanations: one whose values can be worked out by hand, and small ones of any fusion."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from mmskin.api.predictor import Predictor
from mmskin.config.build import build
from mmskin.encoders.encoder_contract import Encoder, WordEncoder
from mmskin.features import Features, in_order, is_photo
from mmskin.fusion import FUSIONS
from mmskin.fusion.fusion_contract import Fusion, FusionOutput
from mmskin.losses.loss_contract import Loss
from mmskin.model.classifier import MultimodalClassifier, build_model
from mmskin.schema import Field, Schema
from mmskin.trained.trained_model import TrainedModel

YES = {"itch": "Itches.", "bleed": "Bleeds.", "grew": "Grew."}
SCHEMA = Schema(
    name="tiny",
    classes=("MEL", "NEV"),
    class_titles={"MEL": "Melanoma", "NEV": "Naevus"},
    fields=tuple(
        Field(name=name, kind="yes_no", phrases={"yes": (said,), "no": (f"Never{name}.",), "unknown": ("Unknown.",)})
        for name, said in YES.items()
    ),
)
# What each word, and a photo, adds to the probability of MEL, which starts at .2.
WORDS = {"Itches.": 0.1, "Bleeds.": 0.3, "Grew.": -0.05, "scabs": 0.08, "Neveritch.": 0.0, "Neverbleed.": -0.15}
PHOTO = 0.15
START = 0.2


class WordSum(WordEncoder):
    """A note is the sum of its words' values."""

    out_dim = 1

    def prepare(self, note: str) -> dict[str, Tensor]:  # type: ignore[override]
        return {"worth": torch.tensor([[WORDS.get(word.strip('"'), 0.0)] for word in note.split()])}

    def forward(self, inputs: Mapping[str, Tensor]) -> Features:
        return self.from_embeddings(self.embed(inputs), inputs)

    def embed(self, inputs: Mapping[str, Tensor]) -> Tensor:
        return inputs["worth"]

    def no_word(self) -> Tensor:
        return torch.zeros(1)

    def from_embeddings(self, embedded: Tensor, inputs: Mapping[str, Tensor]) -> Features:
        mask = torch.ones(embedded.shape[:2], dtype=torch.bool)
        return Features(embedded.sum(1), embedded, mask)

    def words_of(self, note: str) -> list[int]:
        return list(range(len(note.split())))


class AnyPhoto(Encoder):
    """A photo is a photo; how many were encoded is counted."""

    out_dim = 1
    encoded = 0

    def prepare(self, photo: Tensor) -> dict[str, Tensor]:  # type: ignore[override]
        return {"photo": torch.tensor([PHOTO])}

    def forward(self, inputs: Mapping[str, Tensor]) -> Features:
        self.encoded += len(inputs["photo"])
        return Features(inputs["photo"])


class Sum(Fusion):
    """Probabilities that are a sum of what is present."""

    modalities = ("image", "text")
    out_dim = None

    def forward(self, features: Mapping[str, Features], present: Mapping[str, Tensor]) -> FusionOutput:
        mel = START + sum(features[m].pooled[:, 0] for m in self.modalities)
        return FusionOutput(logits=torch.stack([mel, 1 - mel], dim=-1))


class AsTheyAre(Loss):
    """Logits that are probabilities already."""

    gives_posterior = False

    def log_probabilities(self, logits: Tensor) -> Tensor:
        return logits.log()


def linear_predictor() -> Predictor:
    """p(MEL) = .2 + .15 (a photo) + the words' values: every game is additive, every gradient constant."""
    fusion = Sum(2)
    fusion.set_prior(torch.tensor([START, 1 - START]))
    model = MultimodalClassifier({"image": AnyPhoto(), "text": WordSum()}, fusion)
    for parameter in model.absence.parameters():
        parameter.data.zero_()
    return Predictor(TrainedModel(model, AsTheyAre(), SCHEMA, temperature=1.0, photo_side=64))


ENCODERS: dict[str, dict[str, Any]] = {
    "image": {"name": "timm", "model": "test_efficientnet", "image_size": 64},
    "text": {"name": "hashing", "dim": 16, "buckets": 256},
    "metadata": {"name": "tokens", "dim": 8},
}
OPTIONS: dict[str, dict[str, Any]] = {
    name: {"hidden_dim": 16} for name in ("cross_attention", "bottleneck", "co_attention")
}
WIDE = Schema(
    name="wide",
    classes=("NEV", "MEL", "BCC"),
    fields=(
        Field(name="age", kind="numeric", unit="years", low=0, high=120),
        Field(name="region", kind="categorical", choices=("face", "arm")),
        *(Field(name=name, kind="yes_no") for name in ("itch", "bleed", "grew")),
    ),
)


PAIR = ("clinical", "dermoscopic")


def small_predictor(
    fusion: str,
    *modalities: str,
    text: Mapping[str, Any] | None = None,
    photos: Sequence[str] = ("image",),
    experts: Mapping[str, Any] | None = None,
) -> Predictor:
    """Random weights, a little off their start so that gates and zero layers do something; three classes.

    photos: the kinds that the data set has, each with an encoder like that of `image`.
    experts: options of the experts that the fusion corrects; None for none.
    """
    slot = {"name": fusion, **OPTIONS.get(fusion, {})}
    dims = {**dict.fromkeys(photos, 64), "text": 16, "metadata": 8}
    used = modalities or build("fusion", FUSIONS, slot, dims, 3).modalities
    encoders = {m: ENCODERS["image" if is_photo(m) else m] for m in in_order(used)}
    schema, counts = WIDE.model_copy(update={"photos": tuple(photos)}), [6, 3, 1]
    if text is not None:
        encoders["text"] = dict(text)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        loss_slot = {"name": "cross_entropy"}
        model, loss = build_model(encoders, slot, loss_slot, schema=schema, class_counts=counts, experts=experts)
        of_correction = () if model.correction is None else model.correction.parameters()
        for parameter in (*model.fusion.parameters(), *model.absence.parameters(), *of_correction):
            parameter.data += torch.randn(parameter.shape) * 0.3
        for parameter in model.head.parameters() if model.head is not None else ():
            parameter.data *= 4
    record = {"encoders": encoders, "fusion": slot, "loss": loss_slot, "class_counts": counts, "experts": experts}
    return Predictor(TrainedModel(model, loss, schema, temperature=1.5, photo_side=64, record=record))

"""A model whose text encoder reads from free text what a script says, for tests of what follows from a reading."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from mmskin.api.predictor import Predictor
from mmskin.encoders.encoder_contract import Encoder
from mmskin.encoders.field_reader import FieldReader, Reading
from mmskin.features import Features
from mmskin.fusion.single import SingleModality
from mmskin.losses.cross_entropy import CrossEntropyLoss
from mmskin.model.classifier import MultimodalClassifier
from mmskin.plain_numbers import plain_numbers
from mmskin.schema import Field, Schema
from mmskin.trained.trained_model import TrainedModel

SCHEMA = Schema(
    name="tiny",
    classes=("a", "b"),
    fields=(
        Field(name="age", kind="numeric", label="Age", unit="years", low=0, high=120),
        Field(name="days", kind="duration", label="Present for"),
        Field(name="region", kind="categorical", label="Site", choices=("arm", "face")),
        Field(name="itch", kind="yes_no", label="Itches"),
        Field(name="bleed", kind="yes_no", label="Bleeds"),
    ),
)
NOTHING = Reading(None, 0.99)
SCRIPT: dict[str, dict[str, Reading]] = {
    "does not itch": {"itch": Reading("no", 0.99)},
    "perhaps itches": {"itch": Reading("yes", 0.89)},
    "probably bleeds": {"bleed": Reading("yes", 0.97)},
    "cannot say about itch": {"itch": Reading("unknown", 0.99)},
    "sixty, on the arm": {"age": Reading(60.4, 0.98), "region": Reading("arm", 0.98)},
    "my arm": {"region": Reading("arm", 0.98)},
    "for half a year": {"days": Reading(183.0, 0.98)},
}
SAID = tuple(SCRIPT)
FOREIGN = ("coça", "sangra", "muito", "zxcv")


class ScriptedReader(FieldReader):
    """Reads the script's entry whose number stands in the pooled vector; -1 is none."""

    def read(self, features: Features) -> list[dict[str, Reading]]:
        entries = [{} if code < 0 else SCRIPT[SAID[int(code)]] for code in features.pooled[:, 0]]
        return [{field.name: entry.get(field.name, NOTHING) for field in self.fields} for entry in entries]


class ScriptedEncoder(Encoder):
    """A note is the number of the script's entry that it holds."""

    out_dim = 1
    gives_tokens = False

    def __init__(self, *, is_taught: bool = True) -> None:
        super().__init__()
        if is_taught:
            self.field_reader = ScriptedReader(1, SCHEMA.fields).requires_grad_(False)

    def prepare(self, note: str) -> dict[str, Tensor]:  # type: ignore[override]
        # Free text is read with its numbers in digits, the note that the model reads as it was written.
        held = (float(n) for n, said in enumerate(SAID) if said in note or plain_numbers(said) in note)
        return {"code": torch.tensor([next(held, -1.0)])}

    def forward(self, inputs: Mapping[str, Tensor]) -> Features:
        return Features(inputs["code"])

    def knows(self, word: str) -> bool:
        return word not in FOREIGN and word.isascii()


def scripted_predictor(*, is_taught: bool = True) -> Predictor:
    """Reads the note alone; its answers are of no interest."""
    encoder = ScriptedEncoder(is_taught=is_taught)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = MultimodalClassifier({"text": encoder}, SingleModality("text", {"text": 1}, 2))
    return Predictor(TrainedModel(model, CrossEntropyLoss([1, 1]), SCHEMA, temperature=1.0, photo_side=64))

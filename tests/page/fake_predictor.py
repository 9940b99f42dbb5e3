"""A predictor that remembers what it was asked."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from mmskin.features import is_photo
from mmskin.schema import ClassInformation, Field, Schema
from mmskin.sentence import Sentence
from mmskin.trained.answer_sets import AnswerSet
from mmskin.trained.prediction import NOT_RECORDED, Prediction
from mmskin.trained.triage import Level, Triage

SCHEMA = Schema(
    name="tiny",
    classes=("NEV", "MEL"),
    class_titles={"MEL": "Melanoma <b>"},
    class_information={
        "MEL": ClassInformation(text="A cancer <i>", next_steps="It is cut out.", source="NHS, Melanoma skin cancer")
    },
    class_groups={"malignant": ("MEL",)},
    fields=(
        Field(name="age", kind="numeric", unit="years", low=0, high=120),
        Field(name="since", kind="duration"),
        Field(name="site", kind="categorical", choices=("upper_arm", "leg")),
        Field(name="itch", kind="yes_no", label="Does it itch?"),
    ),
)


class FakePredictor:
    """Answers MEL with .75 whatever it is asked; fails in a way nobody planned if the text is "boom"."""

    schema = SCHEMA
    modalities = ("image", "text")
    trained = SimpleNamespace(photo_side=64, record={}, remarks=())

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []

    def present(self, image: Any = None, metadata: Any = None, text: str | None = None) -> SimpleNamespace:
        self.asked.append({"image": image, "metadata": metadata, "text": text})
        history = self.schema.parse_history(metadata or {}, text)
        return SimpleNamespace(image=image, text=text, photo_remarks=(), history=history)

    def answer(self, presented: SimpleNamespace) -> Prediction:
        image, text = presented.image, presented.text
        if text == "boom":
            raise RuntimeError("tried to read: boom")
        photos = [modality for modality in self.modalities if is_photo(modality)]
        used = (*(kind for kind in photos if kind in (image or {})), "text")
        missing = tuple(kind for kind in photos if kind not in used)
        return Prediction(
            {"MEL": 0.75, "NEV": 0.25},
            used,
            missing,
            (Sentence(NOT_RECORDED, fields=["site"]), "the rest was not used"),
            f"Patient: {text}",
            answer_set=AnswerSet(("MEL", "NEV"), 0.9, 0.9, ("NEV",)),
            triage=Triage(
                Level.URGENT,
                (Sentence("a dangerous class is likely ({classes}: {share})", classes=["Melanoma <b>"], share="75%"),),
            ),
        )


class PairPredictor(FakePredictor):
    """The same of two kinds of photo."""

    schema = SCHEMA.model_copy(update={"photos": ("clinical", "dermoscopic")})
    modalities = ("clinical", "dermoscopic", "text")

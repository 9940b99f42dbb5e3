"""What a model says of one case."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from html import escape
from typing import Any

import pandas as pd

from mmskin.encoders.field_reader import Reading
from mmskin.errors import UserError
from mmskin.features import is_photo, photo_title
from mmskin.inputs.note import render_note
from mmskin.reminder import NOT_A_DIAGNOSIS
from mmskin.trained.note_reading import read_if_taught, stated
from mmskin.trained.presented_case import PresentedCase
from mmskin.trained.text_remarks import remarks_on_text

VISIBLE = "this model was trained with missing fields visible: leaving fields empty can make a cancer look benign"


@dataclass(frozen=True, repr=False)
class Prediction:
    """What the model says of one case; printed, it is what a person reads first.

    probabilities: by class, calibrated, most likely first; they sum to 1.
    used, missing: of what the model can use (image, text, metadata), what was there and what was not.
    remarks: what a reader should know of the input, such as a blurred photo or fields left out.
    note: the clinical note that the model read, "" if it reads none.
    read: what the free text was surely read to say, by field; of models whose text encoder was taught the fields.
    """

    probabilities: dict[str, float]
    used: tuple[str, ...]
    missing: tuple[str, ...]
    remarks: tuple[str, ...] = ()
    note: str = ""
    read: Mapping[str, Reading] = dataclass_field(default_factory=dict)

    @property
    def top(self) -> str:
        return next(iter(self.probabilities))

    def __repr__(self) -> str:
        ranked = [f"{name} {round(100 * p)} %" for name, p in self.probabilities.items()]
        lines = [
            f"Prediction: {', '.join(ranked)}",
            f"  used:    {', '.join(self.used)}",
            *([f"  missing: {', '.join(self.missing)}"] if self.missing else []),
            *(f"  note:    {remark}" for remark in self.remarks),
            f"  {NOT_A_DIAGNOSIS}",
        ]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        """For notebooks."""
        remarks = "".join(f"<li>{escape(remark)}</li>" for remark in self.remarks)
        table = self.to_frame().round(3).to_html(index=False, border=0)
        return f"{table}<ul>{remarks}</ul><p>{escape(NOT_A_DIAGNOSIS)}</p>"

    def to_frame(self) -> pd.DataFrame:
        """A row a class, the most likely first: class, probability."""
        return pd.DataFrame(list(self.probabilities.items()), columns=["class", "probability"])

    def to_json(self) -> dict[str, Any]:
        """Plain values, with the reminder that this is no diagnosis."""
        return {
            "probabilities": self.probabilities,
            "used": list(self.used),
            "missing": list(self.missing),
            "remarks": list(self.remarks),
            "note": self.note,
            "read": {name: reading._asdict() for name, reading in self.read.items()},
            "reminder": NOT_A_DIAGNOSIS,
        }


def answer(presented: PresentedCase) -> Prediction:
    """The differential of one case.

    Raises:
        UserError: nothing is there that the model reads.
    """
    trained = presented.trained
    case = presented.of(trained.models[0]).case
    used = tuple(modality for modality in trained.modalities if case.rows[modality])
    if not used:
        raise UserError(f"there is nothing to go by: this model needs {_needs(trained.modalities)}")
    probs = presented.probabilities()
    ranked = sorted(zip(trained.schema.classes, probs.tolist(), strict=True), key=lambda item: -item[1])
    note = render_note(presented.history, trained.schema) if "text" in trained.modalities else ""
    readings = read_if_taught(trained, presented.history.text)
    return Prediction(
        probabilities=dict(ranked),
        used=used,
        missing=tuple(modality for modality in trained.modalities if modality not in used),
        remarks=(*presented.remarks, *_remarks_on_history(presented, note, readings), *trained.remarks),
        note=note,
        read=stated(readings or {}),
    )


def _needs(modalities: Sequence[str]) -> str:
    of_history = {"text": "a field or free text", "metadata": "a field"}
    return " or ".join(of_history.get(modality, f"a {photo_title(modality)}") for modality in modalities)


def _remarks_on_history(presented: PresentedCase, note: str, readings: Mapping[str, Reading] | None) -> list[str]:
    trained, history = presented.trained, presented.history
    remarks = []
    if history.text and "text" not in trained.modalities:
        remarks.append("the free text was not used: this model reads no text")
    if history.text and readings is not None:
        remarks += remarks_on_text(trained, history.text, history.fields, readings)
    missing = [name for name in trained.schema.field_names if history.fields.get(name) is None]
    if all(is_photo(modality) for modality in trained.modalities):
        if history.recorded():
            remarks.append("the fields were not used: this model reads the photo alone")
    elif missing:
        remarks.append(f"not recorded: {', '.join(missing)}")
        if trained.record.get("missingness") == "visible":
            remarks.append(VISIBLE)
    if note and trained.encoders["text"].is_truncated(note):
        remarks.append("the note is too long for this model: its end was not read")
    return remarks

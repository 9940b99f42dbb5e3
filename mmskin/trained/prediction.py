"""What a model says of one case."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from functools import reduce
from html import escape
from typing import Any

import numpy as np
import pandas as pd

from mmskin.encoders.field_reader import Reading
from mmskin.errors import UserError
from mmskin.evaluation.metrics import Floats
from mmskin.features import is_photo, photo_title
from mmskin.inputs.note import render_note
from mmskin.probability_text import in_percent
from mmskin.reminder import NOT_A_DIAGNOSIS
from mmskin.sentence import Sentence, joined
from mmskin.trained.answer_sets import LEVEL, AnswerSet
from mmskin.trained.ensemble import Trained
from mmskin.trained.judgement import judge
from mmskin.trained.model_version import ModelVersion, version_of
from mmskin.trained.note_reading import read_if_taught, stated
from mmskin.trained.parts_there import HISTORY, parts_read
from mmskin.trained.presented_case import NOTHING_READ, PresentedCase
from mmskin.trained.prior_shift import restated
from mmskin.trained.safeguards import guarded, validation_shares
from mmskin.trained.stated_prior import given_shares
from mmskin.trained.text_remarks import remarks_on_text
from mmskin.trained.triage import Triage

UNDER_PRIOR = Sentence(
    "the probabilities are stated for the class shares that were given; answer set and triage are not"
)
VISIBLE = Sentence(
    "this model was trained with missing fields visible: leaving fields empty can make a cancer look benign"
)
NOT_RECORDED = "not recorded: {fields}"
NO_PHOTO = "there is no {photo}, and this model was made to see one"


@dataclass(frozen=True, repr=False)
class Prediction:
    """What the model says of one case; printed, it is what a person reads first.

    probabilities: by class, most likely first; they sum to 1. Calibrated for the parts that are there, under the
        shares that classes have among the patients of the training data. Of a model without safeguards as trained.
    as_trained: by class, as the predictions table of the run has them; of a class-balanced loss rare classes are
        weighed up.
    used, missing: of what the model can use (image, text, metadata), what was there and what was not.
    remarks: what a reader should know of the input, such as a blurred photo or fields left out.
    note: the clinical note that the model read, "" if it reads none.
    unlike_training: why the photos are unlike those that the model was made with; () where nothing says so.
    answer_set: the classes that cannot be left out, with its promise. triage: how soon to see a physician, and why.
        None of a model that was saved without them; no triage where the data set names no dangerous class.
    model: of which model the answer is: mmskin's version, and the checksum of the folder it was read from, "" of one
        that was not read from a folder.
    read: what the free text was surely read to say, by field; of models whose text encoder was taught the fields.
    """

    probabilities: dict[str, float]
    used: tuple[str, ...]
    missing: tuple[str, ...]
    remarks: tuple[str, ...] = ()
    note: str = ""
    read: Mapping[str, Reading] = dataclass_field(default_factory=dict)
    as_trained: Mapping[str, float] = dataclass_field(default_factory=dict)
    unlike_training: tuple[str, ...] = ()
    answer_set: AnswerSet | None = None
    triage: Triage | None = None
    model: ModelVersion = dataclass_field(default_factory=ModelVersion)

    @property
    def top(self) -> str:
        return next(iter(self.probabilities))

    def __repr__(self) -> str:
        ranked = [f"{name} {in_percent(p)}" for name, p in self.probabilities.items()]
        lines = [
            *([f"Not like the training photos: {'; '.join(self.unlike_training)}"] if self.unlike_training else []),
            *([] if self.triage is None else [f"{self.triage.title}: {'; '.join(self.triage.reasons)}"]),
            f"Prediction: {', '.join(ranked)}",
            *([] if self.answer_set is None else [f"  {set_sentence(self.answer_set)}"]),
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
            "as_trained": dict(self.as_trained),
            "unlike_training": list(self.unlike_training),
            "answer_set": None if self.answer_set is None else self.answer_set.to_json(),
            "triage": None if self.triage is None else self.triage.to_json(),
            "used": list(self.used),
            "missing": list(self.missing),
            "remarks": list(self.remarks),
            "note": self.note,
            "read": {name: reading._asdict() for name, reading in self.read.items()},
            "model": self.model._asdict(),
            "reminder": NOT_A_DIAGNOSIS,
        }


def set_sentence(found: AnswerSet) -> str:
    """What a set promises, in one sentence."""
    too_few = f"; too few cases of {', '.join(found.too_few)} to ever leave them out" if found.too_few else ""
    return (
        f"left at {in_percent(found.level)}: {', '.join(found.classes)} (of each class, the true one is among them in "
        f"{in_percent(found.promised)} of new patients like those of validation{too_few})"
    )


def answer(presented: PresentedCase, *, level: float = LEVEL, prior: Mapping[str, float] | None = None) -> Prediction:
    """The differential of one case.

    Args:
        presented: the case.
        level: of the answer set.
        prior: shares of the classes at the place that asks, under which the probabilities are stated; those of the
            training data if None. Answer set and triage stay as they are.

    Raises:
        UserError: nothing is there that the model reads; a level outside (0, 1); shares that are not those of the
            classes, or of a model that does not know its own.
    """
    trained = presented.trained
    case = presented.of(trained.models[0]).case
    used = tuple(modality for modality in trained.modalities if case.rows[modality])
    if not used:
        nothing = Sentence("there is nothing to go by: this model needs {needs}", needs=_needs(trained.modalities))
        raise UserError(joined([*({NOTHING_READ} & set(presented.remarks)), nothing]))
    absent = [modality for modality in trained.modalities if is_photo(modality) and modality not in used]
    flags = trained.schema.raised_flags(presented.history) if HISTORY in parts_read(trained.modalities) else ()
    unlike = presented.unlike_training
    judged = judge(trained, presented.ask, presented.parts, flags=flags, is_unlike=bool(unlike), level=level)
    ranked = _ranked(trained.schema.classes, _under(prior, judged.probabilities, trained))
    note = render_note(presented.history, trained.schema) if "text" in trained.modalities else ""
    readings = read_if_taught(trained, presented.history.text)
    return Prediction(
        probabilities=ranked,
        used=used,
        missing=tuple(modality for modality in trained.modalities if modality not in used),
        remarks=(
            *presented.remarks,
            *(Sentence(NO_PHOTO, photo=photo_title(kind)) for kind in absent),
            *_remarks_on_history(presented, note, readings),
            *judged.remarks,
            *([] if prior is None else [UNDER_PRIOR]),
            *trained.remarks,
        ),
        note=note,
        read=stated(readings or {}),
        as_trained=_ranked(trained.schema.classes, presented.as_trained()),
        unlike_training=unlike,
        answer_set=judged.answer_set,
        triage=judged.triage,
        model=version_of(trained),
    )


def _under(prior: Mapping[str, float] | None, probs: Floats, trained: Trained) -> Floats:
    """(C,) under the shares that are given, by Bayes' rule."""
    if prior is None:
        return probs
    if not guarded(trained):
        raise UserError("this model does not know the shares of its classes: train it again to state it under others")
    to = given_shares(prior, trained.schema.classes)
    return np.asarray(restated(probs[None], of=validation_shares(trained), to=to)[0])


def _ranked(classes: Sequence[str], probs: Floats) -> dict[str, float]:
    return dict(sorted(zip(classes, probs.tolist(), strict=True), key=lambda item: -item[1]))


def _needs(modalities: Sequence[str]) -> str:
    of_history = {"text": Sentence("a field or free text"), "metadata": Sentence("a field")}
    kinds = [name for name in modalities if not (name == "metadata" and "text" in modalities)]  # said once
    needs = [of_history.get(name) or Sentence("a {photo}", photo=photo_title(name)) for name in kinds]
    return reduce(lambda first, last: Sentence("{first} or {last}", first=first, last=last), needs)


def _remarks_on_history(presented: PresentedCase, note: str, readings: Mapping[str, Reading] | None) -> list[str]:
    trained, history = presented.trained, presented.history
    remarks: list[str] = []
    if history.text and "text" not in trained.modalities:
        remarks.append(Sentence("the free text was not used: this model reads no text"))
    if history.text and readings is not None:
        remarks += remarks_on_text(trained, history.text, history.fields, readings)
    missing = [field.called for field in trained.schema.fields if history.fields.get(field.name) is None]
    if all(is_photo(modality) for modality in trained.modalities):
        if history.recorded():
            remarks.append(Sentence("the fields were not used: this model reads the photo alone"))
    elif missing:
        remarks.append(Sentence(NOT_RECORDED, fields=missing))
        if trained.record.get("missingness") == "visible":
            remarks.append(VISIBLE)
    if note and trained.encoders["text"].is_truncated(note):
        remarks.append(Sentence("the note is too long for this model: its end was not read"))
    return remarks

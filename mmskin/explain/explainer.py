"""Why a saved model answers a case as it does: the photo, the words, the fields, and how much each counted."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from PIL import Image

from mmskin.errors import DataError, UserError, one_of
from mmskin.explain.answers import Answers
from mmskin.explain.explanation import Explanation
from mmskin.explain.fields import field_values
from mmskin.explain.photo_map import DEFAULT, PhotoMap, map_of
from mmskin.explain.shares import part_shares
from mmskin.explain.what_if import what_if
from mmskin.explain.words import word_values
from mmskin.inputs.photos import open_rgb
from mmskin.trained.ensemble import Trained
from mmskin.trained.map_evidence import preferred_map
from mmskin.trained.note_reading import read_lines
from mmskin.trained.prediction import Prediction, answer
from mmskin.trained.presented_case import GivenPhotos, PresentedCase, present, several


class Explainer:
    """Explanations of one model's answers, which they leave as they are: no hooks, no gradients kept.

    One score runs through all parts: the calibrated probability of one class. Probabilities are what is read and acted
    upon; log-odds would add up more evenly, and nobody could say what four of them are.

    Args:
        trained: any, whatever it reads and however it fuses; of an ensemble its own answer is explained.
        exact_fields: the most recorded fields for which all subsets are asked. Through a text encoder of 22 million
            weights 8 fields take two cores about a second, and each field more doubles that.
        pairs: of orders drawn where more are recorded; see `shapley_values`.
    """

    def __init__(self, trained: Trained, *, exact_fields: int = 10, pairs: int = 8) -> None:
        self.trained = trained
        self.exact_fields, self.pairs = exact_fields, pairs

    def explain(
        self,
        image: GivenPhotos = None,
        metadata: Mapping[str, object] | None = None,
        text: str | None = None,
        *,
        target: str | None = None,
    ) -> Explanation:
        """The explanation of one case.

        Args:
            image: as in `Predictor.predict`.
            metadata: as in `Predictor.predict`.
            text: as in `Predictor.predict`.
            target: class that is explained; the most likely one if None.

        Raises:
            UserError: what `predict` refuses, or a class that does not exist.
        """
        presented = present(self.trained, image, metadata, text)
        return self.explain_presented(presented, target=target, taken=_as_taken(image, presented))

    def explain_presented(
        self,
        presented: PresentedCase,
        *,
        prediction: Prediction | None = None,
        target: str | None = None,
        taken: Mapping[str, Image.Image] | None = None,
    ) -> Explanation:
        """As `explain`, of a case that was read already.

        Args:
            presented: the case.
            prediction: what was answered, if it was.
            target: class that is explained; the most likely one if None.
            taken: by kind, the first photo as it was taken, for the picture of the map; as it was read if left out.
        """
        schema, history = self.trained.schema, presented.history
        if target is not None and target not in schema.classes:
            raise UserError(one_of("class", target, schema.classes))
        prediction = prediction or answer(presented)
        target = target or prediction.top
        code = schema.classes.index(target)
        answers = Answers(presented)
        first = {kind: photos[0] for kind, photos in presented.photos.items() if photos}
        return Explanation(
            target=target,
            titles=dict(schema.class_titles),
            probabilities=prediction.probabilities,
            nothing=dict(zip(schema.classes, answers.nothing().tolist(), strict=True)),
            used=prediction.used,
            missing=prediction.missing,
            remarks=prediction.remarks,
            note=prediction.note,
            shares=part_shares(answers, history, code),
            words=word_values(answers, history, code),
            fields=field_values(answers, history, code, exact_up_to=self.exact_fields, pairs=self.pairs),
            changes=tuple(what_if(answers, history)),
            photos={**first, **(taken or {})},
            photo_maps=dict(self._photo_maps(presented, target)),
            read=tuple(read_lines(schema, prediction.read)),
        )

    def _photo_maps(self, presented: PresentedCase, target: str) -> Iterator[tuple[str, PhotoMap]]:
        """By kind, the map of the first photo, by itself if there are several; of encoders that give one."""
        encoders = self.trained.encoders
        for kind, photos in presented.photos.items():
            if photos and encoders[kind].grid is not None:
                one = presented if len(photos) == 1 else presented.with_photos({**presented.photos, kind: photos[:1]})
                method = preferred_map(self.trained, kind, DEFAULT)
                yield kind, map_of(one, target=target, kind=kind, method=method)


def _as_taken(image: GivenPhotos, presented: PresentedCase) -> dict[str, Image.Image]:
    """By kind, the first of the photos that are read, at its own size."""
    kinds = [kind for kind, photos in presented.photos.items() if photos]
    given = image if isinstance(image, Mapping) else dict.fromkeys(kinds, image)
    return {kind: open_rgb(several(photos)[0]).image for kind in kinds if (photos := given[kind]) is not None}


def read_history_file(path: Path) -> tuple[dict[str, Any], str | None]:
    """Fields and free text from {"fields": {name: value, …}, "text": "…"}; both may be left out.

    Raises:
        DataError: no such file, not JSON, or of another shape.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"{path} cannot be read as JSON: {error}") from error
    expected = '{"fields": {"age": 62}, "text": "it itches"}'
    if not isinstance(content, dict) or not set(content) <= {"fields", "text"}:
        raise DataError(f"{path} must look like {expected}, both parts optional")
    fields, text = content.get("fields") or {}, content.get("text")
    if not isinstance(fields, dict) or not isinstance(text, str | None):
        raise DataError(f"{path} must look like {expected}: fields by name, the text a string")
    return fields, text

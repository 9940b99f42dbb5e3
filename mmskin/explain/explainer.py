"""Why a saved model answers a case as it does: the photo, the words, the fields, and how much each counted."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from mmskin.errors import DataError, UserError, one_of
from mmskin.explain.answers import Answers
from mmskin.explain.explanation import Explanation
from mmskin.explain.fields import field_values
from mmskin.explain.photo_map import PhotoMap
from mmskin.explain.shares import part_shares
from mmskin.explain.what_if import what_if
from mmskin.explain.words import word_values
from mmskin.inputs.photos import open_rgb
from mmskin.trained.predictor import Photo, Predictor


class Explainer:
    """Explanations of one predictor's answers, which they leave as they are: no hooks, no gradients kept.

    One score runs through all parts: the calibrated probability of one class. Probabilities are what is read and acted
    upon; log-odds would add up more evenly, and nobody could say what four of them are.

    Args:
        predictor: any, whatever it reads and however it fuses.
        exact_fields: the most recorded fields for which all subsets are asked. Through a text encoder of 22 million
            weights 8 fields take two cores about a second, and each field more doubles that.
        pairs: of orders drawn where more are recorded; see `shapley_values`.
    """

    def __init__(self, predictor: Predictor, *, exact_fields: int = 10, pairs: int = 8) -> None:
        self.predictor = predictor
        self.exact_fields, self.pairs = exact_fields, pairs

    def explain(
        self,
        image: Photo | Sequence[Photo] | None = None,
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
        predictor, schema = self.predictor, self.predictor.schema
        if target is not None and target not in schema.classes:
            raise UserError(one_of("class", target, schema.classes))
        prediction = predictor.predict(image, metadata, text)
        target = target or prediction.top
        code = schema.classes.index(target)
        history = schema.parse_history(metadata or {}, text)
        photos = self._read(image)
        answers = Answers(
            predictor.model, predictor.loss, schema, predictor.temperature, predictor.encode_photos(photos or None)
        )
        photo = open_rgb(_listed(image)[0]).image if photos else None
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
            photo=photo,
            photo_map=self._map(photos[0], metadata, text, target) if photos else None,
        )

    def _read(self, image: Photo | Sequence[Photo] | None) -> list[Image.Image]:
        """The photos as the model reads them, decoded once for all that is asked; [] if it reads none."""
        if "image" not in self.predictor.modalities:
            return []
        side = int(self.predictor.config["photo_side"])
        return [open_rgb(photo, max_side=side).image for photo in _listed(image)]

    def _map(
        self, read: Image.Image, metadata: Mapping[str, object] | None, text: str | None, target: str
    ) -> PhotoMap | None:
        """The map of a photo as it was read; None if the encoder gives no map."""
        if self.predictor.model.encoders["image"].grid is None:
            return None
        return self.predictor.photo_map(read, metadata, text, target=target)


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


def _listed(image: Photo | Sequence[Photo] | None) -> list[Photo]:
    if image is None:
        return []
    return [image] if isinstance(image, str | bytes | Path | Image.Image) else list(image)

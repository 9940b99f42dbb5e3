"""A saved model at work: one case or a table in, calibrated probabilities out, and what they rest on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import pandas as pd
import torch
from PIL import Image
from torch import Tensor

from mmskin.encoders.pixels import PreparePhoto
from mmskin.errors import ModelError, UserError, one_of
from mmskin.explain.fixed_history import FixedHistory, hold_history
from mmskin.explain.overlay import WHOLE, Box
from mmskin.explain.photo_map import PhotoMap, heat_of, notes_on
from mmskin.features import Features
from mmskin.inputs.batch import Batch, Case, Row, collate, stack_rows
from mmskin.inputs.dataset import CaseDataset, Reader
from mmskin.inputs.note import render_note
from mmskin.inputs.photos import image_remarks, open_rgb, to_tensor
from mmskin.inputs.readers import ColumnsReader, NoteReader, PhotoReader
from mmskin.reminder import NOT_A_DIAGNOSIS
from mmskin.schema import History, Schema
from mmskin.trained.inference import predict_probabilities, temper
from mmskin.trained.saved_model import TrainedModel, load_model

Photo = str | Path | bytes | Image.Image


@dataclass(frozen=True)
class Prediction:
    """What the model says of one case.

    probabilities: by class, calibrated, most likely first; they sum to 1.
    used, missing: of what the model can use (image, text, metadata), what was there and what was not.
    remarks: what a reader should know of the input, such as a blurred photo or fields left out.
    note: the clinical note that the model read, "" if it reads none.
    """

    probabilities: dict[str, float]
    used: tuple[str, ...]
    missing: tuple[str, ...]
    remarks: tuple[str, ...] = ()
    note: str = ""

    @property
    def top(self) -> str:
        return next(iter(self.probabilities))

    def to_json(self) -> dict[str, Any]:
        """Plain values, with the reminder that this is no diagnosis."""
        return {
            "probabilities": self.probabilities,
            "used": list(self.used),
            "missing": list(self.missing),
            "remarks": list(self.remarks),
            "note": self.note,
            "reminder": NOT_A_DIAGNOSIS,
        }


class Predictor:
    """A trained model that answers. Make one with `Predictor.load(folder)`."""

    def __init__(self, trained: TrainedModel) -> None:
        self.model = trained.model.eval()
        self.loss = trained.loss
        self.schema: Schema = trained.schema
        self.config = trained.config
        self.temperature = float(trained.config["temperature"])

    @classmethod
    def load(cls, folder: str | Path) -> Self:
        """Read a model directory, or the run directory that holds exactly one.

        Raises:
            ModelError: none there, several, or a damaged one.
        """
        folder = Path(folder)
        if not (folder / "manifest.json").exists():
            inside = sorted(folder.glob("**/model/manifest.json"))
            if len(inside) > 1:
                listed = ", ".join(str(path.parent) for path in inside)
                raise ModelError(f"{folder} holds several models, name one of them: {listed}")
            if inside:
                folder = inside[0].parent
        return cls(load_model(folder))

    @property
    def modalities(self) -> tuple[str, ...]:
        return tuple(self.model.encoders)

    def predict(
        self,
        image: Photo | Sequence[Photo] | None = None,
        metadata: Mapping[str, object] | None = None,
        text: str | None = None,
    ) -> Prediction:
        """The differential of one case. Any part may be left out, not all.

        Args:
            image: one photo of the lesion, or several of the same lesion: path, bytes or Pillow image.
            metadata: field values by name, as the schema declares them; a field left out is *not recorded*.
            text: what the patient says, in free text.

        Raises:
            UserError: nothing to go by, a photo that cannot be read, a value that is not admissible.
        """
        history = self.schema.parse_history(metadata or {}, text)
        photos, remarks = self._read(image)
        batch = self._batch(photos, history)
        used = tuple(modality for modality in self.modalities if bool(batch.present[modality][0]))
        self._refuse_nothing(used)
        with torch.inference_mode():
            raw = self.loss.probabilities(self.model(batch).logits.double()).numpy()
        probs = temper(raw, self.temperature)[0]
        ranked = sorted(zip(self.schema.classes, probs.tolist(), strict=True), key=lambda item: -item[1])
        note = render_note(history, self.schema) if "text" in self.modalities else ""
        return Prediction(
            probabilities=dict(ranked),
            used=used,
            missing=tuple(modality for modality in self.modalities if modality not in used),
            remarks=(*remarks, *self._remarks_on_history(history, note)),
            note=note,
        )

    def predict_table(self, table: pd.DataFrame) -> pd.DataFrame:
        """Probabilities for a table of cases (`data.table`): case_id, prob_<class>…; NaN where nothing is there."""
        readers: dict[str, Reader] = {modality: self._reader(modality) for modality in self.modalities}
        dataset = CaseDataset([table], self.schema, readers)
        probs = temper(predict_probabilities(self.model, self.loss, dataset), self.temperature)
        columns: dict[str, Any] = {"case_id": dataset.case_ids}
        columns |= {f"prob_{name}": probs[:, code] for code, name in enumerate(self.schema.classes)}
        return pd.DataFrame(columns)

    def heatmap(
        self,
        image: Photo,
        metadata: Mapping[str, object] | None = None,
        text: str | None = None,
        *,
        target: str | None = None,
        method: str = "grad_cam",
    ) -> Image.Image:
        """The photo with the `photo_map` of one class laid over it: RGB, the size of the photo.

        Arguments and refusals are those of `photo_map`.
        """
        return self.photo_map(image, metadata, text, target=target, method=method).over(open_rgb(image).image)

    def photo_map(
        self,
        image: Photo,
        metadata: Mapping[str, object] | None = None,
        text: str | None = None,
        *,
        target: str | None = None,
        method: str = "grad_cam",
    ) -> PhotoMap:
        """Where in the photo the evidence for one class lies, with the history held fixed.

        Args:
            image: the photo.
            metadata: as in `predict`.
            text: as in `predict`.
            target: class name; the most likely one if None.
            method: "grad_cam", "grad_cam_plus_plus", "gradient_x_activation" (for transformers), or "score_cam", which
                is slow.

        Raises:
            UserError: a model that reads no photo or gives no map of it, a photo that cannot be read, or a class or
                method that does not exist.
        """
        if target is not None and target not in self.schema.classes:
            raise UserError(one_of("class", target, self.schema.classes))
        held = self.hold(image, metadata, text)
        with torch.no_grad():
            probs = self.loss.probabilities(held.logits_of_tokens(held.tokens[None]))[0]
        code = int(probs.argmax()) if target is None else self.schema.classes.index(target)
        heat = heat_of(held, code, method=method)
        seen = self.seen(image)
        return PhotoMap(heat, seen, notes_on(heat, seen, self.model.fusion))

    def seen(self, image: Photo) -> Box:
        """The part of a photo that the model sees, and that a map of it covers."""
        prepare = self.model.encoders["image"].prepare
        photo = open_rgb(image, max_side=int(self.config["photo_side"])).image
        return prepare.seen(photo.height, photo.width) if isinstance(prepare, PreparePhoto) else WHOLE

    def hold(self, image: Photo, metadata: Mapping[str, object] | None = None, text: str | None = None) -> FixedHistory:
        """The model as a function of the photo alone, for heat maps and whoever tests them.

        Raises:
            UserError: a model that reads no photo or gives no map of it, or a photo that cannot be read.
        """
        if "image" not in self.modalities:
            raise UserError(f"this model reads {', '.join(self.modalities)} and no photo: there is no heat map to draw")
        history = self.schema.parse_history(metadata or {}, text)
        photos, _ = self._read(image)
        return hold_history(self.model, self._batch(photos, history))

    @torch.no_grad()
    def encode_photos(self, image: Photo | Sequence[Photo] | None) -> list[Features]:
        """The photos of one case, encoded: rows that stand for them in a `Case`, to ask much about them at little cost.

        Returns:
            One row a photo; [] without a photo, or where the model reads none.
        """
        photos, _ = self._read(image)
        if not photos:
            return []
        encoder = self.model.encoders["image"]
        encoded = encoder(stack_rows([encoder.prepare(photo) for photo in photos]))
        return [
            Features(
                encoded.pooled[row],
                None if encoded.tokens is None else encoded.tokens[row],
                None if encoded.mask is None else encoded.mask[row],
            )
            for row in range(len(photos))
        ]

    def _read(self, image: Photo | Sequence[Photo] | None) -> tuple[list[Tensor], list[str]]:
        """Pixels as in training, and what a reader should know of them."""
        if image is None:
            return [], []
        if "image" not in self.modalities:
            return [], ["the photo was not used: this model reads no photo"]
        several = image if isinstance(image, Sequence) and not isinstance(image, str | bytes) else [image]
        read = [open_rgb(photo, max_side=int(self.config["photo_side"])) for photo in several]
        pixels = [to_tensor(photo.image) for photo in read]
        remarks = [(*photo.remarks, *image_remarks(p)) for photo, p in zip(read, pixels, strict=True)]
        return pixels, [remark for of_photo in remarks for remark in of_photo]

    def _batch(self, photos: Sequence[Tensor], history: History) -> Batch:
        rows: dict[str, list[Row]] = {}
        for modality, encoder in self.model.encoders.items():
            if modality == "image":
                rows[modality] = [encoder.prepare(photo) for photo in photos]
            else:
                rows[modality] = self._reader(modality)("", (), history, 0)
        return collate([Case(rows, -1, "")])

    def _reader(self, modality: str) -> Reader:
        prepare = self.model.encoders[modality].prepare
        if modality == "image":
            return PhotoReader(prepare, max_side=int(self.config["photo_side"]))
        return NoteReader(prepare, self.schema) if modality == "text" else ColumnsReader(prepare)

    def _refuse_nothing(self, used: Sequence[str]) -> None:
        if used:
            return
        wanted = {"image": "a photo", "text": "a field or free text", "metadata": "a field"}
        needs = " or ".join(wanted[modality] for modality in self.modalities)
        raise UserError(f"there is nothing to go by: this model needs {needs}")

    def _remarks_on_history(self, history: History, note: str) -> list[str]:
        remarks = []
        if history.text and "text" not in self.modalities:
            remarks.append("the free text was not used: this model reads no text")
        left_out = [name for name in self.schema.field_names if history.fields.get(name) is None]
        if set(self.modalities) == {"image"}:
            if history.recorded():
                remarks.append("the fields were not used: this model reads the photo alone")
        elif left_out:
            remarks.append(f"not recorded: {', '.join(left_out)}")
        if note and self.model.encoders["text"].is_truncated(note):
            remarks.append("the note is too long for this model: its end was not read")
        return remarks


def read_history(values: Sequence[str]) -> dict[str, str]:
    """`name=value` words of a command line → fields.

    Raises:
        UserError: a word without an equals sign.
    """
    pairs = [word.partition("=") for word in values]
    odd = [word for word, (_, equals, _) in zip(values, pairs, strict=True) if not equals]
    if odd:
        raise UserError(f"a field is written name=value, such as age=62, however: {odd[0]!r}")
    return {name.strip(): value for name, _, value in pairs}


__all__ = ["NOT_A_DIAGNOSIS", "Prediction", "Predictor", "read_history"]

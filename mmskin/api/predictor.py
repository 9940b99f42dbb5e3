"""A trained model, answering: one case, a table of cases, and where in a photo the evidence lies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self, overload

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from PIL import Image

from mmskin.api.answer_table import answer_table
from mmskin.api.explained import Explained, Explainer
from mmskin.api.frames import cases_to_answer
from mmskin.api.tables import Columns
from mmskin.encoders.field_reader import Reading
from mmskin.errors import UserError
from mmskin.explain.photo_map import PhotoMap, map_of
from mmskin.inputs.batch import collate
from mmskin.inputs.photos import PhotoSource, open_rgb
from mmskin.schema import Schema
from mmskin.trained.answer_sets import LEVEL
from mmskin.trained.ensemble import Trained
from mmskin.trained.note_reading import read_note
from mmskin.trained.parts_there import parts_of_rows
from mmskin.trained.prediction import Prediction, answer
from mmskin.trained.presented_case import GivenPhotos, PresentedCase, present
from mmskin.trained.run_models import load_trained
from mmskin.trained.safeguards import calibrated
from mmskin.trained.saved_model import save_model


class Predictor:
    """A trained model that answers: what `fit` and `load` give.

    >>> model.modalities
    ('metadata',)
    >>> sorted(model.predict(metadata={"age": 70}).probabilities) == sorted(model.schema.classes)
    True
    """

    def __init__(self, trained: Trained) -> None:
        self.trained = trained

    @classmethod
    def load(cls, folder: str | Path, *, arm: str | None = None) -> Self:
        """Read a model folder, or a run folder: its models of several folds and seeds answer together.

        Args:
            folder: of a model, or of a run.
            arm: of a run that has saved models of several arms, the one.

        Raises:
            ModelError: none there, a damaged one, several arms and none named, or models that cannot answer together.
        """
        return cls(load_trained(Path(folder), arm=arm))

    def save(self, folder: str | Path) -> None:
        """Write a model directory into a new or empty folder.

        Raises:
            ModelError: the folder holds something, or a part was given as an instance.
        """
        save_model(self.trained, Path(folder))

    def __repr__(self) -> str:
        several = f", {len(self.trained.models)} models together" if len(self.trained.models) > 1 else ""
        model = self.trained.models[0]
        fusion = model.record.get("fusion", {}).get("name", type(model.model.fusion).__name__)
        lines = [
            f"Predictor: {fusion} of {', '.join(self.modalities)}{several}",
            f"  classes: {', '.join(self.schema.classes)}",
            f"  fields:  {', '.join(self.schema.field_names) or 'none'}",
        ]
        return "\n".join(lines)

    @property
    def schema(self) -> Schema:
        return self.trained.schema

    @property
    def modalities(self) -> tuple[str, ...]:
        return self.trained.modalities

    def present(
        self, image: GivenPhotos = None, metadata: Mapping[str, object] | None = None, text: str | None = None
    ) -> PresentedCase:
        """One case, read once, for several questions about it; arguments and refusals are those of `predict`."""
        return present(self.trained, image, metadata, text)

    @overload
    def predict(
        self,
        image: GivenPhotos = None,
        metadata: Mapping[str, object] | None = None,
        text: str | None = None,
        *,
        level: float = LEVEL,
        prior: Mapping[str, float] | None = None,
    ) -> Prediction: ...

    @overload
    def predict(
        self,
        image: pd.DataFrame,
        *,
        photos: Columns | Mapping[str, Columns] | None = None,
        text: str | None = None,
        root: str | Path | None = None,
    ) -> pd.DataFrame: ...

    def predict(
        self,
        image: GivenPhotos | pd.DataFrame = None,
        metadata: Mapping[str, object] | None = None,
        text: str | None = None,
        *,
        photos: Columns | Mapping[str, Columns] | None = None,
        root: str | Path | None = None,
        level: float = LEVEL,
        prior: Mapping[str, float] | None = None,
    ) -> Prediction | pd.DataFrame:
        """The differential of one case, or of every row of a data frame. Any part may be left out, not all.

        Of a data frame come the probabilities, a row a row and a column a class, NaN where nothing is there; its
        columns are read as `cases_to_answer` says, and `.attrs["remarks"]` tells what was read oddly or was not there.

        Args:
            image: one photo of the lesion, or several of the same lesion: path, bytes, open file, Pillow image or
                array (H, W, 3) uint8; by kind, such as {"clinical": …, "dermoscopic": …}, where the model reads several
                kinds. Or a data frame of cases.
            metadata: field values by name, as the schema declares them; a field left out is *not recorded*.
            text: what the patient says, in free text; of a data frame, the column that holds it.
            photos: of a data frame, the column or columns of photo paths, by kind where there are several.
            root: of a data frame, the folder from which relative paths count.
            level: of the answer set of one case, 1 − α.
            prior: of one case, shares of the classes at the place that asks, for which the probabilities are stated.

        Raises:
            UserError: nothing to go by, a photo that cannot be read, a value that is not admissible, a level outside
                (0, 1).
        """
        if isinstance(image, pd.DataFrame):
            cases = cases_to_answer(image, self.schema, self.modalities, photos=photos, text=text, root=root)
            parts = parts_of_rows(cases.table, self.schema, self.modalities)
            probs = calibrated(self.trained, lambda model: model.probabilities(cases.table), parts)
            answers = pd.DataFrame(probs, index=image.index, columns=list(self.schema.classes))
            answers.attrs["remarks"] = list(cases.remarks)
            return answers
        return self.answer(self.present(image, metadata, text), level=level, prior=prior)

    def answer(
        self, presented: PresentedCase, *, level: float = LEVEL, prior: Mapping[str, float] | None = None
    ) -> Prediction:
        """As `predict`, of a case that was read already."""
        return answer(presented, level=level, prior=prior)

    def read_note(self, text: str) -> dict[str, Reading]:
        """By field of the schema, what free text says of it: a value, None for not recorded, and a confidence.

        Args:
            text: what the patient says, in free words.

        Raises:
            UserError: a text without content, a model that reads no text, or one whose text encoder was not taught the
                fields, or was trained further since.
        """
        return read_note(self.trained, text)

    def predict_table(self, table: pd.DataFrame, *, level: float = LEVEL) -> pd.DataFrame:
        """Answers for a table of cases (`data.table`), a row a case; see `mmskin.api.answer_table`."""
        return answer_table(self.trained, table, level=level)

    def features(
        self, image: GivenPhotos = None, metadata: Mapping[str, object] | None = None, text: str | None = None
    ) -> dict[str, NDArray[np.float32]]:
        """By modality that is present, the vector that its encoder makes of the case, (D,), photos of a kind pooled.

        Arguments and refusals are those of `predict`; an ensemble has no vectors of its own, and is refused.
        """
        if len(self.trained.models) > 1:
            raise UserError(f"these are {len(self.trained.models)} models with vectors of their own: load one of them")
        (model,) = self.trained.models
        batch = collate([self.present(image, metadata, text).of(model).case])
        with torch.inference_mode():
            features, present = model.model.encode(batch)
        return {m: features[m].pooled[0].float().numpy() for m in self.modalities if bool(present[m][0])}

    def explain(
        self,
        image: GivenPhotos = None,
        metadata: Mapping[str, object] | None = None,
        text: str | None = None,
        *,
        target: str | None = None,
    ) -> Explained:
        """What in the photo and in the history moved the answer; a notebook shows it, `.save(folder)` writes a page.

        Arguments and refusals are those of `predict`; target is a class, the most likely one if None.
        """
        return Explainer(self.trained).explain(image, metadata, text, target=target)

    def heatmap(
        self,
        image: PhotoSource,
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
        image: GivenPhotos,
        metadata: Mapping[str, object] | None = None,
        text: str | None = None,
        *,
        target: str | None = None,
        method: str = "grad_cam",
        kind: str | None = None,
    ) -> PhotoMap:
        """Where in the photo the evidence for one class lies, with everything else held fixed.

        Args:
            image: the photo; of several kinds, one of each.
            metadata: as in `predict`.
            text: as in `predict`.
            target: class name; the most likely one if None.
            method: "grad_cam", "grad_cam_plus_plus", "gradient_x_activation" (for transformers), "layer_cam" (of CNNs,
                twice as fine), or "score_cam", which is slow.
            kind: of the photo that the map is of; the first that the model reads if None.

        Raises:
            UserError: a model that reads no photo or gives no map of it, a photo that cannot be read, or a class or
                method that does not exist.
        """
        return map_of(self.present(image, metadata, text), target=target, method=method, kind=kind)


def load(folder: str | Path, *, arm: str | None = None) -> Predictor:
    """A saved model: the folder that `fit`, `save` or a run wrote. The models of a run's folds answer together.

    >>> mmskin.load("no/such/folder")
    Traceback (most recent call last):
    mmskin.errors.ModelError: no/such/folder is no mmskin model...

    Args:
        folder: of a model, or of a run.
        arm: of a run that has saved models of several arms, the one.

    Raises:
        ModelError: none there, or a damaged one; several arms and none named; one with parts that nobody has imported.
    """
    return Predictor.load(folder, arm=arm)


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

"""A saved model, answering: one case, a table of cases, and where in a photo the evidence lies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import pandas as pd
from PIL import Image

from mmskin.errors import UserError
from mmskin.explain.photo_map import PhotoMap, map_of
from mmskin.inputs.photos import PhotoSource, open_rgb
from mmskin.schema import Schema
from mmskin.trained.prediction import Prediction, answer
from mmskin.trained.presented_case import GivenPhotos, PresentedCase, present
from mmskin.trained.saved_model import find_model, load_model
from mmskin.trained.trained_model import TrainedModel


class Predictor:
    """A trained model that answers. Make one with `Predictor.load(folder)`."""

    def __init__(self, trained: TrainedModel) -> None:
        self.trained = trained

    @classmethod
    def load(cls, folder: str | Path) -> Self:
        """Read a model directory, or the run directory that holds exactly one.

        Raises:
            ModelError: none there, several, or a damaged one.
        """
        return cls(load_model(find_model(Path(folder))))

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

    def predict(
        self, image: GivenPhotos = None, metadata: Mapping[str, object] | None = None, text: str | None = None
    ) -> Prediction:
        """The differential of one case. Any part may be left out, not all.

        Args:
            image: one photo of the lesion, or several of the same lesion: path, bytes or Pillow image; by kind, such
                as {"clinical": …, "dermoscopic": …}, where the model reads several kinds.
            metadata: field values by name, as the schema declares them; a field left out is *not recorded*.
            text: what the patient says, in free text.

        Raises:
            UserError: nothing to go by, a photo that cannot be read, a value that is not admissible.
        """
        return self.answer(self.present(image, metadata, text))

    def answer(self, presented: PresentedCase) -> Prediction:
        """As `predict`, of a case that was read already."""
        return answer(presented)

    def predict_table(self, table: pd.DataFrame) -> pd.DataFrame:
        """Probabilities for a table of cases (`data.table`): case_id, prob_<class>…; NaN where nothing is there."""
        probs = self.trained.probabilities(table)
        columns: dict[str, Any] = {"case_id": table["case_id"].tolist()}
        columns |= {f"prob_{name}": probs[:, code] for code, name in enumerate(self.schema.classes)}
        return pd.DataFrame(columns)

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
            method: "grad_cam", "grad_cam_plus_plus", "gradient_x_activation" (for transformers), or "score_cam", which
                is slow.
            kind: of the photo that the map is of; the first that the model reads if None.

        Raises:
            UserError: a model that reads no photo or gives no map of it, a photo that cannot be read, or a class or
                method that does not exist.
        """
        return map_of(self.present(image, metadata, text), target=target, method=method, kind=kind)


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

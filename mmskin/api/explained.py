"""An explanation as the door gives it: shown by a notebook, saved as a page. Below, `explain` draws nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

from mmskin.explain.explainer import Explainer as PlainExplainer
from mmskin.explain.explanation import Explanation
from mmskin.report.explanation_html import notebook_frame, write_explanation
from mmskin.report.numbers import percent
from mmskin.trained.prediction import Prediction
from mmskin.trained.presented_case import GivenPhotos, PresentedCase


class Explained(Explanation):
    """An `Explanation` that can be shown and saved."""

    def save(self, folder: str | Path) -> Path:
        """Write explanation.html, explanation.json and the figures; the folder is made. Returns the page."""
        return write_explanation(self, Path(folder))

    def __repr__(self) -> str:
        """Without the photo and without what the patient said."""
        share = percent(self.probabilities[self.target])
        return f"Explained: {self.title(self.target)} {share}; .save(folder) writes a page"

    def _repr_html_(self) -> str:
        return notebook_frame(self)


class Explainer(PlainExplainer):
    """As `mmskin.explain.explainer.Explainer`, with explanations that can be shown and saved."""

    def explain_presented(
        self,
        presented: PresentedCase,
        *,
        prediction: Prediction | None = None,
        target: str | None = None,
        taken: Mapping[str, Image.Image] | None = None,
    ) -> Explained:
        plain = super().explain_presented(presented, prediction=prediction, target=target, taken=taken)
        return Explained(**{field.name: getattr(plain, field.name) for field in fields(plain)})

    if TYPE_CHECKING:  # explain is inherited, and gives what explain_presented gives

        def explain(
            self,
            image: GivenPhotos = None,
            metadata: Mapping[str, object] | None = None,
            text: str | None = None,
            *,
            target: str | None = None,
        ) -> Explained: ...

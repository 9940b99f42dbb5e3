"""A heat map of a photo with what its reader has to know: how coarse it is, and what the history can do to it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from PIL import Image

from mmskin.encoders.pixels import PreparePhoto
from mmskin.errors import UserError, one_of
from mmskin.explain import HEATMAPS
from mmskin.explain.fixed_history import FixedHistory, hold_presented
from mmskin.explain.gradient import Grid, Heat
from mmskin.explain.layer_cam import layer_cam
from mmskin.explain.overlay import WHOLE, Box, overlay
from mmskin.explain.score_cam import score_cam
from mmskin.features import is_photo
from mmskin.fusion.fusion_contract import Fusion
from mmskin.sentence import Sentence
from mmskin.trained.map_evidence import MapEvidence, map_evidence_of
from mmskin.trained.presented_case import PresentedCase

METHODS = (*HEATMAPS, "score_cam", "layer_cam")
DEFAULT = "grad_cam"
NOT_MEASURED = Sentence(
    "not shown to point at the lesion; what maps of this model are worth, mmskin explain --check measures"
)
NOT_BETTER = (
    "not shown to point at the lesion: on {n} test cases, the answer did not hang on the warm places of such maps more "
    "than on random places"
)
BETTER = (
    "on {n} test cases, the answer hung on the warm places of such maps more than on random places, both as they were "
    "hidden and as they were shown; that they lie on the lesion is not shown"
)


class PhotoMap(NamedTuple):
    """heat: (h, w) in [0, 1] on the encoder's grid. seen: the part of the photo it covers. notes: a line each."""

    heat: Heat
    seen: Box
    notes: tuple[str, ...]

    def over(self, photo: Image.Image, *, opacity: float = 0.45) -> Image.Image:
        """The map laid over the photo, at the photo's own size."""
        return overlay(photo, self.heat, seen=self.seen, opacity=opacity)


def map_of(
    presented: PresentedCase, *, target: str | None = None, method: str = DEFAULT, kind: str | None = None
) -> PhotoMap:
    """The heat map of one photo of a case for one class, with everything else held fixed; of an ensemble, the mean map.

    Each model has a map on the grid of its own encoder, so there is no one gradient of an ensemble's answer: the maps
    of its models, each of the model's own logit and brought to [0, 1], are averaged.

    Args:
        presented: the case.
        target: class name; the most likely one if None.
        method: one of `METHODS`.
        kind: of photo; the first that the model reads if None.

    Raises:
        UserError: no such class or method, or what `hold_presented` refuses.
    """
    trained = presented.trained
    if target is not None and target not in trained.schema.classes:
        raise UserError(one_of("class", target, trained.schema.classes))
    held = [hold_presented(presented, kind=kind, model=model) for model in trained.models]
    code = int(presented.probabilities().argmax()) if target is None else trained.schema.classes.index(target)
    heat = _mean([heat_of(one, code, method=method) for one in held])
    seen = seen_part(presented, held[0].kind)
    worth = worth_note(map_evidence_of(trained).get(held[0].kind, {}).get(method))
    notes = (worth, *notes_on(heat, seen, held[0].model.fusion))
    if len(held) > 1:
        notes = (*notes, Sentence("the mean of the maps of {n} models, each of the model's own answer", n=len(held)))
    if trained.models[0].views > 1:
        wording = "of the photo as it is; the answer is the mean over {n} views of it"
        notes = (*notes, Sentence(wording, n=trained.models[0].views))
    return PhotoMap(heat, seen, notes)


def _mean(heats: Sequence[Heat]) -> Heat:
    """The mean of maps of one grid, the largest value 1 again; of one map, itself."""
    if len(heats) == 1:
        return heats[0]
    mean = np.mean(heats, axis=0, dtype=np.float32)
    peak = mean.max()
    return np.asarray(mean / peak if peak > 0 else mean)


def seen_part(presented: PresentedCase, kind: str) -> Box:
    """The part of a case's first photo of a kind that the model sees, and that a map of it covers."""
    prepare, photo = presented.trained.encoders[kind].prepare, presented.photos[kind][0]
    return prepare.seen(photo.height, photo.width) if isinstance(prepare, PreparePhoto) else WHOLE


def heat_of(held: FixedHistory, code: int, *, method: str = DEFAULT) -> Heat:
    """The heat map of the logit of a class, (h, w) in [0, 1].

    Args:
        held: the case.
        code: index of the class.
        method: one of `METHODS`.

    Raises:
        UserError: no such method, or one that the encoder has no stage for.
    """
    if method not in METHODS:
        raise UserError(one_of("heat map", method, METHODS))
    if method == "score_cam":
        return score_cam(held.tokens, held.grid, lambda masks: held.logits_of_pixels(held.seen_through(masks))[:, code])
    if method == "layer_cam":
        stage = held.model.encoders[held.kind].finer_stage
        if stage is None:
            raise UserError("layer_cam needs a CNN with a stage before the last: choose another heat map")
        return layer_cam(stage, held.pixels, lambda pixels: held.logits_of_pixels(pixels)[0, code])
    return HEATMAPS[method](held.tokens, held.grid, lambda tokens: held.logits_of_tokens(tokens)[0, code])


def notes_on(heat: Heat, seen: Box, fusion: Fusion) -> tuple[str, ...]:
    """What has to be said beside a heat map, the resolution always."""
    notes: list[str] = [resolution_note((heat.shape[0], heat.shape[1]))]
    if seen != WHOLE:
        notes.append(Sentence("the model sees the middle of the photo only: the map says nothing of what lies outside"))
    if not heat.any():
        notes.append(Sentence("nothing in the photo raises the score of this class"))
    apart = additive_note(fusion)
    return (*notes, apart) if apart else tuple(notes)


def worth_note(evidence: MapEvidence | None) -> str:
    """What a map of this kind was found to be worth in this model; None: nobody has measured it."""
    if evidence is None:
        return NOT_MEASURED
    return Sentence(BETTER if evidence.beats_random else NOT_BETTER, n=evidence.cases)


def resolution_note(grid: Grid) -> str:
    """How coarse a map is."""
    return Sentence(
        "the map has {rows} x {columns} cells, which are drawn smoothly: what is smaller than a cell cannot be told "
        "from what lies beside it",
        rows=grid[0],
        columns=grid[1],
    )


def additive_note(fusion: Fusion) -> str | None:
    """What is true of an additive fusion, and of no other; None for others.

    The logit of class c is a sum over modalities, so its gradient by the photo is that of the photo's own term (of late
    fusion w_image ∇ log p_image,c): the history is not in it. It is in the gradient of the *probability* of c, through
    the normalisation over classes: which is why the logit is explained.
    """
    if not fusion.is_additive or len(fusion.modalities) < 2:
        return None
    if all(map(is_photo, fusion.modalities)):
        return Sentence(
            "the photos are judged apart in this model and then added up: another photo of one kind changes how much "
            "the other counts for the answer, not where its map of a class is warm"
        )
    return Sentence(
        "photo and history are judged apart in this model and then added up: another history changes how much the "
        "photo counts for the answer, not where this map of a class is warm"
    )

"""Which cases a model's explanations are checked on: those of its own test fold, which it has never seen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image

from mmskin.config.experiment import DataConfig
from mmskin.data.load import folds_of, load_cases, prepare_fold
from mmskin.data.table import history_of, photos_by_kind
from mmskin.errors import UserError, one_of
from mmskin.explain.answers import Answers
from mmskin.explain.check import Check, CheckedCase, check
from mmskin.explain.faithfulness import Mask
from mmskin.explain.fixed_history import hold_presented
from mmskin.explain.overlay import Box, in_pixels
from mmskin.explain.photo_map import seen_part
from mmskin.features import is_photo
from mmskin.inputs.unreadable_photos import skip_unreadable
from mmskin.trained.ensemble import Ensemble, Trained
from mmskin.trained.map_evidence import Estimate, MapEvidence
from mmskin.trained.presented_case import present
from mmskin.trained.trained_model import TrainedModel


def check_explanations(
    trained: Trained,
    rows: pd.DataFrame,
    *,
    cases: int = 20,
    seed: int = 0,
    method: str = "grad_cam",
    kind: str | None = None,
) -> Check:
    """Measure the explanations of cases drawn from a table; of an ensemble those of its first model.

    Args:
        trained: any, whatever it reads and however it fuses.
        rows: of patients that it has not learned from: see `unseen_rows`. Targets are not looked at.
        cases: how many are drawn; all that the model can answer if there are fewer.
        seed: of the draw and of everything drawn afterwards.
        method: of the heat map, one of `mmskin.explain.photo_map.METHODS`.
        kind: of the photos whose maps are measured; the first that the model reads and gives maps of if None.

    Raises:
        UserError: the model can answer none of them; no such method, or one that the encoder does not allow; a kind of
            which the model gives no map.
    """
    if isinstance(trained, Ensemble):
        found = check_explanations(trained.models[0], rows, cases=cases, seed=seed, method=method, kind=kind)
        own = f"the mean map of the {len(trained.models)} models: that of the first model was"
        return found._replace(left_out=(own, *found.left_out))
    mapped = mapped_kind(trained, kind)
    drawn = list(islice(_cases(trained, rows.sample(frac=1, random_state=seed), mapped), cases))
    if not drawn:
        raise UserError(f"none of the {len(rows)} cases has anything that this model reads")
    return check(drawn, patient_unit=trained.schema.patient_unit, seed=seed, method=method)


def unseen_rows(trained: Trained, data: DataConfig) -> pd.DataFrame:
    """The test cases of the fold on which a saved model was trained.

    Args:
        trained: a saved model.
        data: where the data set lies. Source and folds have to be those of the training, or its patients would be met.

    Raises:
        UserError: the model does not say on which fold it was trained, or cases or folds are others than then.
    """
    made = trained.record
    if "fold" not in made or "experiment" not in made:
        raise UserError("the model does not say on which fold it was trained, so which patients it has not seen")
    # Read as a config is, so that a model of before an option has its default.
    then, now = (section.model_dump(mode="json") for section in (DataConfig(**made["experiment"]["data"]), data))
    for key in ("source", "folds", "fold_seed", "fold_method", "conflicts"):
        if _name(then[key]) != _name(now[key]):
            raise UserError(f"data.{key} is {now[key]}, however the model was trained with {then[key]}")
    cases = skip_unreadable(data, load_cases(data))
    split = prepare_fold(data, cases, folds_of(data, cases), made["fold"]).split
    counts = [int((split.train["target"] == name).sum()) for name in trained.schema.classes]
    if counts != list(made["class_counts"]):
        raise UserError(
            f"fold {made['fold']} has other training cases than those of the model: by class {counts}, however it "
            f"learned from {list(made['class_counts'])}; cases or folds have changed"
        )
    return split.test


def evidence_of(found: Check) -> MapEvidence | None:
    """What a check found of the heat map that it measured; None of none, or on too few patients for an interval."""
    by_name = {measure.name: measure for measure in found.measures}
    measured = [by_name[name] for name in ("deletion", "insertion") if name in by_name]
    if len(measured) < 2 or any(np.isnan(one.low) for one in measured):
        return None
    deletion, insertion = (Estimate(value=one.value, low=one.low, high=one.high) for one in measured)
    return MapEvidence(
        deletion=deletion,
        insertion=insertion,
        cases=measured[0].n,
        patients=found.patients,
        patient_unit=found.patient_unit,
    )


def _name(value: Any) -> Any:
    """A path counts by its last part: folds may have been moved, not changed."""
    return Path(value).name if isinstance(value, str) else value


def mapped_kind(trained: Trained, kind: str | None = None) -> str | None:
    """The kind of photo whose maps are measured: the one asked for, or the first of which there are maps, if any.

    Raises:
        UserError: no map is given of the one asked for.
    """
    mapped = [name for name in trained.modalities if is_photo(name) and trained.encoders[name].grid is not None]
    if kind is not None and kind not in mapped:
        raise UserError(one_of("kind of photo with a heat map", kind, mapped))
    return kind or next(iter(mapped), None)


def _cases(trained: TrainedModel, rows: pd.DataFrame, mapped: str | None) -> Iterator[CheckedCase]:
    """Those of which anything is there that the model reads, with the photo whose map is measured, if they have one."""
    kinds = [kind for kind in trained.modalities if is_photo(kind)]
    photos_of_rows = photos_by_kind(rows, trained.schema)
    for row, by_kind in zip(rows.to_dict("records"), photos_of_rows, strict=True):
        history = history_of(row, trained.schema)
        presented = present(trained, {kind: by_kind.get(kind, []) for kind in kinds}, history.fields, history.text)
        answers = Answers(presented)
        question = answers.question(history)
        if not any(bool(flag.any()) for flag in answers.batch([question]).present.values()):
            continue
        case = CheckedCase(row["patient_id"], answers, history, int(answers.ask([question])[0].argmax()))
        if mapped is not None and by_kind[mapped]:
            first = presented.with_photos({**presented.photos, mapped: presented.photos[mapped][:1]})
            held = hold_presented(first, kind=mapped)
            case = case._replace(held=held, mask=_mask(row, by_kind[mapped][0], seen_part(first, mapped)))
        yield case


def _mask(row: Mapping[Any, Any], photo: str, seen: Box) -> Mask | None:
    """The lesion in the part of a photo that the model sees; None where the data set does not know it."""
    masks = row.get("masks")
    if not isinstance(masks, tuple) or not masks:
        return None
    with Image.open(masks[row["images"].index(photo)]) as mask:
        return np.asarray(mask.crop(in_pixels(seen, mask.size))) > 0

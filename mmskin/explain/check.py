"""Do the explanations of a model hold? In numbers, over cases that it has not learned from.

Every case is measured by itself, for the class that the model thinks most likely; then cases are put together, with
intervals from resampling patients. What is asked was fixed beforehand: see `AIMS`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib.util import find_spec
from typing import Any, Literal, NamedTuple, Self

import numpy as np
import pandas as pd
from torch import Tensor, nn

from mmskin.evaluation.intervals import draw_patients, interval
from mmskin.evaluation.metrics import Floats
from mmskin.explain.answers import Answers
from mmskin.explain.faithfulness import (
    Mask,
    Order,
    deletion_insertion,
    instability,
    points_at,
    randomised,
    rank_correlation,
    warmest_first,
)
from mmskin.explain.fields import field_values
from mmskin.explain.fixed_history import FixedHistory
from mmskin.explain.gradient import Grid
from mmskin.explain.integrated_gradients import bound
from mmskin.explain.photo_map import heat_of
from mmskin.explain.shares import part_shares
from mmskin.explain.words import word_values
from mmskin.features import is_photo, photo_title
from mmskin.json_values import plain
from mmskin.schema import History, PatientUnit

ORDERS, STEPS = 2, 10  # random orders of a photo, and scores along each
CHANGED = 0.5  # half way from the same map to one that has nothing to do with it
NOISE, STILL = 0.01, 0.1  # noise that nobody sees may move a map by a tenth of its size
FEW_FIELDS, PAIRS = 4, 2  # values of fields add up in whatever orders they are drawn, so few are
LEAST_PATIENTS = 5  # resamples of fewer say too little


class CheckedCase(NamedTuple):
    """A case, with the class that the model answers.

    held: None without a photo, or where the model gives no map of it. mask: of the lesion, in the part of the photo
    that the model sees; None where it is not known.
    """

    patient_id: str
    answers: Answers
    history: History
    code: int
    held: FixedHistory | None = None
    mask: Mask | None = None


class Aim(NamedTuple):
    """What a measure asks: that its mean over cases, or with `largest` the largest, lies on the better side of a limit.

    beside: values of the cases whose means help to read it, by what they are called.
    """

    title: str
    better: Literal["lower", "higher"]
    limit: float
    beside: Mapping[str, str] = {}
    largest: bool = False


AIMS = {
    "deletion": Aim(
        "Deletion: area under the answer as the warmest cells go, minus that of random orders",
        "lower",
        0.0,
        {"map": "deletion_map", "random orders": "deletion_random"},
    ),
    "insertion": Aim(
        "Insertion: the same as the warmest cells come",
        "higher",
        0.0,
        {"map": "insertion_map", "random orders": "insertion_random"},
    ),
    "pointing": Aim(
        "Pointing: share of maps that are warmest in the lesion, minus that of a guess at the centre",
        "higher",
        0.0,
        {"map": "hit", "centre": "hit_centre", "random point": "hit_random"},
    ),
    "forgotten_answer": Aim("Random weights in fusion and head: rank correlation with the map", "lower", CHANGED),
    "forgotten": Aim("Random weights in all layers that lead from the photo: the same", "lower", CHANGED),
    "noise": Aim(f"Noise of {NOISE:g} of the photo's spread: change of the map over its size", "lower", STILL),
    "words": Aim("Words: how far off adding up, of what is allowed; the largest", "lower", 1.0, largest=True),
    "fields": Aim("Fields: the same", "lower", 1.0, largest=True),
    "parts": Aim("Photo, words and fields: the same", "lower", 1.0, largest=True),
}


class Measure(NamedTuple):
    """One number about the explanations of many cases.

    low, high: 95 % interval from resampling patients; NaN for a largest value, and for fewer than five patients.
    holds: whether the whole interval, or the largest value, lies on the better side; None if that cannot be told.
    n: cases for which it is defined; a map of zeros is warm nowhere.
    """

    name: str
    title: str
    value: float
    low: float
    high: float
    beside: Mapping[str, float]
    asked: str
    holds: bool | None
    n: int


class Check(NamedTuple):
    """measures: in the order of `AIMS`. left_out: what could not be measured, and why, a line each."""

    measures: tuple[Measure, ...]
    left_out: tuple[str, ...]
    cases: int
    patients: int
    patient_unit: PatientUnit = "patient"

    def to_json(self) -> dict[str, Any]:
        """Plain values, None where a number is not defined."""
        content: dict[str, Any] = plain(self._asdict() | {"measures": [measure._asdict() for measure in self.measures]})
        return content

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Self:
        rows: list[dict[str, Any]] = content["measures"]
        undefined = [{key: float("nan") for key in ("value", "low", "high") if row[key] is None} for row in rows]
        measures = [Measure(**{**row, **nan}) for row, nan in zip(rows, undefined, strict=True)]
        return cls(
            tuple(measures), tuple(content["left_out"]), content["cases"], content["patients"], content["patient_unit"]
        )


def check(
    cases: Sequence[CheckedCase], *, patient_unit: PatientUnit = "patient", seed: int = 0, method: str = "grad_cam"
) -> Check:
    """Measure explanations.

    Args:
        cases: one or more, of patients that the model has not learned from. The model is put back as it was.
        patient_unit: what a patient id stands for.
        seed: of random orders, weights and noise.
        method: of the heat map.
    """
    values = pd.DataFrame([values_of(case, seed=seed + place, method=method) for place, case in enumerate(cases)])
    patients = pd.Series([case.patient_id for case in cases])
    measures = [summarised(name, aim, values, patients) for name, aim in AIMS.items() if name in values]
    left_out = _left_out({str(name) for name in values}, cases)
    return Check(tuple(measures), tuple(left_out), len(cases), patients.nunique(), patient_unit)


def summarised(name: str, aim: Aim, values: pd.DataFrame, patients: pd.Series) -> Measure:
    """One column of values over the cases for which it is defined."""
    rows = values[name].notna()
    column = values.loc[rows, name].to_numpy(dtype=np.float64)
    if aim.largest:
        value, low, high = float(column.max(initial=0.0)), float("nan"), float("nan")
        holds: bool | None = value <= aim.limit
    else:
        value, low, high = mean_with_interval(column, patients[rows])
        holds = _beyond(low, high, aim)
    beside = {told: float(values.loc[rows, key].mean()) for told, key in aim.beside.items()}
    asked = f"{'below' if aim.better == 'lower' else 'above'} {aim.limit:g}"
    return Measure(name, aim.title, value, low, high, beside, asked, holds, int(rows.sum()))


def mean_with_interval(values: Floats, patients: pd.Series) -> tuple[float, float, float]:
    """Mean, and the percentile interval of 95 % from resampling patients; NaN where there is none."""
    nan = float("nan")
    if not len(values):
        return nan, nan, nan
    if patients.nunique() < LEAST_PATIENTS:
        return float(values.mean()), nan, nan
    weights = draw_patients(patients).weights(patients)
    means = weights @ values / weights.sum(axis=1)
    return float(means[0]), *interval(means)


def _beyond(low: float, high: float, aim: Aim) -> bool | None:
    if high < aim.limit:
        return aim.better == "lower"
    if low > aim.limit:
        return aim.better == "higher"
    return None


# --- one case -----------------------------------------------------------------------------------------------


def values_of(case: CheckedCase, *, seed: int, method: str = "grad_cam") -> dict[str, float]:
    """What can be measured of one case, by the names of `AIMS` and those beside them."""
    found = adding_up(case)
    if case.held is not None:
        found |= on_photo(case, case.held, seed=seed, method=method)
    return found


def adding_up(case: CheckedCase) -> dict[str, float]:
    """How far words, fields and parts are off adding up to the model's own answer, over `bound`."""
    answers, history, code = case.answers, case.history, case.code
    score = float(answers([history])[0, code])
    parts = part_shares(answers, history, code)
    found = {"parts": _off(parts.points.values(), score, parts.baseline_score)}
    fields = field_values(answers, history, code, exact_up_to=FEW_FIELDS, pairs=PAIRS)
    if fields is not None:
        found["fields"] = _off([field.points for field in fields.fields], score, fields.baseline_score)
    words = word_values(answers, history, code) if find_spec("captum") else None
    if words is not None and np.isfinite(words.completeness_error):
        found["words"] = _off(words.values, score, words.baseline_score)
    return found


def _off(values: Iterable[float], score: float, baseline_score: float) -> float:
    return abs(sum(values) - (score - baseline_score)) / bound(score - baseline_score)


def on_photo(case: CheckedCase, held: FixedHistory, *, seed: int, method: str) -> dict[str, float]:
    """What the heat map of a photo is worth. One that is all zero has no order and points nowhere."""
    heat = heat_of(held, case.code, method=method)
    model = held.model
    answering = [part for part in (model.fusion, model.head, model.correction) if part is not None]
    photo = [part for part in (model.encoders[held.kind], model.photo_pooling) if part is not None]

    def when_forgotten(modules: Sequence[nn.Module]) -> float:
        with randomised(*modules, seed=seed):
            return rank_correlation(heat, heat_of(held.at(held.pixels), case.code, method=method))

    found = {
        "forgotten_answer": when_forgotten(answering),
        "forgotten": when_forgotten([*photo, *answering]),
        "noise": instability(
            lambda pixels: heat_of(held.at(pixels), case.code, method=method),
            held.pixels,
            noise=NOISE,
            draws=2,
            seed=seed,
        ),
    }
    if not heat.any():
        return found
    found |= curves(case, held, warmest_first(heat), grid=(heat.shape[0], heat.shape[1]), seed=seed)
    if case.mask is not None:
        hit, centre = points_at(heat, case.mask), bool(case.mask[case.mask.shape[0] // 2, case.mask.shape[1] // 2])
        found |= {"pointing": float(hit) - centre, "hit": float(hit), "hit_centre": float(centre)}
        found["hit_random"] = float(case.mask.mean())
    return found


def curves(case: CheckedCase, held: FixedHistory, order: Order, *, grid: Grid, seed: int) -> dict[str, float]:
    """Areas of the map's own order, the mean of random orders of the same photo, and the difference."""

    def answer(photos: Tensor) -> Tensor:
        return case.answers.trained.models[0].calibrated(held.logits_of_pixels(photos))[:, case.code]

    rng = np.random.default_rng(seed)
    orders = [order, *(rng.permutation(len(order)) for _ in range(ORDERS))]
    areas = [deletion_insertion(answer, held.pixels, one, grid=grid, steps=STEPS) for one in orders]
    found: dict[str, float] = {}
    for name in ("deletion", "insertion"):
        own, *others = (float(getattr(area, name)) for area in areas)
        random = float(np.mean(others))
        found |= {name: own - random, f"{name}_map": own, f"{name}_random": random}
    return found


def _other_kinds(cases: Sequence[CheckedCase]) -> Iterator[str]:
    """The kinds of photo that the model reads beside the one whose maps were measured."""
    kind = next(case.held.kind for case in cases if case.held is not None)
    for other in cases[0].answers.trained.modalities:
        if is_photo(other) and other != kind:
            yield f"heat maps of the {photo_title(other)}: those of the {photo_title(kind)} were"


def _left_out(measured: set[str], cases: Sequence[CheckedCase]) -> Iterator[str]:
    reads = cases[0].answers.trained.modalities
    if "forgotten" not in measured:
        lacking = "no case has a photo of which it gives a map" if any(map(is_photo, reads)) else "the model reads none"
        yield f"heat maps of photos: {lacking}"
    else:
        yield from _other_kinds(cases)
        if "pointing" not in measured:
            yield "the pointing game: the data set has no masks of lesions"
    if "words" not in measured:
        why = "the model reads no note"
        if "text" in reads:
            why = "no case has a note whose values claim to add up"
            why = why if find_spec("captum") else 'integrated gradients need captum: pip install "mmskin[explain]"'
        yield f"words: {why}"
    if "fields" not in measured:
        yield "fields: " + ("the model reads none" if all(map(is_photo, reads)) else "no case has any recorded")

"""Whether new patients are like those whom a model was made with: what it remembers against what comes in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from mmskin.data.table import Cases
from mmskin.errors import ConfigError, ModelError, one_of
from mmskin.evaluation.differences import holm
from mmskin.evaluation.metrics import Floats, Ints
from mmskin.evaluation.two_samples import counts_differ, means_differ, moments_of
from mmskin.features import is_photo
from mmskin.report.numbers import percent
from mmskin.schema import UNKNOWN
from mmskin.trained.ensemble import Ensemble, Trained
from mmskin.trained.photo_sketch import sketched
from mmskin.trained.reference import (
    NOT_RECORDED,
    Counts,
    Reference,
    answers_of,
    field_counts,
    one_case_a_patient,
    part_counts,
    photo_vectors,
    reference_of,
)

LEAST = 30  # patients; below it shares have intervals of 36 points and more, and no test says anything
LEVEL = 0.05
PERIODS = {"month": "M", "quarter": "Q", "year": "Y"}
PHOTOS, ANSWERS, CONFIDENCE, RECORDED, VALUES = "photos", "predicted classes", "confidence", "recorded", "values"


class Drift(NamedTuple):
    """What differs.

    tests: a row a comparison: what ("values", "recorded", "photos", "predicted classes", "confidence"), name (of the
        field or photo kind, "" for answers), p, p_adjusted (Holm, over all rows), before and now (in words), n (new
        patients that it rests on).
    patients: new ones, each with one case. reference: what the model remembers.
    periods: a row a period: period, patients, p_adjusted (the smallest of its tests), what (of that test),
        not_recorded (mean share over fields), confidence (mean); empty without dates.
    remarks: what could not be compared.
    """

    tests: pd.DataFrame
    patients: int
    reference: Reference
    periods: pd.DataFrame
    remarks: tuple[str, ...] = ()

    @property
    def is_enough(self) -> bool:
        return self.patients >= LEAST

    @property
    def found(self) -> pd.DataFrame:
        """The tests that tell the new patients from those of before, the clearest first."""
        rows = self.tests[self.tests["p_adjusted"] < LEVEL] if self.is_enough else self.tests.iloc[:0]
        return rows.sort_values("p_adjusted", kind="stable")


def find_drift(trained: Trained, cases: Cases, *, dates: Sequence[Any] | None = None, every: str = "month") -> Drift:
    """Compare new cases with what a model remembers; of several models together with the first one.

    Args:
        trained: the model.
        cases: new ones, as the model reads them; labels are not read.
        dates: of every case, for a table over time; NaT where it is not known.
        every: "month", "quarter" or "year".

    Raises:
        ModelError: the model remembers nothing.
        ConfigError: no such period.
    """
    if every not in PERIODS:
        raise ConfigError(one_of("period", every, PERIODS))
    model = _first(trained)
    reference = reference_of(model)
    if reference is None:
        raise ModelError(
            "this model was saved before models kept what their patients were like: train it again to measure drift"
        )
    dated = cases.table if dates is None else cases.table.assign(_period=_periods(dates, every))
    rows = one_case_a_patient(dated)
    seen = NewPatients(model, rows)
    tests = compared(seen.some(np.arange(len(rows))), reference)
    remarks = [] if trained is model else ["measured with the first of the models: each remembers patients of its own"]
    unread = [kind for kind in model.modalities if is_photo(kind) and kind not in reference.photos]
    remarks += [f"photos ({kind}) are not compared: the model remembers none" for kind in unread]
    periods = [] if dates is None else [_period(name, seen.some(of), reference) for name, of in _by_period(rows)]
    return Drift(tests, len(rows), reference, pd.DataFrame(periods), tuple(remarks))


def _first(trained: Trained) -> Trained:
    """The model itself if it remembers, else its first member."""
    if reference_of(trained) is None and isinstance(trained, Ensemble):
        return _first(trained.members[0])
    return trained


def _periods(dates: Sequence[Any], every: str) -> pd.Series[Any]:
    return pd.Series(pd.to_datetime(pd.Series(list(dates)))).dt.to_period(PERIODS[every]).astype(object)


def _by_period(rows: pd.DataFrame) -> list[tuple[str, Ints]]:
    known = rows["_period"].dropna()
    return [(str(period), np.flatnonzero(rows["_period"] == period)) for period in sorted(set(known))]


class Patients(NamedTuple):
    """Some of the new patients: their rows, answers (N, C), and sketches of their photos by kind."""

    model: Trained
    rows: pd.DataFrame
    probs: Floats
    photos: dict[str, Floats]


class NewPatients:
    """New patients, a row each, read and answered once, so that several sets of them can be compared."""

    def __init__(self, model: Trained, rows: pd.DataFrame) -> None:
        reference = reference_of(model)
        assert reference is not None
        self.model, self.rows = model, rows
        self.probs = model.probabilities(rows)
        vectors = photo_vectors(model, rows)
        self.photos: dict[str, Floats] = {}
        for kind, kept in reference.photos.items():
            features = np.full((len(rows), len(kept.mean)), np.nan)
            holds = np.array([kind in of for of in rows["image_kinds"]], dtype=bool)
            features[holds] = sketched(vectors[kind], bandwidth=kept.bandwidth)
            self.photos[kind] = features

    def some(self, chosen: Ints) -> Patients:
        """Those at these rows."""
        photos = {kind: of[chosen] for kind, of in self.photos.items()}
        present = {kind: of[~np.isnan(of).any(axis=1)] for kind, of in photos.items()}
        return Patients(self.model, self.rows.iloc[chosen].reset_index(drop=True), self.probs[chosen], present)


def compared(part: Patients, reference: Reference) -> pd.DataFrame:
    """Every comparison that there is, with p corrected for their number."""
    lines: list[dict[str, Any]] = []
    schema = part.model.schema

    def compare(what: str, name: str, before: Counts, now: Counts, words: Callable[[Counts], str]) -> None:
        left, right = before.in_line_with(now)
        p = counts_differ(left, right)
        lines.append(
            {"what": what, "name": name, "p": p, "before": words(before), "now": words(now), "n": int(right.sum())}
        )

    counted = field_counts(part.rows, schema, with_text="text" in part.model.modalities, like=reference.fields)
    counted_parts = part_counts(part.rows, list(reference.parts))
    for name, now in (counted | counted_parts).items():
        before = (reference.fields | reference.parts)[name]
        compare(RECORDED, name, before.recorded(), now.recorded(), _share_recorded)
        if name in schema.field_names:
            compare(VALUES, name, before.without(NOT_RECORDED, UNKNOWN), now.without(NOT_RECORDED, UNKNOWN), _middle)
    for kind, features in part.photos.items():
        kept = reference.photos[kind]
        p = means_differ(kept.moments(), moments_of(features)) if len(features) > 1 else float("nan")
        words = {"before": f"{kept.patients} photos", "now": f"{len(features)} photos"}
        lines.append({"what": PHOTOS, "name": kind, "p": p, **words, "n": len(features)})
    probs = part.probs[~np.isnan(part.probs).any(axis=1)]
    answers = answers_of(probs, schema, like=reference.answers)
    compare(ANSWERS, "", reference.answers.predicted, answers.predicted, _middle)
    compare(CONFIDENCE, "", reference.answers.confidence, answers.confidence, _middle)
    tests = pd.DataFrame(lines, columns=["what", "name", "p", "before", "now", "n"])
    return tests.assign(p_adjusted=_adjusted(tests["p"].to_numpy(dtype=np.float64)))


def _adjusted(p: Floats) -> Floats:
    """Holm's, over the tests that could be made."""
    adjusted = np.full(len(p), np.nan)
    made = np.isfinite(p)
    adjusted[made] = holm(p[made].tolist())
    return adjusted


def _share_recorded(counts: Counts) -> str:
    total = sum(counts.counts)
    return f"{percent(counts.counts[0] / total)} recorded" if total else "none"


def _middle(counts: Counts) -> str:
    """The commonest value with its share; of a number the bin of the median."""
    total = sum(counts.counts)
    if not total:
        return "none"
    if counts.edges:
        reached = np.cumsum(counts.counts) >= total / 2
        return f"median {counts.labels[int(reached.argmax())]}"
    commonest = int(np.argmax(counts.counts))
    return f"{percent(counts.counts[commonest] / total)} {counts.labels[commonest]}"


def _period(name: str, part: Patients, reference: Reference) -> dict[str, Any]:
    confidence = part.probs[~np.isnan(part.probs).any(axis=1)].max(axis=1)
    fields = list(part.model.schema.field_names)
    line: dict[str, Any] = {
        "period": name,
        "patients": len(part.rows),
        "not_recorded": float(part.rows[fields].isna().to_numpy().mean()) if fields else float("nan"),
        "confidence": float(confidence.mean()) if len(confidence) else float("nan"),
        "p_adjusted": float("nan"),
        "what": "too few to say",
    }
    if len(part.rows) < LEAST:
        return line
    tests = compared(part, reference).sort_values("p_adjusted", kind="stable")
    first = tests.iloc[0]
    return line | {"p_adjusted": float(first["p_adjusted"]), "what": f"{first['what']} {first['name']}".strip()}

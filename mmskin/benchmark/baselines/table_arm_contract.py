"""What every table arm promises, and what it is given."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from mmskin.data.table import histories
from mmskin.encoders.metadata_fields import NOT_RECORDED, PrepareFields
from mmskin.errors import one_of
from mmskin.evaluation.metrics import Floats, Ints, log_probs
from mmskin.schema import Schema
from mmskin.trained.calibration import at_temperature, fit_temperature, log_of
from mmskin.trained.trained_model import Predict

Fit = Callable[[pd.DataFrame, pd.DataFrame], Predict]
"""Training rows, validation rows → predictions for any rows; nothing but these two is fitted to."""
FIELDS = "fields"
CORRUPTED = ":corrupted photos"
"""A column of rows whose photos have a fault, the same `Corruption` in all of them; named as no field would be."""


class Facts(NamedTuple):
    """What a table arm is built from; its own options follow as keywords.

    schema: the classes, and the fields that it may see.
    embed: (modality, rows) → (N, D) of its frozen encoder, plain view; NaN where the modality is absent.
    answers: (arm, rows) → the predictions of that arm on the same fold with the same seed, among them these rows; of an
        arm that asks for all seeds, those of all of them, one below the other. Of rows with a column `CORRUPTED` both
        are of photos with that fault, so an arm hands its rows on as they are.
    seed: of what an arm draws.
    """

    schema: Schema
    embed: Callable[[str, pd.DataFrame], Floats]
    answers: Callable[[str, pd.DataFrame], pd.DataFrame]
    seed: int = 0


def choose_parts(on: str | Sequence[str], schema: Schema) -> tuple[str, ...]:
    """The option `on` as a tuple: fields, text, kinds of photo that the data set has.

    Raises:
        ValueError: none is named, or one that does not exist.
    """
    parts, choices = (on,) if isinstance(on, str) else tuple(on), (FIELDS, *schema.photos, "text")
    for part in parts:
        if part not in choices:
            raise ValueError(one_of("on", part, choices))
    if not parts:
        raise ValueError(f"on must name one or more of {', '.join(choices)}")
    return parts


def targets(rows: pd.DataFrame, schema: Schema) -> Ints:
    """(N,) class codes in the order of the schema."""
    return pd.Index(schema.classes).get_indexer(pd.Index(rows.target)).astype(np.int64)


def field_columns(rows: pd.DataFrame, schema: Schema) -> tuple[Floats, list[bool]]:
    """(N, F) numbers as recorded and codes of choices, NaN where not recorded; and which columns are codes."""
    prepare = PrepareFields(schema.fields)
    prepared = [prepare(history) for history in histories(rows, schema)]
    codes = np.array([inputs["codes"].numpy() for inputs in prepared], dtype=np.float64)
    values = np.array([inputs["values"].numpy() for inputs in prepared], dtype=np.float64)
    is_code = [not field.is_number for field in schema.fields]
    columns = np.where(is_code, codes - 1, values)
    return np.where(codes == NOT_RECORDED, np.nan, columns), is_code


def balanced_log_loss(probabilities: Floats, codes: Ints) -> float:
    """Mean over the classes that occur of the mean of -log p in the class: every class counts alike."""
    lost = -log_probs(probabilities)[np.arange(len(codes)), codes]
    return float(np.mean([lost[codes == code].mean() for code in np.unique(codes)]))


def all_classes(probabilities: Floats, known: Sequence[int], size: int) -> Floats:
    """(N, size) from the columns of the classes that were seen in fitting; 0 for the others."""
    whole = np.zeros((len(probabilities), size))
    whole[:, list(known)] = probabilities
    return whole


def calibrated(predict: Predict, val: pd.DataFrame, schema: Schema) -> Predict:
    """The same answers at the temperature of the validation rows, as neural arms have it."""
    temperature = fit_temperature(log_of(predict(val)), targets(val, schema))
    return lambda rows: at_temperature(log_of(predict(rows)), temperature)

"""The form of one case, made from what the model's schema declares."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import gradio as gr
import words as w

from mmskin.schema import UNKNOWN, Field, FieldValue

DAYS = {"days": 1.0, "weeks": 7.0, "months": 365.25 / 12, "years": 365.25}
UNITS = [(w.DAYS, "days"), (w.WEEKS, "weeks"), (w.MONTHS, "months"), (w.YEARS, "years")]
START_UNIT = "months"


def make_widgets(field: Field) -> list[Any]:
    """The widgets of one field: a number (with its unit, for a duration) or a choice that starts at "not recorded".

    Limits are not given to the number: the schema's own refusal names the field and its range.
    """
    if field.kind == "duration":
        with gr.Row(elem_classes="duration"):
            return [
                gr.Number(label=field.title, value=None, placeholder=w.NOT_RECORDED, min_width=110),
                gr.Dropdown(UNITS, value=START_UNIT, label=w.UNIT_OF.format(title=field.title), min_width=110),
            ]
    if field.is_number:
        unit = f" ({field.unit})" if field.unit else ""
        return [gr.Number(label=field.title + unit, value=None, placeholder=w.NOT_RECORDED, min_width=110)]
    if field.kind == "yes_no":
        choices = [(w.NOT_ASKED, ""), (w.YES, "yes"), (w.NO, "no"), (w.UNKNOWN, UNKNOWN)]
        return [gr.Radio(choices, value="", label=field.title, elem_classes="yes-no")]
    choices = [(w.NOT_RECORDED, ""), *((name.replace("_", " "), name) for name in field.choices), (w.UNKNOWN, UNKNOWN)]
    return [gr.Dropdown(choices, value="", label=field.title)]


def read_widgets(fields: Sequence[Field], values: Sequence[Any]) -> dict[str, Any]:
    """Field values by name, as `Schema.parse_history` takes them, from the values of all widgets in order."""
    rest = iter(values)
    metadata: dict[str, Any] = {}
    for field in fields:
        value = next(rest)
        if field.kind == "duration":
            days = DAYS[next(rest)]
            value = None if value is None else value * days
        metadata[field.name] = value
    return metadata


def fill_widgets(fields: Sequence[Field], values: Mapping[str, FieldValue]) -> list[Any]:
    """Values of all widgets in order that show these field values; the inverse of `read_widgets`."""
    filled: list[Any] = []
    for field in fields:
        value = values.get(field.name)
        if field.kind == "duration":
            unit = START_UNIT if value is None else _unit(float(value))
            filled += [None if value is None else round(float(value) / DAYS[unit], 1), unit]
        else:
            filled.append(value if field.is_number else value or "")
    return filled


def _unit(days: float) -> str:
    """The largest unit of which there are two or more."""
    return next((unit for unit in reversed(DAYS) if days >= 2 * DAYS[unit]), "days")

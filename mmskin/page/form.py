"""The form of one case, made from what the model's schema declares."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import gradio as gr

from mmskin.page.spoken import w
from mmskin.quantities import DAYS
from mmskin.schema import UNKNOWN, Field, FieldValue

UNITS = [(w.DAYS, "days"), (w.WEEKS, "weeks"), (w.MONTHS, "months"), (w.YEARS, "years")]
START_UNIT = "months"
NUMBER = "number"  # class of the inputs for which a phone shows digits


def make_widgets(field: Field) -> list[Any]:
    """The widgets of one field: a number (with its unit, for a duration) or a choice that starts at "not recorded".

    Numbers are typed as text: gradio's number shows 0 where nothing was given, and the schema's own refusal names the
    field and its range.
    """
    if field.kind == "duration":
        with gr.Row(elem_classes="duration"):
            return [
                _number(field.title),
                gr.Dropdown(UNITS, value=_start_unit(field), label=w.UNIT_OF.format(title=field.title), min_width=110),
            ]
    if field.is_number:
        unit = f" ({field.unit})" if field.unit else ""
        return [_number(field.title + unit)]
    if field.kind == "yes_no":
        choices = [(w.NOT_ASKED, ""), (w.YES, "yes"), (w.NO, "no"), (w.UNKNOWN, UNKNOWN)]
        return [gr.Radio(choices, value="", label=field.title, elem_classes="yes-no")]
    choices = [(w.NOT_RECORDED, ""), *((name.replace("_", " "), name) for name in field.choices), (w.UNKNOWN, UNKNOWN)]
    return [gr.Dropdown(choices, value="", label=field.title)]


def read_widgets(fields: Sequence[Field], values: Sequence[Any]) -> dict[str, Any]:
    """Field values by name, as `Schema.parse_history` takes them, from the values of all widgets in order.

    A duration is the number with the unit that was chosen; words with a unit of their own, "half a year", stay as they
    are.
    """
    rest = iter(values)
    metadata: dict[str, Any] = {}
    for field in fields:
        value = next(rest)
        if field.kind == "duration":
            value = _with_unit(value, next(rest))
        metadata[field.name] = value
    return metadata


def fill_widgets(fields: Sequence[Field], values: Mapping[str, FieldValue]) -> list[Any]:
    """Values of all widgets in order that show these field values; the inverse of `read_widgets`."""
    filled: list[Any] = []
    for field in fields:
        value = values.get(field.name)
        if field.kind == "duration":
            unit = _start_unit(field) if value is None else _unit(float(value))
            filled += ["" if value is None else f"{float(value) / DAYS[unit]:.3g}", unit]
        elif field.is_number:
            filled.append("" if value is None else f"{value:g}")
        else:
            filled.append(value or "")
    return filled


def _number(label: str) -> gr.Textbox:
    off = gr.InputHTMLAttributes(autocomplete="off", spellcheck=False)
    return gr.Textbox(
        label=label, placeholder=w.NOT_RECORDED, min_width=110, html_attributes=off, elem_classes=NUMBER, max_lines=1
    )


def _with_unit(value: object, unit: object) -> str:
    text = str(value or "").strip()
    return f"{text} {unit}" if text[-1:].isdigit() else text


def _start_unit(field: Field) -> str:
    """That in which the model's own table was written, where it says one."""
    return field.unit or START_UNIT


def _unit(days: float) -> str:
    """The largest unit of which there are about two or more."""
    return next((unit for unit in reversed(DAYS) if days >= 1.9 * DAYS[unit]), "days")

"""The form of one case's history, made from what the model's schema declares.

It is one component of the page, whose value is an object by field: what was typed or chosen as text, of a duration a
list of number and unit. "" is not recorded.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import gradio as gr

from mmskin.page.answer import HERE
from mmskin.page.body_figure import Drawing, drawings, site_field
from mmskin.page.spoken import w
from mmskin.quantities import DAYS
from mmskin.report.pages import render
from mmskin.schema import UNKNOWN, Field, FieldValue

START_UNIT = "months"
FIRST = 5  # questions that are asked openly; the others are folded

Widgets = dict[str, str | list[str]]
"""What the form holds, by field."""


class Questions(NamedTuple):
    """Questions that stand together: chips are those of yes or no, boxes all others."""

    boxes: tuple[Field, ...]
    chips: tuple[Field, ...]


class Site(NamedTuple):
    """name: of the field that tells the site. choices: by region of the drawings."""

    name: str
    choices: Mapping[str, str]
    drawings: Sequence[Drawing]


def make_form(fields: Sequence[Field], order: Sequence[str] = ()) -> gr.HTML:
    """The form, with nothing recorded.

    Args:
        fields: that are asked for.
        order: names of fields, those first that should be asked first; fields that it lacks come last.
    """
    return gr.HTML(
        fill_widgets(fields, {}),
        html_template="${markup}",
        markup=form_html(fields, order),
        js_on_load=script("history"),
        apply_default_css=False,
        elem_id="history",
    )


def form_html(fields: Sequence[Field], order: Sequence[str] = ()) -> str:
    """HTML of the form: the first questions, and the others folded."""
    place = {name: number for number, name in enumerate(order)}
    ordered = sorted(fields, key=lambda field: place.get(field.name, len(place)))
    found = site_field(fields)
    site = found and Site(found[0].name, found[1], drawings(found[1]))
    return render(
        HERE / "templates" / "history.html.jinja",
        w=w,
        first=_questions(ordered[:FIRST]),
        folded=_questions(ordered[FIRST:]),
        number_folded=len(ordered[FIRST:]),
        site=site,
        units=[(w.DAYS, "days"), (w.WEEKS, "weeks"), (w.MONTHS, "months"), (w.YEARS, "years")],
        start_unit=_start_unit,
        unknown=UNKNOWN,
        states={"": w.NOT_ASKED, "yes": w.YES, "no": w.NO, UNKNOWN: w.UNKNOWN},
    )


def script(name: str) -> str:
    """JavaScript of a part of the page."""
    return (HERE / "scripts" / f"{name}.js").read_text(encoding="utf-8")


def read_widgets(fields: Sequence[Field], values: object) -> dict[str, Any]:
    """Field values by name, as `Schema.parse_history` takes them, from what the form holds.

    A duration is the number with the unit that was chosen; words with a unit of their own, "half a year", stay as they
    are. What is no field is not read.
    """
    given: Mapping[str, Any] = values if isinstance(values, Mapping) else {}
    metadata: dict[str, Any] = {}
    for field in fields:
        value = given.get(field.name, "")
        if field.kind == "duration" and isinstance(value, list) and len(value) == 2:
            value = _with_unit(*value)
        metadata[field.name] = value
    return metadata


def fill_widgets(fields: Sequence[Field], values: Mapping[str, FieldValue]) -> Widgets:
    """What the form holds to show these field values; the inverse of `read_widgets`."""
    filled: Widgets = {}
    for field in fields:
        value = values.get(field.name)
        if field.kind == "duration":
            unit = _start_unit(field) if value is None else _unit(float(value))
            filled[field.name] = ["" if value is None else f"{float(value) / DAYS[unit]:.3g}", unit]
        elif field.is_number:
            filled[field.name] = "" if value is None else f"{value:g}"
        else:
            filled[field.name] = str(value or "")
    return filled


def _questions(fields: Sequence[Field]) -> Questions:
    is_chip = [field.kind == "yes_no" for field in fields]
    boxes, chips = ([f for f, chip in zip(fields, is_chip, strict=True) if chip == which] for which in (False, True))
    return Questions(tuple(boxes), tuple(chips))


def _with_unit(value: object, unit: object) -> str:
    text = str(value or "").strip()
    return f"{text} {unit}" if text[-1:].isdigit() else text


def _start_unit(field: Field) -> str:
    """That in which the model's own table was written, where it says one."""
    return field.unit or START_UNIT


def _unit(days: float) -> str:
    """The largest unit of which there are about two or more."""
    return next((unit for unit in reversed(DAYS) if days >= 1.9 * DAYS[unit]), "days")

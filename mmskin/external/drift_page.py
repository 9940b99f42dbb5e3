"""What drift was found, as a page with its numbers beside it and as lines to print."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from mmskin.external.drift import ANSWERS, CONFIDENCE, LEAST, LEVEL, PHOTOS, RECORDED, VALUES, Drift
from mmskin.json_values import plain, records
from mmskin.reminder import NOT_A_DIAGNOSIS
from mmskin.report.drift_figure import drift_over_time
from mmskin.report.numbers import NOTHING, count, p_cell, percent
from mmskin.report.pages import Grid, Section, environment, made_section, report_page, write_page
from mmskin.report.pictures import Picture
from mmskin.schema import Schema

TITLE = "Are the new patients like those before?"
NOTE = (
    "Every patient counts once. Fields and answers are compared by chi-square, photos by the mean of 64 random Fourier "
    "features of the image encoder's vectors (Hotelling's T²), which sees any difference that is large enough. p is "
    f"corrected for the number of comparisons (Holm); below {LEVEL:g} a difference is taken for real. A real one "
    "may be harmless, and one that is not found may be there: with labels, mmskin evaluate MODEL --data says "
    "what a model is worth on these patients."
)
WHAT = {
    RECORDED: "is recorded for other shares of the patients",
    VALUES: "has other values",
    PHOTOS: "photos look different to the model",
    ANSWERS: "the model predicts other classes",
    CONFIDENCE: "the model is more or less sure than it was",
}


def sentences(drift: Drift, schema: Schema) -> list[str]:
    """The answer first, then each difference that was found."""
    sizes = f"{count(drift.patients)} new patients against {count(drift.reference.patients)} of before"
    if not drift.is_enough:
        return [f"Too few to say: {count(drift.patients)} new patients, and {LEAST} are needed."]
    if drift.found.empty:
        return [f"No difference was found ({sizes}). A small one may be there all the same."]
    lines = [f"{len(drift.found)} of {len(drift.tests)} comparisons differ ({sizes})."]
    return [*lines, *(_sentence(row, schema) for row in drift.found.to_dict("records"))]


def _sentence(row: dict[Any, Any], schema: Schema) -> str:
    name = f"{_title(str(row['name']), schema)} " if row["name"] else ""
    words = "" if row["what"] == PHOTOS else f" ({row['before']} before, {row['now']} now)"
    said = f"{name}{WHAT[row['what']]}"
    p = p_cell(row["p_adjusted"])
    return f"{said[0].upper()}{said[1:]}{words}, p {p if p.startswith('<') else f'= {p}'}."


def _title(name: str, schema: Schema) -> str:
    return schema.field(name).title if name in schema.field_names else name


def write_drift(drift: Drift, output: Path, *, schema: Schema, about: dict[str, Any], command: str = "") -> Path:
    """Write drift.html and drift.json; the folder is made. Returns the page's path.

    Args:
        drift: what was found.
        output: folder of both.
        schema: of the model.
        about: which model and which cases: plain values.
        command: that was typed.
    """
    made = environment(command)
    sections = [Section("Every comparison", NOTE, grids=[_grid(drift.tests, schema)])]
    if len(drift.periods):
        sections.append(_over_time(drift.periods))
    if drift.remarks:
        sections.append(Section("Remarks", items=[f"{remark[0].upper()}{remark[1:]}." for remark in drift.remarks]))
    sections.append(made_section({**{key: str(value) for key, value in about.items()}, **made}))
    page = report_page(TITLE, sections, headline=sentences(drift, schema), warnings=[NOT_A_DIAGNOSIS])
    return write_page(output / "drift.html", page, {**about, **to_json(drift, schema), "environment": made})


def to_json(drift: Drift, schema: Schema) -> dict[str, Any]:
    """All numbers as plain values."""
    return {
        "summary": sentences(drift, schema),
        "enough": drift.is_enough,
        "patients": drift.patients,
        "patients_before": drift.reference.patients,
        "found": len(drift.found),
        "tests": plain(records(drift.tests)),
        "periods": plain(records(drift.periods)),
        "remarks": list(drift.remarks),
    }


def _grid(tests: pd.DataFrame, schema: Schema) -> Grid:
    rows = [
        [_title(row["name"], schema) or "answers", row["what"], row["before"], row["now"], p_cell(row["p"]),
         p_cell(row["p_adjusted"]), count(row["n"])]
        for row in tests.sort_values("p", kind="stable").to_dict("records")
    ]  # fmt: skip
    return Grid("", ["Of", "Compared", "Before", "Now", "p", "p corrected", "n new"], rows)


def _over_time(periods: pd.DataFrame) -> Section:
    rows = [
        [row["period"], count(row["patients"]), _share(row["confidence"]), _share(row["not_recorded"]),
         p_cell(row["p_adjusted"]), row["what"]]
        for row in periods.to_dict("records")
    ]  # fmt: skip
    head = ["Period", "Patients", "Mean confidence", "Fields not recorded", "Smallest p, corrected", "Of"]
    picture = Picture("Over time", drift_over_time(periods, level=LEVEL), f"Dashed: p = {LEVEL:g}.")
    note = "Each period against the patients of before; p is corrected within a period, not for the number of periods."
    return Section("Over time", note, pictures=[picture], grids=[Grid("", head, rows)])


def _share(value: float) -> str:
    return NOTHING if value != value else percent(value, digits=1)

"""A check of explanations as text: a section for any page, a page of its own with check.json, lines to print."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmskin.explain.check import Check, Measure
from mmskin.reminder import NOT_A_DIAGNOSIS
from mmskin.report.numbers import NOTHING, count, number, rough, with_interval
from mmskin.report.pages import Grid, Section, environment, made_section, report_page, write_page
from mmskin.schema import counted_patients

TITLE = "Do the explanations hold"
NOTE = (
    "Explanations of the class that the model thinks most likely, Grad-CAM of its photo, measured on test cases that "
    "were drawn. Means over cases, with 95 % intervals from resampling patients. A measure holds where its whole "
    "interval lies on the side that was asked for; it does not where the interval lies on the other side. That a map "
    "follows the model says nothing of whether the model is right."
)
VERDICTS = {True: "holds", False: "does not hold", None: "cannot be told"}


def check_section(check: Check) -> Section:
    """The table, and what was left out."""
    rows = [
        [measure.title, value(measure), _beside(measure), measure.asked, VERDICTS[measure.holds], count(measure.n)]
        for measure in check.measures
    ]
    head = ["Measure", "Value", "For comparison", "Required", "Verdict", "Cases"]
    counted = f"{check.cases:,} cases of {counted_patients(check.patients, check.patient_unit)}."
    return Section(
        TITLE,
        NOTE,
        lines=[counted, *(f"Not measured: {line}." for line in check.left_out)],
        grids=[Grid("", head, rows, wraps=True)],
        saved={"explanations": check.to_json()},
    )


def headline(check: Check) -> list[str]:
    """How many measures hold, and by name those that do not."""
    holds = sum(measure.holds is True for measure in check.measures)
    sentences = [f"{count(holds)} of {count(len(check.measures))} measures hold."]
    for verdict, words in ((False, "Does not hold"), (None, "Cannot be told")):
        titles = [measure.title for measure in check.measures if measure.holds is verdict]
        sentences += [f"{words}: {'; '.join(titles)}."] if titles else []
    return sentences


def lines(check: Check) -> list[str]:
    """A line a measure."""
    measured = [
        f"{VERDICTS[measure.holds]:14}  {measure.name}: {value(measure)}, required: {measure.asked}"
        + (f" ({beside})" if (beside := _beside(measure)) != NOTHING else "")
        for measure in check.measures
    ]
    return [*measured, *(f"not measured: {line}" for line in check.left_out)]


def write_check(check: Check, folder: Path, *, about: Mapping[str, Any], command: str = "") -> Path:
    """Write check.html and check.json; the folder is made. Returns the page's path.

    Args:
        check: to be written.
        folder: for both.
        about: which model and which cases: plain values, shown in both.
        command: that was typed.
    """
    made = environment(command)
    facts = {**{key: str(value) for key, value in about.items()}, **made}
    sections = [check_section(check)._replace(title="Measures"), made_section(facts)]
    page = report_page(f"{TITLE}?", sections, headline=headline(check), warnings=[NOT_A_DIAGNOSIS])
    return write_page(folder / "check.html", page, {**about, **check.to_json(), "environment": made})


def value(measure: Measure) -> str:
    """The value with its interval; what is tiny to three digits."""
    if 0 < abs(measure.value) < 0.0005:
        return rough(measure.value)
    return with_interval({"estimate": measure.value, "low": measure.low, "high": measure.high})


def _beside(measure: Measure) -> str:
    return ", ".join(f"{name} {number(beside)}" for name, beside in measure.beside.items()) or NOTHING

"""Test cases that an arm has right and wrong, with their photos and histories: only where they were asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from markupsafe import Markup

from mmskin.data.table import Cases, history_of, photos_by_kind
from mmskin.errors import ImageError
from mmskin.evaluation.predictions import class_names, probabilities, reported_rows
from mmskin.inputs.note import render_note
from mmskin.inputs.photos import open_rgb
from mmskin.report.class_legend import titled
from mmskin.report.numbers import percent
from mmskin.report.pages import Section, render
from mmskin.report.pictures import data_url

PRIVATE = "This page holds patients' photos and what they said: keep it where the data set itself may be kept."
INVENTED = "The photos and histories on this page are of patients who do not exist: a program drew them."
SIDE = 160  # pixels of the longer side
RULE = (
    "Test cases that {arm} answers, probabilities averaged over seeds. Confident: with the highest probability of the "
    "answer, of the right and of the wrong answers. Near the border: with the smallest gap between the two most likely "
    "classes. {n} of each at most, none twice; chosen to be looked at, not to be counted."
)
CONFIDENT, BORDER = "confident", "near the border"


class Example(NamedTuple):
    """A case as it is shown. photos: data URLs by how the kind is called."""

    case: str
    photos: Sequence[tuple[str, Markup]]
    answer: str
    truth: str
    note: str


def example_section(
    table: pd.DataFrame, cases: Cases, *, arm: str, each: int, is_invented: bool
) -> tuple[Section, str]:
    """The section, and the warning that the page needs with it.

    Args:
        table: predictions; test rows of the arm are read.
        cases: of the data set, with photos and histories.
        arm: whose answers.
        each: cases of each of the four kinds.
        is_invented: whether the patients are of the synthetic clinic.
    """
    rows = cases.table.set_index("case_id", drop=False)
    groups = {
        title: [_example(row, rows.loc[row["case_id"]], cases) for row in chosen]
        for title, chosen in chosen_cases(table, arm=arm, each=each)
    }
    warning = INVENTED if is_invented else PRIVATE
    html = Markup(render(Path(__file__).with_name("example_cases.html.jinja"), groups=groups))
    saved = {title: [example.case for example in examples] for title, examples in groups.items()}
    note = f"{warning} {RULE.format(arm=arm, n=each)}"
    return Section("Cases right and wrong", note, html=html, saved={"example_cases": saved}), warning


def chosen_cases(table: pd.DataFrame, *, arm: str, each: int) -> Iterator[tuple[str, list[dict[Any, Any]]]]:
    """By what they are: case_id, target, answer, confidence and probability of the truth; see `RULE`."""
    answers = _answers(table, arm)
    shown: set[str] = set()
    for kind, column in ((CONFIDENT, "confidence"), (BORDER, "gap")):
        for words, is_right in (("Right", True), ("Wrong", False)):
            of_kind = answers[(answers["right"] == is_right) & ~answers["case_id"].isin(shown)]
            ordered = of_kind.sort_values([column, "case_id"], ascending=[kind == BORDER, True])
            chosen = ordered.head(each).to_dict("records")
            shown |= {row["case_id"] for row in chosen}
            yield f"{words} and {kind}", chosen


def _answers(table: pd.DataFrame, arm: str) -> pd.DataFrame:
    """A row a test case, its probabilities averaged over seeds."""
    rows = reported_rows(table)
    rows = rows[rows["arm"] == arm]
    columns = [name for name in rows if str(name).startswith("prob_")]
    mean = rows.groupby("case_id").agg({"target": "first", **dict.fromkeys(columns, "mean")}).reset_index()
    told, names = probabilities(mean), np.asarray(class_names(mean))
    ranked = np.sort(told, axis=1)
    answer = names[told.argmax(axis=1)]
    truth = told[np.arange(len(mean)), [list(names).index(target) for target in mean["target"]]]
    return pd.DataFrame(
        {
            "case_id": mean["case_id"],
            "target": mean["target"],
            "answer": answer,
            "confidence": ranked[:, -1],
            "gap": ranked[:, -1] - ranked[:, -2],
            "of_truth": truth,
            "right": answer == mean["target"],
        }
    )


def _example(row: Mapping[Any, Any], case: pd.Series[Any], cases: Cases) -> Example:
    titles = cases.schema.class_titles
    kinds = photos_by_kind(case.to_frame().T, cases.schema)[0]
    photos = [(kind, _thumbnail(of_kind[0])) for kind, of_kind in kinds.items() if of_kind]
    answer = f"{titled(row['answer'], titles)} ({percent(row['confidence'])})"
    truth = f"{titled(row['target'], titles)} ({percent(row['of_truth'])})"
    return Example(row["case_id"], photos, answer, truth, render_note(history_of(case, cases.schema), cases.schema))


def _thumbnail(photo: str) -> Markup:
    """The photo small and without EXIF; "" if it cannot be read."""
    try:
        return data_url(open_rgb(photo, max_side=SIDE).image, side=SIDE)
    except ImageError:
        return Markup("")

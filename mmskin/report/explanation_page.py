"""explanation.html: the sentences first, then what they rest on."""

from __future__ import annotations

import base64
import io
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from markupsafe import Markup
from PIL import Image

from mmskin.explain.what_if import Change
from mmskin.report.explanation_figures import fields_figure, shares_figure, word_colours, word_signs
from mmskin.report.metric_figures import svg
from mmskin.report.numbers import NOTHING, number, percent, points
from mmskin.report.pages import Grid, render

if TYPE_CHECKING:
    from mmskin.explain.explanation import Explanation

PRIVATE = "This page holds what a patient showed and said: keep it where their record may be kept."
SIDE = 480  # pixels of a photo's longer side on the page


def page(explanation: Explanation) -> str:
    """The page; everything that comes from the case is escaped."""
    has_shares = bool(explanation.shares.points)
    return render(
        Path(__file__).with_name("explanation_page.html.jinja"),
        title="Why the model answers as it does",
        warning=f"{explanation.reminder} {PRIVATE}",
        sentences=explanation.sentences(),
        target=explanation.titles.get(explanation.target, explanation.target),
        answer_grid=_answer_grid(explanation),
        photo=data_url(explanation.photo),
        heatmap=data_url(explanation.heatmap),
        shares=Markup(svg(shares_figure(explanation))) if has_shares else "",
        fields=Markup(svg(fields_figure(explanation))) if explanation.fields is not None else "",
        fields_note=_fields_note(explanation),
        words=_words(explanation),
        words_note=_words_note(explanation),
        changes=_change_grid(explanation) if explanation.changes else None,
        remarks=explanation.remarks,
    )


def _answer_grid(explanation: Explanation) -> Grid:
    alone = explanation.shares.alone
    columns = {"nothing": explanation.nothing} | ({name: alone[name] for name in alone} if len(alone) > 1 else {})
    heads = {"nothing": "Before anything is known", "photo": "Photo alone", "history": "History alone"}
    rows = [
        [explanation.titles.get(name, name), percent(p), *(percent(column[name]) for column in columns.values())]
        for name, p in explanation.probabilities.items()
    ]
    return Grid("The answer, calibrated", ["Class", "With everything", *(heads[name] for name in columns)], rows)


def _words(explanation: Explanation) -> list[tuple[str, str, str, str]]:
    """Word, colour, sign, and points for the tooltip."""
    words = explanation.words
    if words is None:
        return []
    told = [points(value) for value in words.values]
    return list(zip(words.words, word_colours(words), word_signs(words), told, strict=True))


def _words_note(explanation: Explanation) -> str:
    words = explanation.words
    if words is None:
        return ""
    if words.method == "leaving one word out":
        return (
            "By how much the answer falls when a word is left out, one at a time: this text encoder does not run from "
            "embeddings. The values need not add up to anything."
        )
    return (
        f"Integrated gradients, {words.steps} steps, from a note of as many unknown words "
        f"({percent(words.baseline_score)}) to the note ({percent(words.score)}), everything else as it is; they add "
        "up to the difference but for "
        f"{number(100 * words.completeness_error, digits=2)} points."
    )


def _fields_note(explanation: Explanation) -> str:
    fields = explanation.fields
    if fields is None:
        return ""
    how = (
        f"Shapley values, exact, over {fields.coalitions:,} histories"
        if fields.is_exact
        else f"Shapley values from {fields.coalitions:,} histories, drawn; the lines are two standard errors each way"
    )
    return (
        f"{how}: each field against not recorded, from {percent(fields.baseline_score)} without any field to "
        f"{percent(fields.score)}, photo and words as they are."
    )


def _change_grid(explanation: Explanation) -> Grid:
    """One row a field: where its other values would bring the explained class, and which would turn the answer."""
    target = explanation.target
    rows = []
    for _, group in groupby(explanation.changes, key=lambda change: change.field):
        changes = list(group)
        low = min(changes, key=lambda change: change.probabilities[target])
        high = max(changes, key=lambda change: change.probabilities[target])
        flips = ", ".join(f"{change.now} → {change.top}" for change in changes if change.flips) or NOTHING
        rows.append([changes[0].title, changes[0].was or "not recorded", _at(low, target), _at(high, target), flips])
    head = ["Field", "Now", "Lowest with", "Highest with", "Another class with"]
    note = "What the model would answer, not what would be true of a patient who had been different."
    return Grid(f"{explanation.titles.get(target, target)} under other values", head, rows, note)


def _at(change: Change, target: str) -> str:
    return f"{change.now}: {percent(change.probabilities[target])}"


def data_url(image: Image.Image | None, *, side: int = SIDE) -> Markup:
    """The picture as it stands in a page, its longer side at most so many pixels; "" for none."""
    if image is None:
        return Markup("")
    small = image.convert("RGB")
    small.thumbnail((side, side))
    buffer = io.BytesIO()
    small.save(buffer, "JPEG", quality=88)
    return Markup("data:image/jpeg;base64,") + base64.b64encode(buffer.getvalue()).decode()

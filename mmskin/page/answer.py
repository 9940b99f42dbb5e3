"""One case asked of the model: the answer first, then why. Without gradio, so that it can be tested without a server.

Everything on the screen is a template whose values are escaped; the saved report is made of the same pieces.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from markupsafe import Markup
from PIL import Image

import mmskin
import mmskin.page.words as w
from mmskin.api.predictor import Predictor
from mmskin.errors import UserError
from mmskin.explain.explainer import Explainer
from mmskin.explain.explanation import Explanation
from mmskin.page.photos import Kept
from mmskin.reminder import NOT_A_DIAGNOSIS
from mmskin.report.explanation_figures import word_colours, word_signs
from mmskin.report.numbers import percent, points
from mmskin.report.pages import render
from mmskin.trained.prediction import Prediction
from mmskin.trained.presented_case import PresentedCase
from mmskin.trained.refer import Advice, advise

HERE = Path(__file__).parent
LONGEST_TEXT = 5000
MOST_CHANGES = 6
MAP_SIDE = 640  # pixels of the heat map's longer side on the page


class Case(NamedTuple):
    """What a visitor asks. target: class to explain, None for the most likely one."""

    photo: Kept | None
    fields: Mapping[str, object]
    text: str | None
    target: str | None = None


class Shown(NamedTuple):
    """HTML of the answer, and of what explains it."""

    answer: str
    why: str


class Bar(NamedTuple):
    """A value in words, with the share of a bar's length, −1 to 1."""

    title: str
    told: str
    share: float


class Asked(NamedTuple):
    """A case read for the model, its answer, and what follows from it."""

    presented: PresentedCase
    prediction: Prediction
    advice: Advice


def ask(predictor: Predictor, case: Case) -> Asked:
    """The answer, and what follows from it. What the page says of the photo's quality is not said twice.

    Raises:
        UserError: what `Predictor.predict` refuses, or a text that is too long.
    """
    check_text(case.text)
    image = None if case.photo is None else case.photo.image
    presented = predictor.present(image, case.fields, case.text)
    prediction = predictor.answer(presented)
    if case.photo is None:
        return Asked(presented, prediction, advise(prediction, predictor.schema))
    # Of the quality the page says what was seen at upload, on more pixels than the model reads.
    others = (line for line in prediction.remarks if line not in presented.remarks)
    prediction = replace(prediction, remarks=(*case.photo.remarks, *others))
    return Asked(presented, prediction, advise(prediction, predictor.schema, quality=case.photo.quality))


def check_text(text: str | None) -> None:
    """Raises:
    UserError: more characters than are read.
    """
    if text and len(text) > LONGEST_TEXT:
        raise UserError(w.TOO_LONG.format(length=len(text), limit=LONGEST_TEXT))


def answer_in_steps(predictor: Predictor, case: Case, *, model: str, is_real: bool) -> Iterator[Shown]:
    """The answer as soon as it is there, then the same with its explanation.

    Args:
        predictor: of the model.
        case: what is asked.
        model: how the report calls the model.
        is_real: whether it was trained on anything but invented cases.

    Raises:
        UserError: see `ask`.
    """
    presented, prediction, advice = ask(predictor, case)
    titles = {name: predictor.schema.class_titles.get(name, name) for name in predictor.schema.classes}
    shown = _html(
        "answer",
        bars=[Bar(titles[name], percent(p), p) for name, p in prediction.probabilities.items()],
        set_titles=[titles[name] for name in advice.classes],
        set_hint=w.SET_HINT.format(mass=percent(advice.mass), reached=percent(advice.reached)),
        reasons=advice.reasons,
        has_photo="image" in prediction.used,
        quality=() if case.photo is None else case.photo.quality,
        used=[w.MODALITIES[name] for name in prediction.used],
        missing=[w.MODALITIES[name] for name in prediction.missing],
        remarks=prediction.remarks,
        note=prediction.note,
        warning=NOT_A_DIAGNOSIS,
    )
    yield Shown(shown, _html("waiting"))
    explainer = Explainer(predictor.trained)
    explanation = explainer.explain_presented(presented, prediction=prediction, target=case.target)
    why = _html("why", **_why(case, explanation, titles))
    yield Shown(shown, why + _save(report(shown, why, model=model, is_real=is_real)))


def refused(answer: str, sentence: str) -> Shown:
    """A refusal: where the answer would stand, or below an answer that is there, where its explanation would."""
    told = _html("problem", sentence=sentence[:1].upper() + sentence[1:])
    return Shown(answer, told) if answer else Shown(told, "")


def report(answer: str, why: str, *, model: str, is_real: bool) -> str:
    """One page that needs nothing else: what was on the screen, in print."""
    return _html(
        "report",
        answer=Markup(answer),
        why=Markup(why),
        style=Markup((HERE / "page.css").read_text(encoding="utf-8")),
        made=w.REPORT_MADE.format(version=mmskin.__version__, model=model),
        is_real=is_real,
    )


def _save(page: str) -> str:
    """A link that holds the report: nothing is kept on this side, and no second request is needed."""
    return _html("save", address=Markup("data:text/html;charset=utf-8;base64,") + _base64(page.encode()))


def _why(case: Case, found: Explanation, titles: Mapping[str, str]) -> dict[str, Any]:
    title = titles[found.target]
    return {
        "hint": w.WHY_HINT.format(title=title),
        "sentences": found.sentences(),
        "columns": _columns(found),
        "rows": _compared(found, titles),
        "parts": _bars({w.PARTS[name]: value for name, value in found.shares.points.items()}),
        "fields": _bars({f"{f.title}: {f.value}": f.points for f in found.fields.fields} if found.fields else {}),
        "words": _words(found),
        "changes": _changes(found, titles),
        "tried_changes": bool(found.changes),
        "title": title,
        **_heat(case, found),
    }


def _columns(found: Explanation) -> list[str]:
    alone = [w.ALONE[name] for name in found.shares.alone] if len(found.shares.alone) > 1 else []
    return [*alone, w.BOTH]


def _compared(found: Explanation, titles: Mapping[str, str]) -> list[tuple[str, list[Bar]]]:
    """By class, a bar for each part alone and for everything."""
    alone = list(found.shares.alone.values()) if len(found.shares.alone) > 1 else []
    return [
        (titles[name], [Bar("", percent(column[name]), column[name]) for column in (*alone, found.probabilities)])
        for name in found.probabilities
    ]


def _bars(values: Mapping[str, float]) -> list[Bar]:
    """The strongest first, the strongest with the longest bar."""
    largest = max((abs(value) for value in values.values()), default=0.0) or 1.0
    ranked = sorted(values.items(), key=lambda item: -abs(item[1]))
    return [Bar(title, points(value), value / largest) for title, value in ranked]


def _words(found: Explanation) -> list[tuple[str, str, str, str]]:
    """Word, colour, sign and points."""
    if found.words is None:
        return []
    told = [points(value) for value in found.words.values]
    return list(zip(found.words.words, word_colours(found.words), word_signs(found.words), told, strict=True))


def _changes(found: Explanation, titles: Mapping[str, str]) -> list[tuple[str, str, str, str]]:
    """The smallest changes of single fields after which another class is the most likely."""
    flips = [change for change in found.changes if change.flips]
    ranked = sorted(flips, key=lambda change: (change.size, -max(change.probabilities.values())))
    return [
        (
            change.title,
            change.was or w.NOT_RECORDED,
            change.now,
            f"{titles[change.top]} ({percent(change.probabilities[change.top])})",
        )
        for change in ranked[:MOST_CHANGES]
    ]


def _heat(case: Case, found: Explanation) -> dict[str, Any]:
    """The photo and the map over it, as pictures of one size, and what has to be said of the map."""
    if case.photo is None or found.photo_map is None:
        return {"photo": "", "heat": "", "heat_notes": ()}
    photo = Image.open(io.BytesIO(case.photo.shown)).convert("RGB")
    photo.thumbnail((MAP_SIDE, MAP_SIDE))
    if max(photo.size) < MAP_SIDE:  # a small photo would give a blocky map
        scale = MAP_SIDE / max(photo.size)
        photo = photo.resize((round(photo.width * scale), round(photo.height * scale)), Image.Resampling.BICUBIC)
    heat = found.photo_map.over(photo, opacity=1.0)
    return {"photo": _jpeg(photo), "heat": _jpeg(heat), "heat_notes": found.photo_map.notes}


def _jpeg(image: Image.Image) -> Markup:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=85)
    return Markup("data:image/jpeg;base64,") + _base64(buffer.getvalue())


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _html(name: str, **values: Any) -> str:
    return render(HERE / "templates" / f"{name}.html.jinja", w=w, **values)

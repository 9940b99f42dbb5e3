"""One case asked of the model: the answer first, then why. Without gradio, so that it can be tested without a server.

Everything on the screen is a template whose values are escaped; the saved report is made of the same pieces.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator, Mapping, Sequence
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
from mmskin.features import is_photo, photo_title
from mmskin.page.photos import Kept
from mmskin.probability_text import in_percent
from mmskin.reminder import NOT_A_DIAGNOSIS
from mmskin.report.explanation_html import STYLE, Bar, explanation_html
from mmskin.report.pages import render
from mmskin.trained.answer_sets import AnswerSet
from mmskin.trained.note_reading import read_lines
from mmskin.trained.prediction import Prediction
from mmskin.trained.presented_case import PresentedCase

HERE = Path(__file__).parent
LONGEST_TEXT = 5000


class Case(NamedTuple):
    """What a visitor asks. photos: by kind. target: class to explain, None for the most likely one."""

    photos: Mapping[str, Kept]
    fields: Mapping[str, object]
    text: str | None
    target: str | None = None


class Shown(NamedTuple):
    """HTML of the answer, and of what explains it."""

    answer: str
    why: str


class Asked(NamedTuple):
    """A case read for the model, and its answer."""

    presented: PresentedCase
    prediction: Prediction


def ask(predictor: Predictor, case: Case) -> Asked:
    """The answer. What the page says of the photo's quality is not said twice.

    Raises:
        UserError: what `Predictor.predict` refuses, or a text that is too long.
    """
    check_text(case.text)
    images = {kind: kept.image for kind, kept in case.photos.items()}
    presented = predictor.present(images or None, case.fields, case.text)
    prediction = predictor.answer(presented)
    if not case.photos:
        return Asked(presented, prediction)
    # Of the quality the page says what was seen at upload, on more pixels than the model reads.
    others = (line for line in prediction.remarks if line not in presented.remarks)
    reading = _by_photo(predictor, {kind: kept.remarks for kind, kept in case.photos.items()})
    return Asked(presented, replace(prediction, remarks=(*reading, *others)))


def photo_kinds(predictor: Predictor) -> tuple[str, ...]:
    """The kinds of photo that the page asks for: those that the model reads; the first of the data set if it reads
    none, for the answer to say so."""
    return tuple(filter(is_photo, predictor.modalities)) or predictor.schema.photos[:1]


def quality_of(predictor: Predictor, case: Case) -> list[str]:
    """What is wrong with the photos of a case."""
    return _by_photo(predictor, {kind: kept.quality for kind, kept in case.photos.items()})


def _by_photo(predictor: Predictor, lines: Mapping[str, Sequence[str]]) -> list[str]:
    """Lines on each photo, which say of which they are where the model reads several kinds."""
    several = len(photo_kinds(predictor)) > 1
    return [f"{photo_title(kind)}: {line}" if several else line for kind, said in lines.items() for line in said]


def check_text(text: str | None) -> None:
    """Raises:
    UserError: more characters than are read.
    """
    if text and len(text) > LONGEST_TEXT:
        raise UserError(w.TOO_LONG.format(length=len(text), limit=LONGEST_TEXT))


def answer_in_steps(
    predictor: Predictor, case: Case, *, model: str, is_real: bool, warnings: Sequence[str] = ()
) -> Iterator[Shown]:
    """The answer as soon as it is there, then the same with its explanation.

    Args:
        predictor: of the model.
        case: what is asked.
        model: how the report calls the model.
        is_real: whether it was trained on anything but invented cases.
        warnings: which stand before all other remarks of every answer.

    Raises:
        UserError: see `ask`.
    """
    presented, prediction = ask(predictor, case)
    prediction = replace(prediction, remarks=tuple(dict.fromkeys((*warnings, *prediction.remarks))))
    titles = {name: predictor.schema.class_titles.get(name, name) for name in predictor.schema.classes}
    shown = _html(
        "answer",
        unlike=prediction.unlike_training,
        triage=prediction.triage,
        bars=[Bar(titles[name], in_percent(p), p) for name, p in prediction.probabilities.items()],
        answer_set=prediction.answer_set,
        titles=titles,
        set_hint=_set_hint(prediction.answer_set, titles),
        photos_used=sum(map(is_photo, prediction.used)),
        quality=quality_of(predictor, case),
        used=[w.modality(name) for name in prediction.used],
        missing=[w.modality(name) for name in prediction.missing],
        remarks=prediction.remarks,
        note=prediction.note,
        read=read_lines(predictor.schema, prediction.read),
        warning=NOT_A_DIAGNOSIS,
    )
    yield Shown(shown, _html("waiting"))
    explainer = Explainer(predictor.trained)
    why = _why(case, explainer.explain_presented(presented, prediction=prediction, target=case.target))
    yield Shown(shown, why + _save(report(shown, why, model=model, is_real=is_real)))


def _set_hint(found: AnswerSet | None, titles: Mapping[str, str]) -> str:
    if found is None:
        return ""
    too_few = ", ".join(titles[name] for name in found.too_few)
    hint = w.SET_HINT.format(promised=in_percent(found.promised))
    return hint + (w.SET_TOO_FEW.format(classes=too_few) if too_few else "")


def refused(answer: str, sentence: str) -> Shown:
    """A refusal: where the answer would stand, or below an answer that is there, where its explanation would."""
    refusal = _html("problem", sentence=sentence[:1].upper() + sentence[1:])
    return Shown(answer, refusal) if answer else Shown(refusal, "")


def report(answer: str, why: str, *, model: str, is_real: bool) -> str:
    """One page that needs nothing else: what was on the screen, in print."""
    return _html(
        "report",
        answer=Markup(answer),
        why=Markup(why),
        title=w.REPORT_TITLE,
        style=Markup("".join(path.read_text(encoding="utf-8") for path in (STYLE, HERE / "page.css"))),
        made=w.REPORT_MADE.format(version=mmskin.__version__, model=model),
        is_real=is_real,
    )


def _save(page: str) -> str:
    """A link that holds the report: nothing is kept on this side, and no second request is needed."""
    return _html("save", address=Markup("data:text/html;charset=utf-8;base64,") + _base64(page.encode()))


def _why(case: Case, explanation: Explanation) -> str:
    """The explanation, with the photos as the visitor gave them in place of those that the model reads."""
    shown = {kind: Image.open(io.BytesIO(case.photos[kind].shown)) for kind in explanation.photos}
    return explanation_html(replace(explanation, photos=shown), heading="h3")


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _html(name: str, **values: Any) -> str:
    return render(HERE / "templates" / f"{name}.html.jinja", w=w, **values)

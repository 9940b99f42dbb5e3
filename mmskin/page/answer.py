"""One case asked of the model: the answer first, then why. Without gradio, so that it can be tested without a server.

Everything on the screen is a template whose values are escaped; the saved report is made of the same values.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from markupsafe import Markup
from PIL import Image

from mmskin.api.predictor import Predictor
from mmskin.errors import UserError
from mmskin.explain.explainer import Explainer
from mmskin.explain.explanation import Explanation
from mmskin.features import is_photo, photo_title
from mmskin.inputs.note import say_with_unit
from mmskin.page.photos import Kept
from mmskin.page.spoken import w
from mmskin.probability_text import in_percent
from mmskin.reminder import NOT_A_DIAGNOSIS
from mmskin.report.explanation_html import STYLE, Bar, explanation_html, saying
from mmskin.report.explanation_sentences import in_one_sentence
from mmskin.report.pages import render
from mmskin.report.pictures import data_url
from mmskin.schema import ClassInformation, History, Schema
from mmskin.sentence import Sentence
from mmskin.trained.answer_sets import AnswerSet
from mmskin.trained.note_reading import say_reading
from mmskin.trained.parts_there import HISTORY, parts_read
from mmskin.trained.prediction import NOT_RECORDED, Prediction
from mmskin.trained.presented_case import PresentedCase, of_kind

HERE = Path(__file__).parent
LONGEST_TEXT = 5000
TOP = 3  # classes that are shown; the others are folded
THUMBNAIL, IN_REPORT = 160, 420  # pixels of the longer side of photos
FIRST_SAID = ("age", "sex", "site", "region")  # fields that the line about the case names
MOST_SAID = 900  # characters of the patient's words in the report, which is one page


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


class Ranked(NamedTuple):
    """A class of the differential, and what its data set says of it."""

    bar: Bar
    about: ClassInformation | None


class Fact(NamedTuple):
    """What was read in the free text of one field. value: as the schema stores it."""

    field: str
    title: str
    value: str
    said: str


def now() -> datetime:
    """The time of this machine, with its zone."""
    return datetime.now().astimezone()


def ask(predictor: Predictor, case: Case, warnings: Sequence[str] = ()) -> Asked:
    """The answer, its remarks after the warnings. What the page says of the photo's quality is not said twice.

    Raises:
        UserError: what `Predictor.predict` refuses, or a text that is too long.
    """
    check_text(case.text)
    images = {kind: kept.image for kind, kept in case.photos.items()}
    presented = predictor.present(images or None, case.fields, case.text)
    prediction = predictor.answer(presented)
    # Of the quality the page says what was seen at upload, on more pixels than the model reads.
    of_photos = presented.photo_remarks if case.photos else ()
    others = (line for line in prediction.remarks if line not in of_photos)
    reading = _by_photo(predictor, {kind: kept.remarks for kind, kept in case.photos.items()})
    return Asked(presented, replace(prediction, remarks=tuple(dict.fromkeys((*warnings, *reading, *others)))))


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
    return [line for kind, said in lines.items() for line in (of_kind(kind, said) if several else said)]


def check_text(text: str | None) -> None:
    """Raises:
    UserError: more characters than are read.
    """
    if text and len(text) > LONGEST_TEXT:
        raise UserError(w.TOO_LONG.format(length=len(text), limit=LONGEST_TEXT))


def answer_in_steps(
    predictor: Predictor,
    case: Case,
    *,
    model: str,
    is_real: bool,
    warnings: Sequence[str] = (),
    clock: Callable[[], datetime] = now,
) -> Iterator[Shown]:
    """The answer as soon as it is there, then the same with its explanation.

    Args:
        predictor: of the model.
        case: what is asked.
        model: how the report calls the model.
        is_real: whether it was trained on anything but invented cases.
        warnings: which stand before all other remarks of every answer.
        clock: the time that stands in the report.

    Raises:
        UserError: see `ask`.
    """
    presented, prediction = ask(predictor, case, warnings)
    answered = _answered(predictor, case, presented.history, prediction)
    yield Shown(_html("answer", **answered, sentence=""), _html("waiting"))
    explanation = Explainer(predictor.trained).explain_presented(presented, prediction=prediction, target=case.target)
    explanation = _with_large_photos(case, explanation)
    sentence = w.say(in_one_sentence(explanation))
    whole = explanation_html(explanation, heading="h4", say=w.say)
    page = report(
        answered | _on_paper(predictor.schema, presented.history, explanation, prediction),
        sentence=sentence,
        time=clock(),
        model=model,
        is_real=is_real,
    )
    why = _html("why", explanation=Markup(whole), is_open=case.target is not None)
    yield Shown(_html("answer", **answered, sentence=sentence), why + _save(page))


def _answered(predictor: Predictor, case: Case, history: History, prediction: Prediction) -> dict[str, Any]:
    """What the screen and the report both say of an answer."""
    schema = predictor.schema
    titles = {name: w.say(schema.class_titles.get(name, name)) for name in schema.classes}
    ranked = [
        Ranked(Bar(titles[name], in_percent(p), p), schema.class_information.get(name))
        for name, p in prediction.probabilities.items()
    ]
    quality = quality_of(predictor, case)
    remarks = [line for line in prediction.remarks if not _is_said_elsewhere(line, predictor)]
    return {
        "photos": [(w.say(photo_title(kind)), _picture(kept, THUMBNAIL)) for kind, kept in case.photos.items()],
        "about_case": _said_first(schema, history),
        "unlike": [w.say(reason) for reason in prediction.unlike_training],
        "triage": prediction.triage,
        "triage_title": w.say(prediction.triage.title) if prediction.triage else "",
        "triage_reasons": [w.say(reason) for reason in prediction.triage.reasons] if prediction.triage else [],
        "top": ranked[:TOP],
        "others": ranked[TOP:],
        "answer_set": [titles[name] for name in prediction.answer_set.classes] if prediction.answer_set else [],
        "set_hints": _set_hints(prediction.answer_set, titles),
        "not_given": _not_given(predictor, history, prediction),
        "remarks": [w.say(line) for line in (*quality, *remarks)],
        "understood": _understood(schema, prediction),
        "used": list(dict.fromkeys(w.modality(name) for name in _without_doubles(prediction.used))),
        "photos_used": sum(map(is_photo, prediction.used)),
        "is_good": not quality,
        "of_model": [w.say(line) for line in predictor.trained.remarks],
        "note": prediction.note,
    }


def _is_said_elsewhere(line: str, predictor: Predictor) -> bool:
    """Whether it is what the line of what was not given says, or is true of every answer of the model."""
    return getattr(line, "template", "") == NOT_RECORDED or line in predictor.trained.remarks


def _without_doubles(modalities: Sequence[str]) -> list[str]:
    """Modalities, the history once: as a note it holds all that its columns do."""
    return [name for name in modalities if not (name == "metadata" and "text" in modalities)]


def _said_first(schema: Schema, history: History) -> str:
    """Age, sex and site of the case, as far as they are recorded."""
    recorded = [(schema.field(name), history.fields.get(name)) for name in FIRST_SAID if name in schema.field_names]
    return " · ".join(w.say(say_with_unit(field, value)) for field, value in recorded if value is not None)


def _not_given(predictor: Predictor, history: History, prediction: Prediction) -> list[str]:
    """What the model could have used: photos, words and fields by their titles."""
    kinds = [w.say(photo_title(kind)) for kind in prediction.missing if is_photo(kind)]
    if HISTORY not in parts_read(predictor.modalities):
        return kinds
    words = [w.FREE_TEXT] if "text" in predictor.modalities and not history.text else []
    fields = [w.say(field.title) for field in predictor.schema.fields if history.fields.get(field.name) is None]
    return [*kinds, *words, *fields]


def _understood(schema: Schema, prediction: Prediction) -> list[Fact]:
    facts = []
    for name, reading in prediction.read.items():
        field, value = schema.field(name), reading.value
        plain = str(round(value)) if isinstance(value, float) else str(value)
        facts.append(Fact(name, w.say(field.title), plain, w.say(say_reading(field, reading))))
    return facts


def _set_hints(found: AnswerSet | None, titles: Mapping[str, str]) -> list[str]:
    if found is None:
        return []
    too_few = ", ".join(titles[name] for name in found.too_few)
    hint = w.SET_HINT.format(promised=in_percent(found.promised))
    return [hint, w.SET_TOO_FEW.format(classes=too_few)] if too_few else [hint]


def refused(answer: str, sentence: str) -> Shown:
    """A refusal: where the answer would stand, or below an answer that is there, where its explanation would."""
    said = w.say(sentence)
    refusal = _html("problem", sentence=said[:1].upper() + said[1:])
    return Shown(answer, refusal) if answer else Shown(refusal, "")


def report(answered: Mapping[str, Any], *, sentence: str, time: datetime, model: str, is_real: bool) -> str:
    """One page of paper that needs nothing else.

    Args:
        answered: what the screen shows, with what the paper shows beside it.
        sentence: why.
        time: of the answer.
        model: what it is called.
        is_real: whether it was trained on anything but invented cases.
    """
    checksum = answered["version"].checksum
    made = w.REPORT_CHECKSUM if checksum else w.REPORT_MADE
    styles = (STYLE, HERE / "page.css", HERE / "answer.css", HERE / "report.css")
    return _html(
        "report",
        **answered,
        sentence=sentence,
        title=w.REPORT_TITLE,
        style=Markup("".join(path.read_text(encoding="utf-8") for path in styles)),
        time=w.REPORT_TIME.format(time=time),
        made=made.format(version=answered["version"].mmskin, model=model, checksum=checksum),
        is_real=is_real,
    )


def _on_paper(schema: Schema, history: History, explanation: Explanation, prediction: Prediction) -> dict[str, Any]:
    """What the report shows and the answer does not: larger photos, their maps, and what was told."""
    shown = {w.say(photo_title(kind)): data_url(photo, side=IN_REPORT) for kind, photo in explanation.photos.items()}
    told = [(field, value) for field in schema.fields if (value := history.fields.get(field.name)) is not None]
    facts = [Sentence("{field}: {value}", field=of.title, value=say_with_unit(of, value)) for of, value in told]
    said = history.text or ""
    return {
        "recorded": [w.say(fact) for fact in facts],
        "pictures": list(shown.items()),
        "heat_maps": [data_url(heat, side=IN_REPORT) for heat in explanation.heatmaps.values()],
        "target": w.say(explanation.title(explanation.target)),
        "said": said[:MOST_SAID],
        "left_out": len(said) - MOST_SAID,
        "version": prediction.model,
    }


def _save(page: str) -> str:
    """A link that holds the report: nothing is kept on this side, and no second request is needed."""
    return _html("save", address=Markup("data:text/html;charset=utf-8;base64,") + _base64(page.encode()))


def _with_large_photos(case: Case, explanation: Explanation) -> Explanation:
    """The explanation, with the photos as the visitor gave them in place of those that the model reads."""
    shown = {kind: Image.open(io.BytesIO(case.photos[kind].shown)) for kind in explanation.photos}
    return replace(explanation, photos=shown)


def _picture(kept: Kept, side: int) -> Markup:
    with Image.open(io.BytesIO(kept.shown)) as photo:
        return data_url(photo, side=side)


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _html(name: str, **values: Any) -> str:
    values.setdefault("warning", w.say(NOT_A_DIAGNOSIS))
    return render(HERE / "templates" / f"{name}.html.jinja", w=w, say=saying(w.say), lang=w.code, **values)

"""Every language says all that can reach the page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from string import Formatter

import pytest
from explain.small_predictors import PAIR, small_predictor
from page.fake_predictor import FakePredictor
from page.phone_photo import phone_photo
from page.said_sentences import library_sentences, page_words, template_sentences
from page.test_answer import report_of, text_of
from page.test_photos import ANN
from trained.scripted_reader import scripted_predictor

from mmskin.data.tables.declaration import read_declaration
from mmskin.errors import UserError
from mmskin.language import languages, read_language
from mmskin.page.answer import Case, answer_in_steps, refused
from mmskin.page.photos import Photos
from mmskin.page.spoken import w
from mmskin.synthetic.history import clinic_schema


def said_in_english() -> set[str]:
    return library_sentences() | page_words() | template_sentences()


def names_in(template: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(template) if name}


@pytest.fixture
def german() -> Iterator[None]:
    w.speak("de")
    yield
    w.speak("en")


def test_what_the_search_finds_in_the_code_is_what_is_said() -> None:
    assert {
        "See a physician urgently",
        "not recorded: {fields}",
        "{field}={text} was read as {value}",
    } <= said_in_english()
    assert {"Opacity of the heat map", "Cannot be left out"} <= said_in_english()


@pytest.mark.parametrize("code", [code for code in languages() if code != "en"])
def test_a_language_has_words_for_all_that_is_said(code: str) -> None:
    assert sorted(said_in_english() - {*read_language(code).wordings}) == []


@pytest.mark.parametrize("code", languages())
def test_a_wording_names_the_values_of_its_template(code: str) -> None:
    wrong = {en: said for en, said in read_language(code).wordings.items() if names_in(en) != names_in(said)}
    assert wrong == {}


def test_english_rewords_nothing_that_is_no_longer_said() -> None:
    assert sorted({*read_language("en").wordings} - said_in_english()) == []


@pytest.mark.parametrize("source", ["pad_ufes_20", "milk10k", "ham10000", "isic2019", "synthetic"])
def test_german_has_words_for_what_data_sets_declare(source: str) -> None:
    schema = clinic_schema() if source == "synthetic" else read_declaration(source).declared_schema
    declared = [*schema.class_titles.values(), *(field.title for field in schema.fields)]
    declared += [flag.reason for flag in schema.red_flags]
    declared += [text for about in schema.class_information.values() for text in (about.text, about.next_steps)]
    assert sorted({*declared} - {*read_language("de").wordings}) == []


@pytest.mark.usefixtures("german")
def test_a_page_in_german_holds_no_english_sentence() -> None:
    photos = Photos(max_side=64)
    kept = photos.get(photos.keep(phone_photo(side=20), ANN), ANN)
    assert kept is not None
    asked = [
        (small_predictor("late", *PAIR, "text", photos=PAIR), Case({"clinical": kept}, {"age": "45-50"}, "es juckt")),
        (small_predictor("concat", "image", "text"), Case({"image": kept}, {"itch": "yes"}, None, "MEL")),
        (small_predictor("late"), Case({}, {"itch": "no", "bleed": "yes"}, None)),
        (scripted_predictor(), Case({}, {"region": "face"}, "sixty, on the arm")),
    ]
    pages = [next(answer_in_steps(FakePredictor(), Case({}, {}, "x"), model="m", is_real=True)).answer]  # type: ignore[arg-type]
    for predictor, case in asked:
        *_, last = answer_in_steps(predictor, case, model="m", is_real=False)
        pages += [last.answer, last.why, report_of(last, "mmskin-bericht.html")]
    for fields in ({"age": "500"}, {"age": "old"}, {}):
        with pytest.raises(UserError) as error:
            list(answer_in_steps(asked[2][0], Case({}, fields, None), model="m", is_real=True))
        pages.append(refused("", error.value.args[0]).answer)
    shown = " ".join(map(text_of, pages))
    assert "Dringend ärztlich vorstellen" in shown
    assert "Alter: 45-50 wurde gelesen als 47.5 Jahre (ein Bereich, gelesen als seine Mitte)" in shown
    german = {*read_language("de").wordings.values()}
    left = [piece for template in said_in_english() - german for piece in re.split(r"\{[^}]*\}", template)]
    assert [piece for piece in left if len(piece.strip()) > 12 and piece.strip() in shown] == []


def test_an_unknown_language_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(UserError, match=r"language 'xx' does not exist.*de, en"):
        w.speak("xx")
    assert w.code == "en"

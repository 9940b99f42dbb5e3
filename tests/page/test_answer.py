from __future__ import annotations

import base64
import io
import re
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from html import unescape
from typing import Any

import pytest
from explain.small_predictors import PAIR, linear_predictor, small_predictor
from page.fake_predictor import FakePredictor
from page.phone_photo import phone_photo
from page.test_photos import ANN
from PIL import Image
from trained.scripted_reader import scripted_predictor

import mmskin
import mmskin.explain.photo_map as photo_map_module
import mmskin.page.answer as answer_module
import mmskin.trained.presented_case as presented_case_module
from mmskin.api.predictor import Predictor
from mmskin.errors import UserError
from mmskin.page.answer import LONGEST_TEXT, MOST_SAID, Case, answer_in_steps, ask, quality_of, refused
from mmskin.page.photos import Kept, Photos
from mmskin.report.explanation_html import SIDE
from mmskin.report.numbers import MINUS
from mmskin.trained.prediction import Prediction

FIELDS = {"itch": "yes", "bleed": "yes", "grew": "yes"}
NASTY = '<img src=x onerror=alert(1)> ${7*7} {{7*7}} </span><script>alert("x")</script>'


@pytest.fixture(scope="module")
def kept() -> Kept:
    photos = Photos(max_side=64)
    found = photos.get(photos.keep(phone_photo(), ANN), ANN)
    assert found is not None
    return found


def steps(predictor: Any, case: Case) -> list[Any]:
    return list(answer_in_steps(predictor, case, model="tiny", is_real=False))


def text_of(html: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", html)).split())


def test_the_page_shows_the_numbers_worked_out_by_hand(kept: Kept) -> None:
    # p(MEL) = .2 + .15 photo + .1 itch + .3 bleed − .05 grew + .08 "scabs" = .78; photo alone .35, history alone .63.
    first, last = steps(linear_predictor(), Case({"image": kept}, FIELDS, "scabs"))
    assert "Melanoma 78% Naevus 22%" in text_of(first.answer)
    why = text_of(last.why)
    columns = "Class Nothing known Photo alone History alone Everything"
    assert f"{columns} Melanoma 20% 35% 63% 78% Naevus 80% 65% 37% 22%" in why
    assert "Fields +35.0 Photo +15.0 Patient's words +8.0" in why
    assert f"Bleed: yes +30.0 Itch: yes +10.0 Grew: yes {MINUS}5.0" in why
    # Without bleeding it is .78 − .3 − .15 = .33: Naevus at 67 %. Unknown is worth 0: .48, so Naevus at 52 %.
    assert "Bleed yes no Naevus (67%)" in why
    assert "Bleed yes unknown Naevus (52%)" in why


def test_the_page_shows_what_was_read_in_the_words_and_what_contradicts_the_form() -> None:
    case = Case({}, {"region": "face"}, "sixty, on the arm")
    (shown, _) = steps(scripted_predictor(), case)
    assert "I understood Age: 60 years correct Site: arm (98%) correct" in text_of(shown.answer)
    assert 'data-field="age" data-value="60" aria-label="Correct Age in the form"' in shown.answer
    assert 'data-field="region" data-value="arm"' in shown.answer
    assert "Please note The text says Site: arm (98%), the form says face." in text_of(shown.answer)
    (shown, _) = steps(scripted_predictor(is_taught=False), case)
    assert "I understood" not in text_of(shown.answer)


def test_an_answer_asks_the_model_once_draws_one_map_and_encodes_the_photo_once(
    kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    counts: Counter[str] = Counter()

    def counted(owner: Any, name: str) -> None:
        original = getattr(owner, name)

        def call(*given: Any, **named: Any) -> Any:
            counts[name] += 1
            return original(*given, **named)

        monkeypatch.setattr(owner, name, call)

    predictor = small_predictor("late")
    counted(predictor.trained.model.encoders["image"], "forward")
    counted(Predictor, "answer")
    counted(presented_case_module, "open_rgb")
    counted(photo_map_module, "heat_of")
    steps(predictor, Case({"image": kept}, {"itch": "yes"}, "scabs"))
    assert counts == {"forward": 1, "answer": 1, "open_rgb": 1, "heat_of": 1}


def test_the_answer_does_not_wait_for_its_explanation(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    def late(predictor: Any) -> Any:
        raise AssertionError("explained before answered")

    monkeypatch.setattr(answer_module, "Explainer", late)
    walk = answer_in_steps(linear_predictor(), Case({"image": kept}, FIELDS, None), model="tiny", is_real=False)
    assert "70%" in next(walk).answer
    with pytest.raises(AssertionError, match="explained before"):
        next(walk)


def test_another_class_can_be_explained(kept: Kept) -> None:
    assert f"Photo {MINUS}15.0" in text_of(steps(linear_predictor(), Case({"image": kept}, FIELDS, None, "NEV"))[1].why)


def test_words_are_marked_by_colour_and_sign(kept: Kept) -> None:
    why = steps(linear_predictor(), Case({"image": kept}, FIELDS, None))[1].why
    words = re.search(r'<p class="words">(.*?)</p>', why, re.DOTALL)
    assert words is not None
    assert "+Bleeds." in words[1]
    assert re.search(rf'class="against"[^>]*>{MINUS}Grew\.', words[1])


def test_what_the_patient_says_cannot_become_a_part_of_the_page(kept: Kept) -> None:
    first, last = steps(linear_predictor(), Case({"image": kept}, FIELDS, NASTY))
    for page in (first.answer, last.why, report_of(last), refused("", NASTY).answer):
        assert "<script" not in page
        assert "<img src=x" not in page
    assert "&lt;script&gt;" in first.answer


def report_of(shown: Any, name: str = "mmskin-report.html") -> str:
    saved = re.search(rf'download="{name}" href="data:[^,]+,([^"]+)"', shown.why)
    assert saved is not None
    return base64.b64decode(saved[1]).decode()


def test_the_report_is_one_page_that_needs_nothing_and_names_no_file(kept: Kept) -> None:
    page = report_of(steps(linear_predictor(), Case({"image": kept}, FIELDS, "it scabs"))[1])
    assert page.startswith("<!doctype html>")
    assert "78%" in page
    assert "knows nothing about real skin" in page
    assert "not a diagnosis" in page
    for absent in ("http:", "https:", "Mustermann", 'src="/', "<script"):
        assert absent not in page


def test_the_report_says_when_by_which_model_and_of_what_and_has_room_for_a_case_number(kept: Kept) -> None:
    def clock() -> datetime:
        return datetime(2026, 2, 3, 9, 5, tzinfo=UTC)

    case = Case({"image": kept}, FIELDS, "it scabs")
    *_, last = answer_in_steps(linear_predictor(), case, model="tiny", is_real=True, clock=clock)
    page = report_of(last)
    said = text_of(page)
    assert "Report of one case 03 Feb 2026, 09:05 UTC" in said
    assert f"mmskin {mmskin.__version__}, model tiny" in said
    assert "Itch: yes · Bleed: yes · Grew: yes" in said
    assert "The patient says: “it scabs”" in said
    assert "more characters" not in said
    assert re.search(r"Case number <input type=\"text\"[^>]*autocomplete=\"off\"", page)
    assert 'onclick="window.print()"' in page


def test_the_report_says_how_much_of_a_long_text_it_leaves_out(kept: Kept) -> None:
    said = text_of(report_of(steps(linear_predictor(), Case({}, FIELDS, "abcd " * 1000))[1]))
    assert f"… ({4999 - MOST_SAID:,} more characters are left out here)" in said


def test_the_case_stands_first_and_why_in_one_sentence_comes_with_the_explanation(kept: Kept) -> None:
    first, last = steps(linear_predictor(), Case({"image": kept}, FIELDS, None))
    assert text_of(last.answer).startswith("The answer Most likely")
    assert re.search(r'<img src="data:image/jpeg[^>]*>\s*<div><h2 id="answer-heading" tabindex="-1">', last.answer)
    assert '<p class="sentence"></p>' in first.answer
    rests = "Melanoma: decided mostly by the recorded facts"
    why = f"{rests}; “Bleed: yes” and “Itch: yes” raised it, “Grew: yes” lowered it."
    assert f'<p class="sentence">{why}</p>' in last.answer


def test_what_was_not_given_is_named_by_its_title() -> None:
    (first, *_) = list(_only_answers(FakePredictor()))
    assert "Not given: photo · Since · Site · Does it itch?" in text_of(first)
    assert "not recorded" not in text_of(first)


def test_three_classes_are_shown_and_the_others_folded() -> None:
    predictor = small_predictor("late")
    answer = next(answer_in_steps(predictor, Case({}, {"itch": "yes"}, None), model="tiny", is_real=True)).answer
    assert "The other" not in answer  # of three classes
    classes = (*predictor.schema.classes, "SEK", "VASC")
    shares = dict(zip(classes, (0.5, 0.2, 0.15, 0.1, 0.05), strict=True))
    many = FakePredictor()
    many.schema = many.schema.model_copy(update={"classes": classes, "class_titles": {}, "class_information": {}})
    many.answer = lambda presented: Prediction(shares, ("text",), ())  # type: ignore[method-assign]
    shown, folded = next(_only_answers(many)).split("<details><summary>The other 2 classes</summary>")
    assert re.findall(r'class="name">(\w+)', shown) == list(classes[:3])
    assert re.findall(r'class="name">(\w+)', folded) == list(classes[3:])


def test_a_class_of_the_top_opens_to_what_it_is_what_happens_next_and_where_that_stands() -> None:
    (first, *_) = list(_only_answers(FakePredictor()))
    melanoma, naevus = re.findall(r"<li>(.*?)</li>", first[first.index("Most likely") :], re.DOTALL)[:2]
    assert melanoma.strip().startswith("<details><summary")
    told = "A cancer <i> What usually happens next: It is cut out. Source: NHS, Melanoma skin cancer"
    assert told in text_of(melanoma)
    assert "<details>" not in naevus


def test_what_was_guessed_about_the_history_is_remarked_with_a_photo_too(kept: Kept) -> None:
    case = Case({"image": kept}, {"age": "45-50"}, None)
    (first, _) = steps(small_predictor("concat", "image", "text"), case)
    assert "Age: 45-50 was read as 47.5 years (a range, read as its middle)." in text_of(first.answer)


def test_a_model_with_a_map_shows_it_over_the_photo_at_one_size(kept: Kept) -> None:
    last = steps(small_predictor("concat", "image", "text"), Case({"image": kept}, {"itch": "yes"}, None))[1]
    assert last.why.count('src="data:image/jpeg;base64,') == 2
    assert "Opacity of the heat map" in last.why
    assert "cells" in last.why
    assert "no heat map" in steps(small_predictor("concat", "image", "text"), Case({}, {"itch": "yes"}, None))[1].why


def test_the_map_is_laid_over_the_photo_as_the_visitor_gave_it_at_the_size_of_the_page(kept: Kept) -> None:
    why = steps(small_predictor("concat", "image", "text"), Case({"image": kept}, {"itch": "yes"}, None))[1].why
    photo, laid_over = (base64.b64decode(data) for data in re.findall(r'src="data:image/jpeg;base64,([^"]+)"', why))
    with Image.open(io.BytesIO(photo)) as shown, Image.open(io.BytesIO(laid_over)) as over:
        assert shown.size == over.size
        assert max(shown.size) == SIDE


def test_what_is_wrong_with_the_photo_is_said_once() -> None:
    photos = Photos(max_side=64)
    dark = photos.get(photos.keep(phone_photo(side=20), ANN), ANN)
    assert dark is not None
    predictor, case = small_predictor("concat", "image", "text"), Case({"image": dark}, {}, None)
    (shown, _) = steps(predictor, case)
    _, prediction = ask(predictor, case)
    (quality,) = dark.quality
    assert quality.startswith("the photo is small: 10 x 20 pixels")
    assert shown.answer.count("he photo is small") == 1
    assert quality not in prediction.remarks


def test_nothing_to_go_by_and_a_text_too_long_are_one_helpful_sentence() -> None:
    with pytest.raises(UserError, match="there is nothing to go by: this model needs a photo or a field or free text"):
        ask(linear_predictor(), Case({}, {}, ""))
    with pytest.raises(UserError, match="the text has 5,001 characters; at most 5,000 are read"):
        ask(linear_predictor(), Case({}, {}, "a" * (LONGEST_TEXT + 1)))


# --- several kinds of photo ---


def pair_case(kept: Kept) -> Case:
    photos = Photos(max_side=64)
    other = photos.get(photos.keep(phone_photo(side=20), ANN), ANN)
    assert other is not None
    return Case({"clinical": kept, "dermoscopic": other}, {"itch": "yes"}, "scabs")


def test_each_kind_of_photo_has_its_map_its_share_and_its_answer_alone(kept: Kept) -> None:
    first, last = steps(small_predictor("late", *PAIR, "text", photos=PAIR), pair_case(kept))
    used = "Used the clinical photo, the dermoscopic photo, the history (form and free text)"
    assert used in text_of(first.answer)
    why = text_of(last.why)
    assert "Where in the photos the evidence lies" in why
    assert "Each alone, and together" in why
    columns = "Nothing known Clinical photo alone Dermoscopic photo alone History alone Everything"
    assert columns in why
    for part in ("Clinical photo", "Dermoscopic photo", "Fields", "Patient's words"):
        assert re.search(rf"{part} [+{MINUS}]?\d+\.\d", why), part
    assert last.why.count('src="data:image/jpeg;base64,') == 4
    assert last.why.count('type="range"') == 1
    assert re.findall(r"<figcaption>(.*?)</figcaption>", last.why) == ["Clinical photo", "Dermoscopic photo"]
    assert why.count("cells, which are drawn smoothly") == 1  # said once, for it is true of both


def test_of_one_photo_of_two_kinds_there_is_one_map(kept: Kept) -> None:
    predictor = small_predictor("concat", *PAIR, "text", photos=PAIR)
    first, last = steps(predictor, Case({"dermoscopic": kept}, {"itch": "yes"}, None))
    assert "there is no clinical photo: this model was made to see one" in text_of(first.answer).lower()
    assert 'alt="The dermoscopic photo that was given"' in last.why
    assert last.why.count('src="data:image/jpeg;base64,') == 2
    assert "<figcaption>" not in last.why


def test_what_is_wrong_with_a_photo_names_its_kind(kept: Kept) -> None:
    predictor, case = small_predictor("concat", *PAIR, "text", photos=PAIR), pair_case(kept)
    _, prediction = ask(predictor, case)
    (small,) = [line for line in quality_of(predictor, case) if "is small" in line]
    assert small.startswith("dermoscopic photo: the photo is small: 10 x 20 pixels")
    assert not [remark for remark in prediction.remarks if "is small" in remark]


# --- safeguards ---


def test_triage_comes_first_with_its_reasons_then_the_set_with_full_titles_and_its_promise() -> None:
    (first, *_) = list(_only_answers(FakePredictor()))
    said = text_of(first)
    assert said.startswith("The answer 62 years See a physician urgently A dangerous diagnosis is likely: Melanoma <b>")
    assert said.index("See a physician") < said.index("Most likely") < said.index("Cannot be left out")
    assert "Cannot be left out Melanoma <b> · NEV Of each class, the true one is in this set in 90% of new" in said
    assert "Validation had too few cases to ever leave out: NEV." in said
    assert "✓" not in first


def test_without_safeguards_there_is_neither_triage_nor_set(kept: Kept) -> None:
    first, _ = steps(linear_predictor(), Case({"image": kept}, FIELDS, None))
    assert "See a physician" not in text_of(first.answer)
    assert "Cannot be left out" not in first.answer


def _only_answers(predictor: Any) -> Iterator[str]:
    for shown in answer_in_steps(predictor, Case({}, {"age": "62"}, "it scabs"), model="tiny", is_real=False):
        yield shown.answer
        return

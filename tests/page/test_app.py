from __future__ import annotations

import json
import logging
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from page.fake_predictor import FakePredictor, PairPredictor

gr = pytest.importorskip("gradio")

from page.loops import in_a_loop  # noqa: E402
from page.phone_photo import phone_photo  # noqa: E402
from page.test_photos import ANN, BOB  # noqa: E402

import mmskin.page.app as app_module  # noqa: E402
from mmskin.errors import UserError  # noqa: E402
from mmskin.page.app import build_app, launch_options, missingness_warnings  # noqa: E402
from mmskin.page.handlers import Page  # noqa: E402
from mmskin.page.kept_diagnoses import KeptDiagnoses  # noqa: E402
from mmskin.page.photos import Photos  # noqa: E402
from mmskin.trained.prediction import VISIBLE  # noqa: E402

EMPTY = {"age": "", "since": ["", "months"], "site": "", "itch": ""}


@pytest.fixture
def page() -> Page:
    return Page(FakePredictor(), Photos(max_side=64), model="tiny", is_real=True)  # type: ignore[arg-type]


def from_(visitor: str) -> Any:
    return SimpleNamespace(headers={"cookie": f"mmskin-visitor={visitor}"})


def test_the_form_asks_for_photo_history_text_and_class(page: Page) -> None:
    app = in_a_loop(build_app, page, "")
    ask = next(event for event in app.fns.values() if event.fn == page.answer)
    photo, history, text, target, _ = ask.inputs
    assert [block.elem_id for block in (photo, history)] == ["photo", "history"]
    assert [block.label for block in (photo, text, target)] == [
        "Photo of the lesion", "What the patient says", "Class to explain",
    ]  # fmt: skip
    assert history.value == EMPTY


def test_what_is_open_to_programs_shares_the_queue_of_the_page(page: Page) -> None:
    app = in_a_loop(build_app, page, "")
    public = [event for event in app.fns.values() if event.api_visibility == "public"]
    assert [event.api_name for event in public] == ["predict", "read_table", "answer_row"]
    asking = [event for event in app.fns.values() if event.fn in (page.answer, page.predict, page.answer_row)]
    assert {event.concurrency_id for event in asking} == {"model"}
    assert {event.concurrency_limit for event in asking} == {1}
    assert app._queue.max_size == 16
    assert not app.analytics_enabled


def test_nothing_is_shared_recorded_or_kept(tmp_path: Path) -> None:
    options = launch_options(Photos(max_side=64), tmp_path, host="127.0.0.1", port=7860)
    for switch in ("share", "run_history", "enable_monitoring", "mcp_server", "pwa", "ssr_mode", "show_error"):
        assert options[switch] is False
    assert (options["server_name"], options["max_file_size"]) == ("127.0.0.1", "20mb")


def test_a_refusal_stands_where_the_answer_would(page: Page) -> None:
    (shown,) = page.answer(from_(ANN), "", EMPTY | {"age": "500"}, "", "", 1)
    assert "Age: 500 is not possible; it must lie between 0 and 120 years" in shown.answer
    assert 'role="alert"' in shown.answer
    assert shown.why == ""


def test_an_explanation_that_fails_leaves_the_answer_where_it_is(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*asked: Any, **named: Any) -> Any:
        raise UserError("no captum here")

    monkeypatch.setattr("mmskin.page.answer.Explainer.explain_presented", fail)
    first, last = page.answer(from_(ANN), "", EMPTY, "it scabs", "", 1)
    assert "75%" in first.answer
    assert last.answer == first.answer
    assert "No captum here" in last.why


def test_the_photo_of_another_visitor_is_not_used(page: Page) -> None:
    name = page.photos.keep(phone_photo(), ANN)
    (shown,) = page.answer(from_(BOB), f"/private/{name}", EMPTY, "", "", 1)
    assert "no longer kept" in shown.answer
    assert page.predict(name, {}, None, from_(BOB)) == page.predict("nothing.jpg", {}, None, from_(ANN))
    assert page.predictor.asked == []  # type: ignore[attr-defined]
    assert "probabilities" in page.predict(name, {}, None, from_(ANN))


def test_what_nobody_planned_is_logged_by_its_kind_only(page: Page, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        (shown,) = page.answer(from_(ANN), "", EMPTY, "boom", "", 1)
        assert page.predict(None, {}, "boom", from_(ANN))["error"].startswith("something went wrong")
    assert "Something went wrong" in shown.answer
    assert [record.getMessage() for record in caplog.records] == ["an answer failed: RuntimeError"] * 2


def test_a_program_gets_the_answer_as_plain_values(page: Page) -> None:
    told = page.predict(None, {"age": 62, "since": 14}, "it scabs", from_(ANN))
    assert told["probabilities"] == {"MEL": 0.75, "NEV": 0.25}
    assert told["triage"]["level"] == "urgent"
    assert told["answer_set"]["classes"] == ["MEL", "NEV"]
    assert page.predict(None, {"size": 3}, None, from_(ANN))["error"].startswith("tiny field 'size' does not exist")


def test_the_demonstration_says_in_large_letters_what_it_is(page: Page) -> None:
    assert "knows nothing about real skin" in app_module._heading(is_real=False)
    assert "knows nothing" not in app_module._heading(is_real=True)


def test_a_model_that_is_not_there_gives_its_exit_code(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["app.py", "--model", str(tmp_path / "nothing")])
    assert app_module.main() == 3
    assert "nothing" in capsys.readouterr().err


def test_an_answer_says_of_which_case_it_is(page: Page) -> None:
    for shown in page.answer(from_(ANN), "", EMPTY | {"itch": "yes"}, "", "", 17):
        assert shown.answer.startswith('<div data-case="17">')
    (shown,) = page.answer(from_(ANN), "", EMPTY | {"age": "500"}, "", "", '"><script>')
    assert shown.answer.startswith('<div data-case="0">')
    assert shown.why == ""


# --- a model that reads from what is missing ---


def visible(page: Page) -> Any:
    models = [SimpleNamespace(record={}), SimpleNamespace(record={"missingness": "visible"})]
    return SimpleNamespace(trained=SimpleNamespace(models=models))


def test_a_model_with_missing_fields_visible_is_refused_unless_it_is_allowed(page: Page) -> None:
    with pytest.raises(UserError, match="can make a cancer look benign; start the page with --allow-visible-missing"):
        missingness_warnings(visible(page), allowed=False)
    assert missingness_warnings(visible(page), allowed=True) == (VISIBLE,)
    others = SimpleNamespace(trained=SimpleNamespace(models=[SimpleNamespace(record={"missingness": "equalized"})]))
    assert missingness_warnings(others, allowed=False) == ()  # type: ignore[arg-type]


def test_a_warning_stands_once_before_all_other_remarks_of_every_answer(page: Page) -> None:
    page.warnings = ("mind this", "the rest was not used")
    first, *_ = page.answer(from_(ANN), "", EMPTY, "it scabs", "", 1)
    assert first.answer.index("Mind this.") < first.answer.index("The rest was not used.")
    assert first.answer.count("The rest was not used.") == 1


# --- what the diagnosis was ---


@pytest.fixture
def keeping(tmp_path: Path) -> Page:
    kept = KeptDiagnoses(tmp_path / "kept.jsonl")
    return Page(FakePredictor(), Photos(max_side=64), model="tiny", is_real=True, diagnoses=kept)  # type: ignore[arg-type]


def test_a_diagnosis_is_asked_for_only_where_it_is_kept(page: Page, keeping: Page) -> None:
    def buttons(of: Page) -> list[str]:
        return [block.elem_id for block in in_a_loop(build_app, of, "").blocks.values()]

    assert "keep" in buttons(keeping)
    assert "keep" not in buttons(page)
    assert "diagnosis" not in buttons(page)


def test_a_kept_diagnosis_holds_the_answer_and_nothing_of_the_patient(keeping: Page, tmp_path: Path) -> None:
    name = keeping.photos.keep(phone_photo(), ANN)
    told = keeping.keep_diagnosis(from_(ANN), name, EMPTY | {"age": "62"}, "Zebulon says it scabs", "NEV", 3)
    assert 'data-case="3"' in told
    (line,) = (tmp_path / "kept.jsonl").read_text().splitlines()
    kept = json.loads(line)
    assert sorted(kept) == ["date", "diagnosis", "model", "probabilities", "triage", "used"]
    assert kept["probabilities"] == {"MEL": 0.75, "NEV": 0.25}
    assert (kept["diagnosis"], kept["triage"], kept["used"]) == ("NEV", "urgent", ["image", "text"])
    for left in ("62", "scabs", "Zebulon", name):
        assert left not in line


@pytest.mark.parametrize(
    ("held", "diagnosis", "says"),
    [
        ({}, "", "Choose what the diagnosis was"),
        ({}, "scabies", "diagnosis &#39;scabies&#39; does not exist"),
        ({"age": "500"}, "NEV", "must lie between"),
    ],
)
def test_what_cannot_be_kept_is_said_and_not_kept(
    keeping: Page, tmp_path: Path, held: dict[str, str], diagnosis: str, says: str
) -> None:
    assert says.lower() in keeping.keep_diagnosis(from_(ANN), "", EMPTY | held, "it scabs", diagnosis, 1).lower()
    assert (tmp_path / "kept.jsonl").read_text() == ""


# --- several kinds of photo ---


@pytest.fixture
def pair() -> Page:
    return Page(PairPredictor(), Photos(max_side=64), model="tiny", is_real=True)  # type: ignore[arg-type]


def test_the_form_asks_for_each_kind_of_photo_by_name(pair: Page) -> None:
    app = in_a_loop(build_app, pair, "")
    ask = next(event for event in app.fns.values() if event.fn == pair.answer)
    assert [block.label for block in ask.inputs[:2]] == [
        "Clinical photo of the lesion", "Dermoscopic photo of the lesion",
    ]  # fmt: skip
    assert [block.elem_id for block in ask.inputs[:2]] == ["photo-clinical", "photo-dermoscopic"]


def test_each_photo_is_asked_under_its_kind(pair: Page) -> None:
    name = pair.photos.keep(phone_photo(), ANN)
    first, *_ = pair.answer(from_(ANN), "", f"/private/{name}", EMPTY, "it scabs", "", 1)
    assert list(pair.predictor.asked[-1]["image"]) == ["dermoscopic"]  # type: ignore[attr-defined]
    assert "the dermoscopic photo, the history (form and free text)" in first.answer
    assert "Not given:</strong> clinical photo" in first.answer


def test_a_program_names_photos_by_kind(pair: Page) -> None:
    one, other = (pair.photos.keep(phone_photo(), ANN) for _ in range(2))
    told = pair.predict({"clinical": one, "dermoscopic": other}, {}, None, from_(ANN))
    assert told["used"] == ["clinical", "dermoscopic", "text"]
    assert list(pair.predictor.asked[-1]["image"]) == ["clinical", "dermoscopic"]  # type: ignore[attr-defined]
    assert pair.predict({"dermoscopic": other}, {}, None, from_(ANN))["missing"] == ["clinical"]
    refused = pair.predict(one, {}, None, from_(ANN))["error"]
    assert refused.startswith("this model reads several kinds of photo: give an object of names by kind")
    assert '{"clinical": "NAME.jpg", "dermoscopic": "NAME.jpg"}' in refused
    assert "photo kind 'dermo' does not exist" in pair.predict({"dermo": one}, {}, None, from_(ANN))["error"]
    assert "no longer kept" in pair.predict({"clinical": one}, {}, None, from_(BOB))["error"]


def test_of_one_kind_a_program_may_name_it_or_not(page: Page) -> None:
    name = page.photos.keep(phone_photo(), ANN)
    assert page.predict(name, {}, None, from_(ANN)) == page.predict({"image": name}, {}, None, from_(ANN))

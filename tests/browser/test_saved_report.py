"""The saved report of one case on paper, in a real browser."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from typing import Any

import pytest
from explain.small_predictors import PAIR, small_predictor
from page.phone_photo import phone_photo

from mmskin.api.predictor import Predictor
from mmskin.page.answer import LONGEST_TEXT, Case, answer_in_steps
from mmskin.page.examples import draw_examples
from mmskin.page.photos import Kept, Photos

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

ANN = "a" * 32
LONG = ("It itches at night, has bled twice and scabs over and over. " * 100)[:LONGEST_TEXT]
BANNER = (122, 46, 0)  # of page.css


def kept(number: int) -> Kept:
    photos = Photos(max_side=64)
    found = photos.get(photos.keep(phone_photo(draw_examples()[number].photo), ANN), ANN)
    assert found is not None
    return found


def report_of(predictor: Predictor, case: Case) -> str:
    *_, last = answer_in_steps(predictor, case, model="wide", is_real=False)
    saved = re.search(r'href="data:text/html;charset=utf-8;base64,([^"]+)"', last.why)
    assert saved is not None
    return base64.b64decode(saved[1]).decode()


@pytest.fixture
def sheet(browser: Any) -> Iterator[Any]:
    page = browser.new_page(viewport={"width": 900, "height": 1100})
    yield page
    page.close()


def pages_of(pdf: bytes) -> int:
    return len(re.findall(rb"/Type\s*/Page\b(?!s)", pdf))


@pytest.mark.parametrize("text", [None, LONG], ids=["no text", "the longest text"])
@pytest.mark.parametrize("kinds", [("image",), PAIR], ids=["one photo", "two kinds"])
def test_the_report_prints_on_one_page(sheet: Any, kinds: tuple[str, ...], text: str | None) -> None:
    predictor = small_predictor("late", *kinds, "text", photos=kinds)
    case = Case({kind: kept(n) for n, kind in enumerate(kinds)}, {"age": "45-50", "itch": "yes"}, text)
    sheet.set_content(report_of(predictor, case))
    assert pages_of(sheet.pdf(prefer_css_page_size=True)) == 1
    assert pages_of(sheet.pdf(format="A4", print_background=False)) == 1


def test_colours_stay_in_print_and_the_button_and_hint_do_not(sheet: Any) -> None:
    sheet.set_content(report_of(small_predictor("late"), Case({"image": kept(0)}, {"itch": "yes"}, None)))
    sheet.get_by_label("Case number").fill("B 2026/17")
    assert sheet.get_by_role("button", name="Print or save as PDF").is_visible()
    sheet.emulate_media(media="print")
    assert not sheet.get_by_role("button", name="Print or save as PDF").is_visible()
    assert not sheet.get_by_text("neither sent nor stored").is_visible()
    assert sheet.get_by_label("Case number").input_value() == "B 2026/17"
    style = "getComputedStyle(document.querySelector('.mm-banner'))"
    assert sheet.evaluate(f"{style}.printColorAdjust") == "exact"
    assert sheet.evaluate(f"{style}.backgroundColor") == f"rgb{BANNER}"


def test_the_button_prints_and_a_phone_needs_no_scrolling_sideways(sheet: Any) -> None:
    sheet.add_init_script("window.print = () => { window.printed = true; }")
    sheet.goto("about:blank")
    sheet.set_content(report_of(small_predictor("late"), Case({"image": kept(0)}, {"itch": "yes"}, LONG)))
    sheet.get_by_role("button", name="Print or save as PDF").click()
    assert sheet.evaluate("window.printed") is True
    sheet.set_viewport_size({"width": 390, "height": 844})
    assert sheet.evaluate("document.documentElement.scrollWidth") <= 390

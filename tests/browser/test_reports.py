"""Reports as they are read: by eye, by keyboard, by ear, in the dark, on a phone and on paper."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from browser.report_pages import report_pages

from mmskin.report.numbers import MINUS, NOTHING

pytestmark = [pytest.mark.browser, pytest.mark.timeout(1200)]

PAGES = ("quickstart", "audit", "comparison", "drift", "check", "leaks", "explanation")
DESK, PHONE = {"width": 1280, "height": 800}, {"width": 390, "height": 844}
GRAVE = ("serious", "critical")
PAPER = {"A4": 688, "on its side": 1017}  # CSS pixels between the margins


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    made = report_pages(tmp_path_factory.mktemp("pages"))
    assert tuple(made) == PAGES
    return made


@pytest.fixture
def open_page(browser: Any, pages: dict[str, Path]) -> Iterator[Any]:
    contexts, faults = [], []

    def opened(name: str, viewport: dict[str, int] = DESK, **options: Any) -> Any:
        contexts.append(browser.new_context(viewport=viewport, **options))
        page = contexts[-1].new_page()
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("request", lambda request: faults.append(request.url) if request.url.startswith("http") else None)
        page.goto(pages[name].as_uri())
        return page

    yield opened
    for context in contexts:
        context.close()
    assert faults == []  # no error of a script, and nothing was fetched


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_nothing_grave(name: str, scheme: str, open_page: Any) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    page = open_page(name, color_scheme=scheme)
    page.evaluate("document.querySelectorAll('details').forEach(details => details.open = true)")
    found = axe.Axe().run(page).response
    assert len(found["passes"]) > 10
    grave = [(rule["id"], [node["html"] for node in rule["nodes"]]) for rule in found["violations"]]
    assert [of for of, rule in zip(grave, found["violations"], strict=True) if rule["impact"] in GRAVE] == []


@pytest.mark.parametrize("name", PAGES)
def test_a_page_has_one_title_landmarks_and_contents_that_lead_to_every_section(name: str, open_page: Any) -> None:
    page = open_page(name)
    assert [page.locator(tag).count() for tag in ("h1", "main", "nav", "html[lang=en]")] == [1, 1, 1, 1]
    levels = [int(tag[1]) for tag in page.eval_on_selector_all("h1,h2,h3", "all => all.map(one => one.tagName)")]
    assert all(after <= before + 1 for before, after in pairwise(levels))
    targets = page.eval_on_selector_all("nav a", "all => all.map(link => link.getAttribute('href').slice(1))")
    ids = page.eval_on_selector_all("main [id]", "all => all.map(one => one.id)")
    headings = page.eval_on_selector_all(".heading h2", "all => all.map(one => one.id)")
    assert targets == headings
    assert len(headings) > 1
    assert all(ids.count(target) == 1 for target in [*targets, "contents"])
    page.locator("nav a").last.click()
    assert page.locator(".heading h2").last.evaluate("h => h.getBoundingClientRect().top < innerHeight")
    page.locator(".heading a").last.click()
    assert page.evaluate("location.hash") == "#contents"


@pytest.mark.parametrize("viewport", [DESK, PHONE], ids=["desk", "phone"])
@pytest.mark.parametrize("name", PAGES)
def test_the_answer_stands_in_the_first_screen_and_nothing_runs_over_the_side(
    name: str, viewport: dict[str, int], open_page: Any
) -> None:
    page = open_page(name, viewport)
    first = page.locator(".headline p").first
    assert first.evaluate("p => p.getBoundingClientRect().bottom") < viewport["height"]
    assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"]


def test_a_quickstart_begins_with_what_the_history_adds(open_page: Any) -> None:
    told = open_page("quickstart").locator(".headline p").all_inner_texts()
    number = rf"{MINUS}?\d\.\d{{3}}"
    interval = rf"\+?{number} \[{number}, {number}\] balanced accuracy \(late against image_only, p [=<] \S+\)\."
    assert re.fullmatch(
        rf"(The history adds|The history does harm:|No difference by the history can be told:) {interval}", told[0]
    )
    assert all(f"{arm} 0." in told[1] for arm in ("late", "image_only", "text_only", "cross_attention"))


def test_every_scroll_box_can_be_reached_by_keyboard_and_says_what_it_holds(open_page: Any) -> None:
    for name in PAGES:
        boxes = open_page(name).locator(".scroll, pre")
        for box in boxes.all():
            assert box.get_attribute("tabindex") == "0"
            assert box.get_attribute("role") == "region"
            assert len(box.get_attribute("aria-label") or "") > 7


def test_columns_are_sorted_by_keyboard_numbers_by_their_number(open_page: Any) -> None:
    page = open_page("comparison")
    table = page.locator("#results ~ *").locator("xpath=ancestor-or-self::section//table").first
    numbers = table.locator("tbody td:nth-child(2)")
    before = numbers.all_inner_texts()
    head = table.locator("thead th").nth(1)
    head.locator("button").focus()
    for sorting, falls in (("descending", True), ("ascending", False)):
        page.keyboard.press("Enter")
        assert head.get_attribute("aria-sort") == sorting
        shown = numbers.all_inner_texts()
        assert shown == sorted(before, key=lambda cell: float(cell.split()[0]), reverse=falls)
    assert table.locator("[aria-sort]").count() == 1
    table.locator("thead th button").first.press("Space")
    names = table.locator("tbody th").all_inner_texts()
    assert names == sorted(names, reverse=True)
    assert head.get_attribute("aria-sort") is None


def test_what_is_no_number_goes_last_and_signs_and_thousands_count(browser: Any) -> None:
    script = (Path(__file__).parents[2] / "mmskin" / "report" / "sort_tables.js").read_text(encoding="utf-8")
    cells = [NOTHING, "+0.047 [0.014, 0.080]", "1,237", f"{MINUS}0.5 (p < 0.001)", "n/a", "62%", "< 0.001"]
    rows = "".join(f"<tr><th>row</th><td>{cell.replace('<', '&lt;')}</td></tr>" for cell in cells)
    page = browser.new_page()
    page.set_content(
        f"<table class=sorts><thead><tr><th>Arm</th><th>Value</th></tr></thead><tbody>{rows}</tbody></table>"
        f"<script>{script}</script>"
    )
    page.get_by_role("button", name="Value").click()
    page.get_by_role("button", name="Value").click()
    told = page.locator("td").all_inner_texts()
    page.close()
    assert told == [f"{MINUS}0.5 (p < 0.001)", "< 0.001", "+0.047 [0.014, 0.080]", "62%", "1,237", NOTHING, "n/a"]


@pytest.mark.parametrize("name", PAGES)
def test_on_paper_no_table_is_cut(name: str, open_page: Any) -> None:
    page = open_page(name, {"width": PAPER["A4"], "height": 1000})
    page.emulate_media(media="print")
    page.evaluate("document.querySelectorAll('details').forEach(details => details.open = true)")
    for selector, paper in ((".wide table", "on its side"), ("table:not(.wide table)", "A4")):
        page.set_viewport_size({"width": PAPER[paper], "height": 1000})
        widths = page.eval_on_selector_all(selector, "all => all.map(table => table.getBoundingClientRect().width)")
        assert max(widths, default=0) <= PAPER[paper]


def test_on_paper_a_quickstart_is_short_and_heads_of_long_tables_are_repeated(open_page: Any) -> None:
    printed = open_page("quickstart").pdf(prefer_css_page_size=True)
    assert len(re.findall(rb"/Type\s*/Page\b", printed)) <= 14
    page = open_page("comparison")
    page.emulate_media(media="print")
    buttons = page.eval_on_selector_all("th button", "all => all.map(one => getComputedStyle(one).display)")
    assert set(buttons) == {"contents"}  # Chromium repeats no head of a table that holds a box


def test_in_the_dark_the_page_is_dark_and_figures_too(open_page: Any) -> None:
    page = open_page("comparison", color_scheme="dark")
    red, green, blue = (
        int(part) for part in re.findall(r"\d+", page.evaluate("getComputedStyle(document.body).backgroundColor"))
    )
    assert max(red, green, blue) < 60
    figure = page.locator("figure svg").first
    assert "invert" in figure.evaluate("svg => getComputedStyle(svg).filter")
    page.emulate_media(media="print", color_scheme="dark")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert figure.evaluate("svg => getComputedStyle(svg).filter") == "none"


def test_figures_and_photos_have_a_name(open_page: Any) -> None:
    for name in PAGES:
        page = open_page(name)
        for figure in page.locator("figure > svg").all():
            assert figure.get_attribute("role") == "img"
            assert figure.get_attribute("aria-label")
        assert all(photo.get_attribute("alt") for photo in page.locator("img").all())


def test_a_quickstart_shows_cases_right_and_wrong_and_says_that_they_are_invented(open_page: Any) -> None:
    page = open_page("quickstart")
    assert page.locator(".examples li").count() > 4
    assert page.locator(".examples img").count() == page.locator(".examples li").count()
    assert "patients who do not exist" in page.locator("header .warning").last.inner_text()

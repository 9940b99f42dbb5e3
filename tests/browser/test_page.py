"""What a clinician does, in a real browser."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from browser.conftest import Site
from page.phone_photo import phone_photo

from mmskin.page.examples import draw_examples

pytestmark = [pytest.mark.browser, pytest.mark.timeout(1200)]

SLOW = 60_000  # ms: CI's machine does other things too
NAME = "Zebulon Quacksalver"


class Visit:
    """A page that is open, and what it asked of which machine."""

    def __init__(self, page: Any, site: Site) -> None:
        self.page, self.site = page, site
        self.hosts: set[str] = set()
        page.set_default_timeout(SLOW)
        page.on("request", lambda request: self.hosts.add(request.url))
        page.goto(site.address)
        page.locator("#ask").wait_for()
        page.locator("#photo input[type=file]").wait_for(state="attached")

    def give(self, path: Path) -> None:
        self.page.locator("#photo input[type=file]").set_input_files(path)

    def ask(self) -> dict[str, str]:
        """The differential of a case that was not asked before, once its explanation is there too."""
        link = "document.querySelector('#why a.save')?.href"
        before = self.page.evaluate(link)
        self.page.locator("#ask").click()
        self.page.wait_for_function(f"before => {link} && {link} !== before", arg=before)
        return self.differential()

    def differential(self) -> dict[str, str]:
        rows = self.page.locator("#answer .meters li").all()
        return {row.locator(".name").inner_text(): row.locator(".value").inner_text() for row in rows}

    def choose(self, field: str, value: str) -> None:
        self.page.get_by_role("radiogroup", name=field).get_by_label(value, exact=True).check()


@pytest.fixture
def visit(browser: Any, site: Site) -> Iterator[Visit]:
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    yield Visit(context.new_page(), site)
    context.close()


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / f"{NAME}.jpg"
    path.write_bytes(phone_photo(draw_examples()[1].photo))
    return path


def test_a_photo_and_a_history_give_an_answer_that_moves_with_a_field(visit: Visit, photo: Path) -> None:
    visit.give(photo)
    visit.page.locator("#photo img").wait_for()
    visit.page.get_by_label("Age (years)").fill("81")
    visit.page.get_by_label("What the patient says").fill("it bleeds now and then")
    visit.choose("Has bled", "yes")
    before = visit.ask()
    assert len(before) == 6
    assert sum(float(told.rstrip("%")) for told in before.values()) == pytest.approx(100, abs=4)
    visit.page.get_by_text("The whole explanation").click()
    for heading in ("Photo alone, history alone, both", "Where in the photo the evidence lies", "The words"):
        assert visit.page.get_by_role("heading", name=heading).is_visible()
    visit.choose("Has bled", "no")
    assert visit.ask() != before
    assert "Has not bled." in visit.page.locator("#answer").text_content()


def test_the_heat_map_fades_with_the_slider(visit: Visit, photo: Path) -> None:
    visit.give(photo)
    visit.page.locator("#photo img").wait_for()
    visit.ask()
    visit.page.get_by_text("The whole explanation").click()
    over = visit.page.locator("#why .over")
    assert over.evaluate("e => getComputedStyle(e).opacity") == "0.45"
    visit.page.get_by_label("Opacity of the heat map").fill("90")
    assert over.evaluate("e => getComputedStyle(e).opacity") == "0.9"


def test_an_empty_form_gets_a_helpful_sentence(visit: Visit) -> None:
    visit.page.locator("#ask").click()
    told = visit.page.locator("#answer [role=alert]").inner_text()
    assert told.startswith("There is nothing to go by: give a photo or an entry in the form or free text")


def test_a_text_file_called_jpg_gets_a_plain_error(visit: Visit, tmp_path: Path) -> None:
    fake = tmp_path / "lesion.jpg"
    fake.write_text("this is no photo")
    visit.give(fake)
    complaint = visit.page.get_by_text("no image at all").first
    complaint.wait_for()
    assert complaint.is_visible()


def test_an_example_fills_the_form(visit: Visit) -> None:
    visit.page.get_by_role("button", name="Example").first.click()
    visit.page.locator("#photo img").wait_for()
    assert visit.page.get_by_label("What the patient says").input_value()
    assert len(visit.ask()) == 6


def test_the_report_is_saved_as_one_page(visit: Visit, tmp_path: Path) -> None:
    visit.page.get_by_label("Age (years)").fill("70")
    visit.ask()
    with visit.page.expect_download() as saved:
        visit.page.locator("#why a.save").click()
    saved.value.save_as(tmp_path / "report.html")
    assert saved.value.suggested_filename == "mmskin-report.html"
    assert "70 years old" in (tmp_path / "report.html").read_text()


def test_the_model_card_is_the_second_tab(visit: Visit) -> None:
    visit.page.get_by_role("tab", name="Model card").click()
    shown = visit.page.get_by_text("Balanced accuracy")
    shown.wait_for(timeout=5000)
    assert shown.is_visible()


def test_keys_alone_reach_the_form_and_the_answer(visit: Visit) -> None:
    page = visit.page
    page.keyboard.press("Tab")
    seen = []
    for _ in range(60):
        seen.append(page.evaluate("document.activeElement.getAttribute('aria-label') || document.activeElement.id"))
        label = page.evaluate("document.activeElement.closest('.block')?.innerText ?? ''")
        if label.startswith("Age"):
            page.keyboard.type("66")
        if seen[-1] == "ask":
            assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
            page.keyboard.press("Enter")
            break
        page.keyboard.press("Tab")
    assert seen[-1] == "ask", seen
    page.locator("#answer .meters").wait_for()
    assert "66 years" in page.locator("#answer .case").inner_text()


def test_every_control_has_a_name(visit: Visit) -> None:
    nameless = visit.page.evaluate(
        """() => [...document.querySelectorAll('button, input, textarea, select')]
        .filter(e => e.offsetParent !== null && e.type !== 'file')
        .filter(e => !(e.getAttribute('aria-label') || e.getAttribute('title') || e.labels?.length
                       || e.getAttribute('aria-labelledby') || e.innerText.trim()))
        .map(e => e.outerHTML.slice(0, 200))"""
    )
    assert nameless == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_shows_it_all_without_scrolling_sideways(browser: Any, site: Site, scheme: str, photo: Path) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 844}, color_scheme=scheme)
    visit = Visit(context.new_page(), site)
    visit.give(photo)
    visit.page.locator("#photo img").wait_for()
    visit.choose("Itches", "yes")
    visit.ask()
    assert visit.page.evaluate("document.documentElement.scrollWidth") <= 390
    ink, ground = visit.page.evaluate(
        "['color', 'backgroundColor'].map((what, i) => getComputedStyle("
        "i ? document.body : document.querySelector('#answer .name'))[what])"
    )
    assert contrast(ink, ground) >= 4.5  # WCAG 2.2 AA
    context.close()


def contrast(one: str, other: str) -> float:
    """The contrast of two CSS colours by WCAG 2.2, 1 to 21."""
    lights = sorted((luminance(one), luminance(other)))
    return (lights[1] + 0.05) / (lights[0] + 0.05)


def luminance(colour: str) -> float:
    channels = [int(value) / 255 for value in re.findall(r"\d+", colour)[:3]]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_nothing_of_a_patient_is_left_anywhere_and_nothing_left_the_machine(
    browser: Any, site: Site, photo: Path
) -> None:
    context, stranger = browser.new_context(), browser.new_context()
    visit = Visit(context.new_page(), site)
    visit.give(photo)
    shown = visit.page.locator("#photo img")
    shown.wait_for()
    address = shown.get_attribute("src")
    visit.page.get_by_label("What the patient says").fill(f"{NAME} says that it scabs")
    visit.ask()
    assert NAME in visit.page.locator("#answer").text_content()
    assert context.request.get(address).ok
    assert stranger.request.get(address).status == 404
    assert {url.split("/")[2] for url in visit.hosts if url.startswith("http")} == {site.address.split("/")[2]}
    context.close()
    stranger.close()
    assert site.refused.read_text() == ""
    files = [path for path in site.home.rglob("*") if path.is_file()]
    assert len(files) > 5  # the model, the log
    for path in files:
        content = path.read_bytes()
        for left in (b"Quacksalver", b"Mustermann", b"scabs"):
            assert left not in content, path
    assert not [path for path in (site.home / "tmp").rglob("*") if path.is_file()]

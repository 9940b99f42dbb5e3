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
        page.wait_for_function("window.mmskin")

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
        rows = self.page.locator("#answer .meters > li").all()
        return {row.locator(".name").text_content(): row.locator(".value").text_content() for row in rows}

    def field(self, label: str) -> Any:
        """A field of the history, which is unfolded first if it is folded."""
        return self._unfolded(self.page.get_by_label(label))

    def choose(self, field: str, value: str) -> None:
        """Press a chip until it says so."""
        chip = self._unfolded(self.page.locator(f'.chip[data-title="{field}"]'))
        while chip.get_attribute("data-value") != value:
            chip.click()

    def _unfolded(self, field: Any) -> Any:
        if not field.is_visible():
            self.page.locator(".more summary").click()
        return field

    def state(self) -> str:
        """What the page says of its answer: none, current, old or gone."""
        return str(self.page.evaluate("document.body.dataset.answer"))

    def line(self) -> str:
        return str(self.page.locator("#line").inner_text().strip())

    def box(self, selector: str) -> dict[str, float]:
        return dict(self.page.locator(selector).first.bounding_box())

    def is_in_view(self, selector: str) -> bool:
        """Whether all of it is in the viewport, above the bar that stands at its lower end."""
        size, box = self.page.viewport_size, self.box(selector)
        end = size["height"] if selector.startswith("#ask") else self.box("#bar")["y"]
        return (
            box["x"] >= 0
            and box["y"] >= 0
            and box["x"] + box["width"] <= size["width"]
            and (box["y"] + box["height"] <= end)
        )


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
    visit.field("Age (years)").fill("81")
    visit.page.get_by_label("What the patient says").fill("it bleeds now and then")
    visit.choose("Has bled", "yes")
    before = visit.ask()
    assert len(before) == 6
    assert sum(float(told.strip("<> %")) for told in before.values()) == pytest.approx(100, abs=4)
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


def test_a_text_file_called_jpg_gets_a_plain_error_that_stays(visit: Visit, photo: Path, tmp_path: Path) -> None:
    fake = tmp_path / "lesion.jpg"
    fake.write_text("this is no photo")
    visit.give(fake)
    complaint = visit.page.locator("#photo [role=alert]")
    complaint.get_by_text("no image at all").wait_for()
    visit.page.wait_for_timeout(11_000)  # longer than gradio's own messages stay
    assert complaint.is_visible()
    assert not re.search(r"\b4\d\d\b", visit.page.locator("body").inner_text())
    visit.give(photo)
    visit.page.locator("#photo img").wait_for()
    assert complaint.is_hidden()


def test_a_photo_that_is_too_large_is_refused_in_words(visit: Visit, tmp_path: Path) -> None:
    large = tmp_path / "large.jpg"
    large.write_bytes(bytes(20 * 1024 * 1024 + 1))
    visit.give(large)
    visit.page.locator("#photo [role=alert]").get_by_text("at most 20 MB").wait_for()


def test_an_example_fills_the_form(visit: Visit) -> None:
    visit.page.get_by_role("button", name="Example").first.click()
    visit.page.locator("#photo img").wait_for()
    assert visit.page.get_by_label("What the patient says").input_value()
    assert len(visit.ask()) == 6


def test_the_report_is_saved_as_one_page(visit: Visit, tmp_path: Path) -> None:
    visit.field("Age (years)").fill("70")
    visit.ask()
    with visit.page.expect_download() as saved:
        visit.page.locator("#why a.save").click()
    saved.value.save_as(tmp_path / "report.html")
    assert saved.value.suggested_filename == "mmskin-report.html"
    assert "Age: 70 years" in (tmp_path / "report.html").read_text()


def test_the_model_card_is_the_second_tab(visit: Visit) -> None:
    visit.page.get_by_role("tab", name="Model card").click()
    shown = visit.page.get_by_text("Balanced accuracy")
    shown.wait_for(timeout=5000)
    assert shown.is_visible()


def stops(page: Any, most: int = 40) -> list[str]:
    """What the tab key reaches from the top of the page to the Answer button, which has the focus then."""
    names: list[str] = []
    while len(names) < most and names[-1:] != ["ask"]:
        page.keyboard.press("Tab")
        names.append(page.evaluate("(e => e.id || e.getAttribute('aria-label') || e.tagName)(document.activeElement)"))
    return names


def test_keys_alone_fill_the_form_and_get_the_answer(visit: Visit) -> None:
    page = visit.page
    names = stops(page)
    assert names[-1] == "ask"
    assert len(names) <= 15, names
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    page.evaluate("document.activeElement.blur()")
    visit.field("Age (years)").focus()
    page.keyboard.type("66")
    first, second = page.locator(".mm-form > .chips .chip").all()[:2]
    while not first.evaluate("e => e === document.activeElement"):
        assert page.evaluate("document.activeElement.closest('.boxes') !== null")
        page.keyboard.press("Tab")
    page.keyboard.press("Space")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Space")
    page.keyboard.press("Space")
    assert [first.get_attribute("data-value"), second.get_attribute("data-value")] == ["yes", "no"]
    assert first.get_attribute("aria-label").endswith(": yes")
    assert second.inner_text().split()[-1] == "no"
    page.keyboard.press("Space")
    assert second.get_attribute("data-value") == ""
    page.keyboard.press("n")
    assert page.locator(".mm-form .said").inner_text() == second.get_attribute("aria-label")
    for _ in range(10):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.id") == "ask":
            break
    page.keyboard.press("Enter")
    page.locator("#answer .meters").first.wait_for()
    assert "66 years" in page.locator("#answer .case").inner_text()
    assert page.evaluate("document.getElementById('answer').contains(document.activeElement)")


# --- which case the answer is of ---


def edits(visit: Visit, photo: Path) -> dict[str, Any]:
    page = visit.page
    return {
        "a number": lambda: visit.field("Age (years)").fill("45"),
        "a chip": lambda: page.locator(".chip:visible").first.click(),
        "a site on the figure": lambda: page.locator(".figures [data-choice] path").first.click(),
        "a site in the list": lambda: visit.field("Body site").select_option("leg"),
        "the text": lambda: page.get_by_label("What the patient says").fill("it scabs"),
        "a photo": lambda: visit.give(photo),
        "an example": lambda: page.get_by_role("button", name="Example").first.click(),
    }


def test_every_edit_marks_the_answer_as_old_at_once(visit: Visit, photo: Path) -> None:
    visit.field("Body site")
    visit.field("Age (years)").fill("70")
    for what, edit in edits(visit, photo).items():
        visit.ask()
        assert (visit.state(), visit.line()) == ("current", ""), what
        assert visit.page.locator("#why a.save").get_attribute("href"), what
        edit()
        assert visit.state() == "old", what
        assert visit.line() == "The case has changed: this answer is of the case before. Press Answer.", what
        assert visit.page.locator("#why a.save").get_attribute("href") is None, what
        assert visit.page.locator("#answer").evaluate("e => getComputedStyle(e).filter") == "grayscale(1)", what
        visit.page.wait_for_timeout(500)  # the server fills the form of an example, and reads a photo


def test_a_class_to_explain_is_no_edit(visit: Visit) -> None:
    visit.field("Age (years)").fill("70")
    visit.ask()
    before = visit.page.locator("#why a.save").get_attribute("href")
    visit.page.locator("#target input").click()
    visit.page.locator("[role=listbox] [role=option]").nth(3).click()
    visit.page.wait_for_function("b => (a => a && a.href !== b)(document.querySelector('#why a.save'))", arg=before)
    assert visit.state() == "current"


def test_an_answer_of_a_case_that_was_changed_meanwhile_is_old_when_it_comes(visit: Visit) -> None:
    visit.field("Age (years)").fill("70")
    visit.page.evaluate(
        """() => {
          document.getElementById('ask').click();
          setTimeout(() => document.querySelector('.chip').click(), 0);
        }"""
    )
    visit.page.locator("#answer [data-case]").wait_for()
    assert visit.state() == "old"
    assert visit.line().startswith("The case has changed")


def test_clear_clears_form_answer_and_explanation(visit: Visit, photo: Path) -> None:
    page = visit.page
    visit.give(photo)
    page.locator("#photo img").wait_for()
    visit.field("Age (years)").fill("70")
    page.get_by_label("What the patient says").fill("it scabs")
    visit.choose("Has bled", "yes")
    visit.ask()
    page.locator("#clear").click()
    page.locator("#photo img").wait_for(state="hidden")
    page.locator("#answer").get_by_text("The answer appears here.").wait_for()
    assert page.locator("#why").inner_text() == ""
    assert visit.field("Age (years)").input_value() == ""
    assert page.get_by_label("What the patient says").input_value() == ""
    assert {chip.get_attribute("data-value") for chip in page.locator(".chip").all()} == {""}
    assert (visit.state(), visit.line()) == ("none", "")


def test_an_answer_that_comes_after_clear_is_not_shown(visit: Visit) -> None:
    visit.field("Age (years)").fill("70")
    visit.page.evaluate(
        """() => {
          document.getElementById('ask').click();
          setTimeout(() => document.getElementById('clear').click(), 0);
        }"""
    )
    visit.page.wait_for_timeout(5000)
    assert not visit.page.locator("#answer .meters").first.is_visible()
    assert visit.state() in ("none", "gone")


def test_enter_in_a_line_and_ctrl_enter_in_the_text_answer(visit: Visit) -> None:
    age = visit.field("Age (years)")
    age.fill("70")
    age.press("Enter")
    visit.page.locator("#answer .case").get_by_text("70 years").wait_for()
    text = visit.page.get_by_label("What the patient says")
    text.fill("it scabs")
    text.press("Enter")
    assert visit.state() == "old"
    assert text.input_value() == "it scabs\n"
    text.press("Control+Enter")
    visit.page.wait_for_function("document.body.dataset.answer === 'current'")
    assert "it scabs" in visit.page.locator("#answer").text_content()


def test_a_fact_that_the_answer_offers_is_put_into_the_form(visit: Visit) -> None:
    page = visit.page
    visit.field("Age (years)").fill("70")
    visit.ask()
    offered = {"previous_cancer": "yes", "site": "scalp", "duration": "21", "age": "71", "itch": "maybe", "size": "3"}
    page.locator("#answer [data-case]").evaluate(
        """(place, offered) => Object.entries(offered).forEach(([field, value]) => {
          const button = `<button data-field="${field}" data-value="${value}"><b>x</b></button>`;
          place.insertAdjacentHTML('beforeend', button);
        })""",
        offered,
    )
    assert visit.state() == "current"
    for field in offered:
        page.locator(f'#answer [data-field="{field}"] b').click()
    assert visit.state() == "old"
    assert page.locator('.chip[data-field="previous_cancer"]').get_attribute("data-value") == "yes"
    assert page.locator('.chip[data-field="itch"]').get_attribute("data-value") == ""  # "maybe" is no value of it
    assert visit.field("Body site").input_value() == "scalp"
    assert visit.field("Age (years)").input_value() == "71"
    assert page.locator("[data-unit=duration]").input_value() == "days"
    visit.ask()
    note = page.locator("#answer").text_content()
    assert "Skin cancer before." in note
    assert "3 weeks" in note
    assert "scalp" in note


def test_the_figure_and_the_list_say_the_same(visit: Visit) -> None:
    page = visit.page
    page.locator(".more summary").click()
    page.locator('.figures [data-choice="trunk"] path').first.click()
    assert visit.field("Body site").input_value() == "trunk"
    assert page.locator(".figures .here").count() == page.locator('.figures [data-choice="trunk"]').count()
    visit.field("Body site").select_option("leg")
    assert {e.get_attribute("data-choice") for e in page.locator(".figures .here").all()} == {"leg"}
    page.locator('.figures [data-choice="leg"] path').first.click()
    assert visit.field("Body site").input_value() == ""


def test_a_question_that_the_server_refuses_stands_in_words(visit: Visit) -> None:
    page = visit.page
    visit.field("Age (years)").fill("70")
    refuse = {"status": 429, "body": "too many requests in a minute; wait a little"}
    page.route("**/queue/join*", lambda route: route.fulfill(**refuse))
    page.locator("#ask").click()
    told = page.locator("#failure [role=alert]")
    told.get_by_text("Too many requests in a minute; wait a little.").wait_for()
    page.unroute("**/queue/join*")
    visit.ask()
    assert told.is_hidden()


# --- the first screen ---


@pytest.mark.parametrize(("width", "height"), [(1280, 800), (390, 844)])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_first_screen_holds_the_photo_and_the_answer_button(
    browser: Any, site: Site, width: int, height: int, scheme: str
) -> None:
    context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
    visit = Visit(context.new_page(), site)
    assert visit.is_in_view("#photo .take")
    assert visit.is_in_view("#ask")
    visit.field("Age (years)").fill("70")
    visit.choose("Has bled", "yes")
    visit.page.locator("#ask").click()
    visit.page.locator("#answer .triage").wait_for()
    visit.page.wait_for_timeout(300)
    assert visit.is_in_view("#answer .triage")
    assert visit.is_in_view("#ask")
    assert visit.page.evaluate("document.documentElement.scrollWidth") <= width
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(browser: Any, site: Site, scheme: str) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    context = browser.new_context(viewport={"width": 1280, "height": 800}, color_scheme=scheme)
    visit = Visit(context.new_page(), site)
    visit.field("Body site")
    visit.field("Age (years)").fill("70")
    visit.choose("Has bled", "yes")
    visit.ask()
    found = axe.run(visit.page).response["violations"]
    serious = [
        (one["id"], [node["html"][:160] for node in one["nodes"]])
        for one in found
        if one["impact"] in ("serious", "critical")
    ]
    assert serious == []
    context.close()


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
    assert len(files) > 2  # the logs among them
    for path in files:
        content = path.read_bytes()
        for left in (b"Quacksalver", b"Mustermann", b"scabs"):
            assert left not in content, path
    assert not [path for path in (site.home / "tmp").rglob("*") if path.is_file()]

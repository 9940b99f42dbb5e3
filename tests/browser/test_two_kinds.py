"""A model that reads two kinds of photo, in a real browser."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from browser.conftest import Site
from explain.small_predictors import PAIR
from page.phone_photo import phone_photo

from mmskin.page.examples import draw_examples

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

SLOW = 60_000  # ms


@pytest.mark.parametrize("width", [390, 1280])
def test_each_kind_has_its_control_and_its_map(browser: Any, pair_site: Site, tmp_path: Path, width: int) -> None:
    context = browser.new_context(viewport={"width": width, "height": 900})
    page = context.new_page()
    page.set_default_timeout(SLOW)
    page.goto(pair_site.address)
    page.locator("#ask").wait_for()
    for kind, example in zip(PAIR, draw_examples(), strict=False):
        path = tmp_path / f"{kind}.jpg"
        path.write_bytes(phone_photo(example.photo))
        page.locator(f"#photo-{kind} input[type=file]").wait_for(state="attached")
        page.locator(f"#photo-{kind} input[type=file]").set_input_files(path)
        page.locator(f"#photo-{kind} img").wait_for()
        assert page.locator(f"#photo-{kind}").get_by_text(f"{kind.capitalize()} photo of the lesion").is_visible()
    page.locator("#ask").click()
    page.locator("#why a.save").wait_for()
    assert "the clinical photo, the dermoscopic photo" in page.locator("#answer").text_content()
    page.get_by_text("The whole explanation").click()
    assert page.locator("#why figcaption").all_inner_texts() == ["Clinical photo", "Dermoscopic photo"]
    page.get_by_label("Opacity of the heat map").fill("90")
    shown = page.locator("#why .over").evaluate_all("maps => maps.map(e => getComputedStyle(e).opacity)")
    assert shown == ["0.9", "0.9"]
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.get_by_role("button", name="Clear").click()
    for kind in PAIR:
        page.locator(f"#photo-{kind} img").wait_for(state="hidden")
    context.close()

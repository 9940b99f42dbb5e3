"""A table and a folder of photos, asked in a real browser."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest
from browser.conftest import Site
from browser.test_page import Visit, photo, visit  # noqa: F401

pytestmark = [pytest.mark.browser, pytest.mark.timeout(1200)]


@pytest.fixture
def tab(visit: Visit) -> Visit:  # noqa: F811
    visit.page.get_by_role("tab", name="Many cases").click()
    return visit


def give(tab: Visit, folder: Path, table: str) -> None:
    (folder / "cases.csv").write_text(table)
    tab.page.locator("#batch .table").set_input_files(folder / "cases.csv")


def test_a_table_with_its_photos_is_answered_and_saved(tab: Visit, photo: Path, tmp_path: Path) -> None:  # noqa: F811
    folder = tmp_path / "photos"
    folder.mkdir()
    photo.rename(folder / "one.jpg")
    (folder / "two.jpg").write_text("this is no photo")
    rows = ("A,ONE.jpg,62,yes", "B,two.jpg,62,yes", "C,three.jpg,62,yes", "D,,500,yes", "E,,70,no")
    give(tab, tmp_path, "case,photo,age,itch\n" + "\n".join(rows))
    tab.page.locator("#batch .folder").set_input_files(folder)
    tab.page.locator("#batch .start").click()
    tab.page.locator("#batch a.save").wait_for()
    assert tab.page.locator("#batch [role=status]").inner_text() == "5 of 5 cases asked, 3 of them without an answer."
    with tab.page.expect_download() as saved:
        tab.page.locator("#batch a.save").click()
    saved.value.save_as(tmp_path / "answers.csv")
    with (tmp_path / "answers.csv").open(encoding="utf-8-sig", newline="") as file:
        answers = {row["case"]: row for row in csv.DictReader(file)}
    assert [*answers] == ["A", "B", "C", "D", "E"]
    assert [name for name, row in answers.items() if not row["problem"]] == ["A", "E"]
    assert "the folder holds no three.jpg" in answers["C"]["problem"]
    assert answers["D"]["problem"].startswith("Age: 500 is not possible")
    assert sum(float(value) for name, value in answers["A"].items() if name.startswith("probability_")) == (
        pytest.approx(1, abs=1e-3)
    )
    assert "there is no photo" in answers["E"]["remarks"]
    assert "there is no photo" not in answers["A"]["remarks"]


def test_what_is_no_table_is_said(tab: Visit, tmp_path: Path) -> None:
    assert tab.page.locator("#batch .start").is_disabled()
    give(tab, tmp_path, "doctor,fee\nX,9\n")
    tab.page.locator("#batch .start").click()
    told = tab.page.locator("#batch .problem")
    told.wait_for()
    assert told.inner_text().startswith("No column of this table is read; columns are: case, photo, age")


def test_it_stops_where_it_is_told_to_and_saves_what_it_has(tab: Visit, tmp_path: Path) -> None:
    give(tab, tmp_path, "age\n" + "62\n" * 200)
    tab.page.locator("#batch .start").click()
    tab.page.locator("#batch tbody tr").first.wait_for()
    tab.page.locator("#batch .stop").click()
    tab.page.locator("#batch a.save").wait_for()
    assert 1 <= tab.page.locator("#batch tbody tr").count() < 200


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious_and_a_phone_does_not_scroll_sideways(
    browser: Any, site: Site, tmp_path: Path, scheme: str
) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    context = browser.new_context(viewport={"width": 390, "height": 844}, color_scheme=scheme)
    visit = Visit(context.new_page(), site)  # noqa: F811
    visit.page.get_by_role("tab", name="Many cases").click()
    give(visit, tmp_path, "case,age\nA,62\nB,500\n")
    visit.page.locator("#batch .start").click()
    visit.page.locator("#batch a.save").wait_for()
    found = axe.run(visit.page).response["violations"]
    assert [
        (one["id"], one["nodes"][0]["html"][:160]) for one in found if one["impact"] in ("serious", "critical")
    ] == []
    assert visit.page.evaluate("document.documentElement.scrollWidth") <= 390
    context.close()

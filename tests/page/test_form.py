from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from page.fake_predictor import SCHEMA
from page.loops import in_a_loop

gr = pytest.importorskip("gradio")

from mmskin.errors import DataError  # noqa: E402
from mmskin.page.form import fill_widgets, make_widgets, read_widgets  # noqa: E402
from mmskin.synthetic import clinic_schema  # noqa: E402


@pytest.fixture
def widgets() -> list[Any]:
    def make() -> list[Any]:
        with gr.Blocks():
            return [widget for field in SCHEMA.fields for widget in make_widgets(field)]

    return list(in_a_loop(make))


def test_each_declared_field_is_asked_for_and_starts_at_not_recorded(widgets: list[Any]) -> None:
    labels = [widget.label for widget in widgets]
    assert labels == ["Age (years)", "Since", "Since, unit", "Site", "Does it itch?"]
    age, since, _, site, itch = widgets
    assert (age.value, since.value) == (None, None)
    assert {age.placeholder, since.placeholder} == {"not recorded"}
    assert site.choices == [("not recorded", ""), ("upper arm", "upper_arm"), ("leg", "leg"), ("unknown", "unknown")]
    assert itch.choices == [("not asked", ""), ("yes", "yes"), ("no", "no"), ("unknown", "unknown")]
    assert site.value == itch.value == ""


def test_a_duration_is_asked_in_any_unit_and_told_with_it() -> None:
    read = read_widgets(SCHEMA.fields, ["62", "2", "weeks", "leg", "yes"])
    assert read == {"age": "62", "since": "2 weeks", "site": "leg", "itch": "yes"}
    for typed, unit, days in (("3", "years", 3 * 365.25), ("half a year", "weeks", 365.25 / 2), ("2,5", "days", 2.5)):
        told = read_widgets(SCHEMA.fields, ["", typed, unit, "", ""])
        assert SCHEMA.parse_history(told).recorded() == pytest.approx({"since": days})


@pytest.mark.parametrize(("typed", "unit"), [("long", "weeks"), ("2", "fortnights")])
def test_a_duration_that_is_none_is_refused_by_the_field(typed: str, unit: str) -> None:
    with pytest.raises(DataError, match=r"since=.* must be a number of days"):
        SCHEMA.parse_history(read_widgets(SCHEMA.fields, ["", typed, unit, "", ""]))


def numbers(values: Mapping[str, Any]) -> dict[str, float]:
    return {name: value for name, value in values.items() if isinstance(value, float)}


def words(values: Mapping[str, Any]) -> dict[str, str]:
    return {name: value for name, value in values.items() if isinstance(value, str)}


def test_an_empty_form_is_an_empty_history() -> None:
    read = read_widgets(SCHEMA.fields, fill_widgets(SCHEMA.fields, {}))
    assert SCHEMA.parse_history(read, "").is_empty()


@pytest.mark.parametrize("days", [3.0, 21.0, 182.625, 1826.25])  # 3 days, 3 weeks, 6 months, 5 years
def test_what_fills_the_form_is_read_back(days: float) -> None:
    told = {"age": 62.0, "since": days, "site": "leg", "itch": "no"}
    read = read_widgets(SCHEMA.fields, fill_widgets(SCHEMA.fields, told))
    assert numbers(SCHEMA.parse_history(read).recorded()) == pytest.approx(numbers(told), rel=1e-3)
    assert words(SCHEMA.parse_history(read).recorded()) == words(told)


def test_examples_fill_the_form_of_the_synthetic_clinic_and_differ_in_class() -> None:
    from mmskin.page.examples import draw_examples

    schema = clinic_schema()
    drawn = draw_examples()
    assert len({example.target for example in drawn}) == 4
    for example in drawn:
        read = read_widgets(schema.fields, fill_widgets(schema.fields, example.history.fields))
        told, filled = example.history.recorded(), schema.parse_history(read).recorded()
        assert numbers(filled) == pytest.approx(numbers(told), rel=0.02)
        assert words(filled) == words(told)

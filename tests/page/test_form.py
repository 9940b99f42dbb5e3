from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pytest
from page.fake_predictor import SCHEMA
from page.loops import in_a_loop

gr = pytest.importorskip("gradio")

from mmskin.errors import DataError  # noqa: E402
from mmskin.page.form import fill_widgets, form_html, make_form, read_widgets  # noqa: E402
from mmskin.schema import Field  # noqa: E402
from mmskin.synthetic import clinic_schema  # noqa: E402

EMPTY = {"age": "", "since": ["", "months"], "site": "", "itch": ""}


def asked(html: str) -> list[str]:
    """Names of the fields of a form, in order."""
    return re.findall(r'data-field="(\w+)"', html)


def test_each_declared_field_is_asked_for_and_starts_at_not_recorded() -> None:
    def make() -> Any:
        with gr.Blocks():
            return make_form(SCHEMA.fields)

    form = in_a_loop(make)
    assert form.value == EMPTY
    html = form.props["markup"]
    assert sorted(asked(html)) == ["age", "itch", "since", "site"]
    assert html.count('placeholder="not recorded"') == 1
    assert "Age (years)" in html
    assert re.findall(r'<option value="(\w*)">([\w ]+)</option>', html) == [
        ("", "not recorded"), ("upper_arm", "upper arm"), ("leg", "leg"), ("unknown", "unknown"),
    ]  # fmt: skip
    assert 'data-value="" data-title="Does it itch?" aria-label="Does it itch?: not asked"' in html


def test_the_first_five_questions_are_open_and_the_others_folded() -> None:
    fields = [Field(name=name, kind="yes_no") for name in "abcdefg"]
    first, folded = form_html(fields, ["g", "f", "a"]).split("<details")
    assert asked(first) == ["g", "f", "a", "b", "c"]
    assert asked(folded) == ["d", "e"]
    assert "2 more questions" in folded
    assert "<details" not in form_html(fields[:5])


def test_what_a_data_set_calls_its_fields_cannot_break_the_form() -> None:
    html = form_html([Field(name="a", kind="yes_no", label='<b>"${x}`')])
    assert "<b>&" not in html.replace("<b>not asked", "")
    assert 'data-title="&lt;b&gt;&#34;${x}`"' in html


def test_a_duration_is_asked_in_any_unit_and_told_with_it() -> None:
    read = read_widgets(SCHEMA.fields, {"age": "62", "since": ["2", "weeks"], "site": "leg", "itch": "yes"})
    assert read == {"age": "62", "since": "2 weeks", "site": "leg", "itch": "yes"}
    for typed, unit, days in (("3", "years", 3 * 365.25), ("half a year", "weeks", 365.25 / 2), ("2,5", "days", 2.5)):
        told = read_widgets(SCHEMA.fields, EMPTY | {"since": [typed, unit]})
        assert SCHEMA.parse_history(told).recorded() == pytest.approx({"since": days})


@pytest.mark.parametrize("held", [None, [], "age", 3])
def test_a_form_that_is_none_holds_nothing(held: object) -> None:
    assert SCHEMA.parse_history(read_widgets(SCHEMA.fields, held)).is_empty()


def test_what_no_form_would_send_is_refused_by_the_field_and_what_is_no_field_is_not_read() -> None:
    with pytest.raises(DataError, match=r"itch=.* must be yes, no or unknown"):
        SCHEMA.parse_history(read_widgets(SCHEMA.fields, EMPTY | {"itch": ["yes"]}))
    assert "biopsed" not in read_widgets(SCHEMA.fields, EMPTY | {"biopsed": "yes"})


@pytest.mark.parametrize(("typed", "unit"), [("long", "weeks"), ("2", "fortnights")])
def test_a_duration_that_is_none_is_refused_by_the_field(typed: str, unit: str) -> None:
    with pytest.raises(DataError, match=r"since=.* must be a number of days"):
        SCHEMA.parse_history(read_widgets(SCHEMA.fields, EMPTY | {"since": [typed, unit]}))


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

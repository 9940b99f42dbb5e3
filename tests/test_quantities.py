"""Numbers with units, as people and tables write them; expected values by hand."""

from __future__ import annotations

import pytest

from mmskin.quantities import read_quantity

MONTHS_OF_YEAR = 12
DAYS_OF_MONTH = 365.25 / 12


@pytest.mark.parametrize(
    ("text", "unit", "value"),
    [
        ("17", "weeks", 17.0),
        ("3 months", "days", 3 * DAYS_OF_MONTH),
        ("since 2 years", "months", 24.0),
        ("about 6 wks", "days", 42.0),
        ("half a year", "months", 6.0),
        ("2 years 3 months", "months", 27.0),
        ("1 year and 6 months", "months", 18.0),
        ("two weeks", "days", 14.0),
        ("3/12", "months", 3.0),
        ("45y", "years", 45.0),
        ("45 years old", "years", 45.0),
        ("6 months", "years", 0.5),
        ("1.2 cm", "mm", 12.0),
        ("12mm", "mm", 12.0),
        ("1e3", "", 1000.0),
        ("-5", "", -5.0),
    ],
)
def test_a_number_is_read_in_the_unit_that_is_asked_for(text: str, unit: str, value: float) -> None:
    read = read_quantity(text, unit)
    assert read.value == pytest.approx(value)
    assert read.rule == ""


@pytest.mark.parametrize(
    ("text", "unit", "value", "rule"),
    [
        ("45,5", "years", 45.5, "comma"),
        ("0,125", "mm", 0.125, "comma"),
        ("45-50", "years", 47.5, "range"),
        ("45 to 50 years", "years", 47.5, "range"),
        ("2-3 months", "days", 2.5 * DAYS_OF_MONTH, "range"),
        ("> 80", "years", 80.0, "bound"),
        ("80+", "years", 80.0, "bound"),
        ("over 80 years", "years", 80.0, "bound"),
        ("≤ 12,5 mm", "mm", 12.5, "bound"),
    ],
)
def test_what_is_no_plain_number_is_read_by_a_rule_that_is_named(text: str, unit: str, value: float, rule: str) -> None:
    read = read_quantity(text, unit)
    assert (read.value, read.rule) == (pytest.approx(value), rule)


def test_whether_a_unit_was_written_is_known() -> None:
    assert read_quantity("17", "weeks").bare
    assert read_quantity("4-6", "weeks").bare
    assert not read_quantity("17 weeks", "weeks").bare
    assert not read_quantity("over 80 years", "years").bare


@pytest.mark.parametrize(
    ("text", "unit", "fault"),
    [
        ("", "", "'' is no number"),
        ("old", "years", "'old' is no number of years"),
        ("3 blue months", "days", "is no number of days"),
        ("12 34", "", "is no number"),
        ("1,234", "", "a decimal comma or a comma for thousands"),
        ("since 2019", "months", "names a year"),
        ("12 kg", "mm", "is in 'kg', and mm is asked for"),
        ("12 mm", "", "is in 'mm', and a number without a unit is asked for"),
        ("nan", "", "is not finite"),
        ("inf", "years", "is not finite"),
    ],
)
def test_what_is_no_number_is_refused_and_says_why(text: str, unit: str, fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        read_quantity(text, unit)

from __future__ import annotations

import pytest

from mmskin.report.numbers import number, p_cell


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.6231, ".623"),
        (1.5, "1.500"),
        (-0.04, "\u2212.040"),
        (-0.0001, ".000"),
        (1.0, "1.000"),
        (float("nan"), "\u2013"),
    ],
)
def test_numbers_are_printed_as_the_field_does(value, text):
    assert number(value) == text


def test_a_plus_is_shown_where_asked_and_p_is_never_zero():
    assert number(0.04, sign=True) == "+.040"
    assert number(0.0, sign=True) == ".000"
    assert p_cell(0.0) == "< .001"
    assert p_cell(0.03) == ".030"

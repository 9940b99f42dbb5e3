from __future__ import annotations

import pytest

from mmskin.plain_numbers import plain_numbers


@pytest.mark.parametrize(
    ("written", "plain"),
    [
        ("I am sixty-seven.", "I am 67."),
        ("Fifty three years old", "53 years old"),
        ("for eighteen months", "for 18 months"),
        ("one year, this one", "1 year, this one"),
        ("twenty-one-year-old man", "21-year-old man"),
        ("3/12, 2/52 and 5/7", "3 months, 2 weeks and 5 days"),
        ("x6/12 hx", "x 6 months hx"),
        ("2y 3yrs 1yr 4wk 2wks 3mo 5d", "2 years 3 years 1 year 4 weeks 2 weeks 3 months 5 days"),
        ("x3mo", "x 3 months"),
        ("67F, M72, 45yo", "67 F, M 72, 45 yo"),
        ("67m and 3m", "67 m and 3 months"),
        ("half a year, a year and a half, two and a half years", "6 months, 18 months, 2.5 years"),
        ("one and a half years, a decade, a fortnight", "18 months, 10 years, 2 weeks"),
        ("for a couple of months, for a week, once a week", "for 2 months, for 1 week, once a week"),
        ("BP 140/90, open 24/7, 7.5 mm, in 2015", "BP 140/90, open 24/7, 7.5 mm, in 2015"),
        ("It itches on the tenth day; none often.", "It itches on the tenth day; none often."),
    ],
)
def test_numbers_come_in_digits_with_their_unit(written: str, plain: str) -> None:
    assert plain_numbers(written) == plain


def test_plain_text_stays_as_it_is() -> None:
    for text in ("67 years old. On the nose. For 6 months.", "", "It has bled."):
        assert plain_numbers(text) == text

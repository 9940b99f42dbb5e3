"""Numbers of a text in one form: in digits, with the unit written out.

"sixty-seven" and "67", "3/12", "3mo" and "3 months" are one fact each, and the pieces of a tokenizer tell it of none:
whoever reads numbers from free text reads this form.
"""

from __future__ import annotations

import re

ONES = {
    word: number
    for number, word in enumerate(
        (
            *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven"),
            *("twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"),
        )
    )
}
TENS = {
    word: 10 * number
    for number, word in enumerate(
        ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"), start=2
    )
}
UNITS = {
    "days": ("d", "day", "days"),
    "weeks": ("w", "wk", "wks", "week", "weeks"),
    "months": ("m", "mo", "mos", "mth", "mths", "month", "months"),
    "years": ("y", "yr", "yrs", "year", "years"),
}
FRACTIONS = {"7": "days", "52": "weeks", "12": "months"}
MOST_MONTHS = 36
""""67m" is a man of 67, "3m" three months."""
UNIT_OF = {short: unit for unit, shorts in UNITS.items() for short in shorts}
"""By every word for it, the unit of time."""
_ONES = "|".join(word for word in ONES if 0 < ONES[word] < 10)
_TENS = "|".join(TENS)
_UNITS = "day|week|month|year"
_HALVES = (
    (re.compile(r"\bhalf a year\b", re.IGNORECASE), "6 months"),
    (re.compile(r"\b(?:a|one|1) year and a half\b", re.IGNORECASE), "18 months"),
    (re.compile(r"\b(?:a|one|1) (?:and a half|1/2) years\b", re.IGNORECASE), "18 months"),
    (re.compile(r"\b(\d{1,2}) and a half (?=years|months|weeks)", re.IGNORECASE), r"\1.5 "),
    (re.compile(r"\ba fortnight\b", re.IGNORECASE), "2 weeks"),
    (re.compile(r"\ba decade\b", re.IGNORECASE), "10 years"),
    (re.compile(rf"\ba couple of (?=(?:{_UNITS})s\b)", re.IGNORECASE), "2 "),
    (re.compile(rf"\b(?<!once )(?<!times )(?<!twice )an? (?=(?:{_UNITS})\b)", re.IGNORECASE), "1 "),
)
_IN_WORDS = re.compile(rf"\b(?:({_TENS})(?:[- ]({_ONES}))?|({'|'.join(ONES)}))\b", re.IGNORECASE)
_ONE = re.compile(r"\bone (?=(?:day|week|month|year)\b)", re.IGNORECASE)
_FRACTION = re.compile(r"(?<![\d/.])(?!24/7\b)(\d{1,2})/(7|52|12)\b(?!/)")
_SHORT = re.compile(rf"(?<![\w/.])(x?)(\d{{1,3}}) ?({'|'.join(sorted(UNIT_OF, key=len, reverse=True))})\b(?!/)")
_STUCK = re.compile(r"(?<![\w.])(x|[MFmf])?(\d{1,3})(yo|[MFmf])?\b")


def plain_numbers(text: str) -> str:
    """The text with whole numbers up to 99 in digits and times with their unit: "67F, sixty" → "67 F, 60".

    "one" stays a word, but for one day, week, month or year. Half a year, a fortnight and a decade are counted too.
    """
    text = _ONE.sub("1 ", text)
    text = _IN_WORDS.sub(_digits, text)
    for saying, plain in _HALVES:
        text = saying.sub(plain, text)
    text = _FRACTION.sub(lambda found: _counted(int(found[1]), FRACTIONS[found[2]]), text)
    text = _SHORT.sub(_with_unit, text)
    return _STUCK.sub(lambda found: " ".join(part for part in found.groups() if part), text)


def _digits(found: re.Match[str]) -> str:
    tens, ones, alone = (part and part.lower() for part in found.groups())
    if alone == "one":
        return found[0]
    return str(ONES[alone] if alone else TENS[tens] + (ONES[ones] if ones else 0))


def _with_unit(found: re.Match[str]) -> str:
    times, count, short = found.groups()
    if short == "m" and int(count) > MOST_MONTHS:
        return found[0]
    return f"{times + ' ' if times else ''}{_counted(int(count), UNIT_OF[short])}"


def _counted(count: int, unit: str) -> str:
    return f"{count} {unit if count != 1 else unit[:-1]}"

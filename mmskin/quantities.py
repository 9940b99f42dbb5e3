"""Numbers as people and tables write them: "45", "45,5", "45 years", "3 months", "since half a year", "45-50", "> 80".

A bare number is in the unit that was declared. A range stands for its middle, a bound for its own number: both are
rules, not what was recorded, so whoever reads them is told.
"""

from __future__ import annotations

import math
import re
from typing import Literal, NamedTuple

from mmskin.plain_numbers import UNIT_OF, plain_numbers
from mmskin.sentence import Sentence

DAYS = {"days": 1.0, "weeks": 7.0, "months": 365.25 / 12, "years": 365.25}
_FOREIGN = {
    "days": "tag tage tagen jour jours día días dia dias giorno giorni",
    "weeks": "woche wochen semaine semaines semana semanas settimana settimane",
    "months": "monat monate monaten mois mes meses mês mese mesi",
    "years": "jahr jahre jahren an ans año años ano anos anno anni",
}
_UNIT_OF = {**UNIT_OF, **{word: unit for unit, words in _FOREIGN.items() for word in words.split()}}
MILLIMETRES = {"mm": 1.0, "cm": 10.0}

Rule = Literal["", "comma", "range", "bound"]
RULES: dict[Rule, str] = {
    "comma": Sentence("a decimal comma"),
    "range": Sentence("a range, read as its middle"),
    "bound": Sentence("a bound, read as the number itself"),
}
"""How else than as it stands a number was read, in words."""

_NUMBER = r"[-+]?(?:\d+(?:[.,]\d+)?|\.\d+)(?:e[-+]?\d+)?"
_WORD = r"[^\W\d_]+\.?"
_LEAD = re.compile(r"^(?:since|seit|depuis|desde|for|about|approx\.?|approximately|around|circa|ca\.?|~)\s*")
_BOUND = re.compile(r"^(?:>=?|<=?|≥|≤|over|under|above|below|more than|less than|at least|at most|up to)\s*")
_PLUS = re.compile(rf"^({_NUMBER})\s*\+(.*)$")
_RANGE = re.compile(rf"^({_NUMBER})\s*({_WORD})?\s*(?:-|\u2013|to)\s*({_NUMBER})\s*({_WORD})?$")
_PART = re.compile(rf"({_NUMBER})\s*({_WORD})?(?:\s*old)?")
_YEAR = re.compile(r"^(?:19|20)\d\d$")


class Quantity(NamedTuple):
    """A number in the unit that was asked for, and the rule by which it was read."""

    value: float
    rule: Rule = ""
    bare: bool = True
    """Whether no unit was written with it."""


def read_quantity(text: str, unit: str = "") -> Quantity:
    """A number with or without its unit, in this unit.

    Times are converted into one another, and so are mm and cm; any other unit must be the one that is asked for. Times
    add up: "2 years 3 months". A comma before three digits could mean thousands and is refused, unless a 0 stands
    before it.

    Raises:
        ValueError: no number, or one in another unit; says why.
    """
    try:
        number = float(text)
    except ValueError:
        return _written(text, unit)
    return Quantity(_finite(number, text))


def _written(text: str, unit: str) -> Quantity:
    said = text.strip().lower()
    rest = _LEAD.sub("", said)
    if rest != said and unit in DAYS and _YEAR.match(rest):
        raise ValueError(Sentence("{text!r} names a year, and how long it has been is asked for", text=text))
    if unit in DAYS:
        rest = plain_numbers(rest).lower()
    if found := _RANGE.match(rest):
        first, unit_of_first, last, unit_of_last = found.groups()
        ends = [_in_unit(first, unit_of_first or unit_of_last, unit, text), _in_unit(last, unit_of_last, unit, text)]
        return Quantity(sum(ends) / 2, "range", bare=unit_of_last is None)
    bounded = _BOUND.sub("", rest)
    if plus := _PLUS.match(bounded):
        bounded = plus[1] + plus[2]
    parts = list(_PART.finditer(bounded))
    between = _PART.sub("", bounded).replace("and", "").strip(" ,")
    if not parts or between or (len(parts) > 1 and not all(part[2] for part in parts)):
        number = Sentence("{text!r} is no number", text=text)
        raise ValueError(Sentence("{text!r} is no number of {unit}", text=text, unit=unit) if unit else number)
    value = sum(_in_unit(part[1], part[2], unit, text) for part in parts)
    rule: Rule = "bound" if bounded != rest else "comma" if any("," in part[1] for part in parts) else ""
    return Quantity(_finite(value, text), rule, bare=parts[0][2] is None)


def _in_unit(number: str, word: str | None, unit: str, text: str) -> float:
    value = _decimal(number, text)
    if word is None or word.rstrip(".") == unit.lower():
        return value
    word = word.rstrip(".")
    for scale, named in ((DAYS, _UNIT_OF.get(word, word)), (MILLIMETRES, word)):
        if unit in scale and named in scale:
            return value * scale[named] / scale[unit]
    wanted = unit or Sentence("a number without a unit")
    raise ValueError(
        Sentence("{text!r} is in {word!r}, and {wanted} is asked for", text=text, word=word, wanted=wanted)
    )


def _decimal(number: str, text: str) -> float:
    whole, comma, digits = number.partition(",")
    if comma and len(digits) == 3 and whole.strip("+-0"):
        either = "{text!r} may have a decimal comma or a comma for thousands: write it with a point, or without"
        raise ValueError(Sentence(either, text=text))
    return float(number.replace(",", "."))


def _finite(number: float, text: str) -> float:
    if not math.isfinite(number):
        raise ValueError(Sentence("{text!r} is not finite", text=text))
    return number

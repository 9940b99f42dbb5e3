"""Who tells a history: words for values, for the lesion and for oneself, in one style."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from mmskin.inputs.note import say_duration
from mmskin.teaching.grammar import expand
from mmskin.teaching.lexicon import AGE, DURATION, SITE, Hold, Style, held, lexicon, places_of
from mmskin.teaching.spoken import in_words

NUMBERS_IN_WORDS = 0.4  # never in shorthand
SIDED = 0.4  # chance that a site is left or right


class Speaker:
    """One voice of one text.

    Args:
        style: of the text.
        rng: draws every choice.
        hold: which wordings are used.
        sex: "female", "male", or "" where words may not say it.
    """

    def __init__(self, style: Style, rng: np.random.Generator, *, hold: Hold, sex: str) -> None:
        self.style, self.rng, self.hold, self.sex = style, rng, hold, sex
        self.words = lexicon()
        self.person: Mapping[str, Any] = self.words[AGE]["sexes"][sex]

    def slots(self) -> dict[str, Callable[[], str]]:
        """What every template may use."""
        it = self.words["it"][self.style]
        who = {"voice": ["I"], "shorthand": ["pt", "patient", "Pt"], "letter": [*self.person["I"], "the patient"]}
        mine = {"voice": ["my"], "shorthand": ["the"], "letter": [*self.person["my"], "the"]}
        sides = self.words[SITE]["sides"][self.style]
        slots: dict[str, Callable[[], str]] = {
            "it": lambda: self.pick(it),
            "I": lambda: self.pick(who[self.style]),
            "my": lambda: self.pick(mine[self.style]),
            "side": lambda: self.pick(sides) if self.rng.random() < SIDED else "",
        }
        return slots | {"me": lambda: "me" if self.style == "voice" else self.pick(["the patient", "them"])}

    def other_slots(self) -> dict[str, Callable[[], str]]:
        """Numbers, times and sites that are not those of the patient or the lesion."""
        sites = self.words[SITE]["places"]
        slots: dict[str, Callable[[], str]] = {
            "other_site": lambda: self.say(sites[self.pick(list(sites))], {}),
            "other_n": lambda: self.number(int(self.rng.integers(1, 95))),
            "other_d": lambda: self.time(float(self.rng.integers(1, 50)) * 365.25, short=False),
            "year": lambda: str(int(self.rng.integers(1985, 2026))),
        }
        return slots | {"ago": lambda: self.say(self.words["ago"], slots)}

    def age(self, age: float) -> str:
        return self.number(int(age)) if float(age).is_integer() else f"{age:g}"

    def number(self, number: int) -> str:
        words = self.style != "shorthand" and self.rng.random() < NUMBERS_IN_WORDS
        return in_words(number) if words and number < 200 else str(number)

    def place(self, value: str) -> str:
        return self.say(list(places_of(value)), {})

    def time(self, days: float, *, short: bool) -> str:
        """Three months, 3/12, a quarter of a year."""
        words = self.words[DURATION]
        sayings = [said for at, said in words["sayings"] if abs(days - at) <= 0.03 * at]
        if sayings and not short and self.rng.random() < 0.5:
            return str(self.pick(sayings[0]))
        able = []
        for unit in words["words"]:
            count = round(days / unit["days"])
            if 1 <= count <= unit["most"] and abs(days - count * unit["days"]) <= 0.02 * days:
                able.append((count, unit))
        if not able:
            return say_duration(days)
        count, unit = able[-1] if self.rng.random() < 0.8 else self.pick(able)
        return self._counted(count, unit, short=short)

    def _counted(self, count: int, unit: Mapping[str, Any], *, short: bool) -> str:
        slots = {"k": lambda: str(count), "s": lambda: "" if count == 1 else "s"}
        slots["w"] = lambda: in_words(count) if count < 100 else str(count)
        return self.say(unit["short" if short else "said"], slots)

    def say(self, templates: Sequence[str], slots: Mapping[str, Callable[[], str]]) -> str:
        """One of the wordings that can be said with these slots."""
        able = held(templates, self.hold)
        for index in self.rng.permutation(len(able)):
            said = expand(able[index], self.rng, slots)
            if said is not None:
                return said
        for template in templates:
            said = expand(template, self.rng, slots)
            if said is not None:
                return said
        raise AssertionError(f"none of these can be said without more: {templates}")

    def pick(self, choices: Sequence[Any]) -> Any:
        return choices[int(self.rng.integers(len(choices)))]

"""A grammar of free-text skin-lesion histories: 300 seeded texts with the facts that they state.

For testing a reader of free text only: never to teach one, and never to word the templates of a teacher.

    PYTHONPATH=tests python -m teaching.free_text_grammar  # rewrites tests/data/free_text_300.jsonl
    … --show 30                 # prints some
    … --shared-with OTHER.jsonl  # counts the runs of four words shared with another such file

A line of the file has style, text and fields (what the text states; every other field is not stated); `negated`, the
yes/no fields stated by a negation; and `vague`, fields that the text tells without a value ("since childhood"), which
no score counts. How facts are read: each is about the lesion in question, itch and pain are as they are now, growth
alone is no change, a flat lesion is elevation no. A month is 30.44 days, a year 365.25.
"""

from __future__ import annotations

import argparse
import json
import re
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from ruamel.yaml import YAML
from teaching.shared_runs import four_grams, shared_with

SEED = 20261128
PER_STYLE = 100
TARGET = Path(__file__).parents[1] / "data" / "free_text_300.jsonl"
WORDINGS = Path(__file__).with_name("free_text_wordings.yaml")
STYLES = ("shorthand", "voice", "letter")
STATED = {  # how often a text states a yes/no field
    "itch": 0.6,
    "grew": 0.5,
    "hurt": 0.6,
    "changed": 0.35,
    "bleed": 0.6,
    "elevation": 0.4,
    "skin_cancer_history": 0.2,
}
DAYS = {"day": 1.0, "week": 7.0, "month": 30.44, "year": 365.25}
SHORT_UNITS = {
    "day": ("{n} days", "{n}d"),
    "week": ("{n}/52", "{n} wks", "{n}wk", "{n} weeks"),
    "month": ("{n}/12", "{n} mths", "{n} months", "{n} mo"),
    "year": ("{n} yrs", "{n}y", "{n} years", "{n} yr"),
}
SPANS = [
    *((n, "day") for n in (16, 18, 20)),
    *((n, "week") for n in (2, 3, 4, 5, 6, 7, 8, 9, 10)),
    *((n, "month") for n in (2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 14, 15, 18, 20)),
    *((n, "year") for n in (1, 2, 3, 4, 5, 6, 7, 8, 9, 10)),
]
IDIOMS = {  # times that people say without a count
    "half a year": 0.5 * 365.25,
    "a year and a half": 1.5 * 365.25,
    "two and a half years": 2.5 * 365.25,
    "a fortnight": 14.0,
    "a couple of months": 2 * 30.44,
    "a year": 365.25,
    "five or six weeks": 5.5 * 7,
    "a year and three months": 15 * 30.44,
}
SHORT_IDIOMS = {
    "half a yr": 0.5 * 365.25,
    "1½ yrs": 1.5 * 365.25,
    "2-3 wks": 2.5 * 7,
    "14/7": 14.0,
    "1 yr 3 mths": 15 * 30.44,
    "18/12": 18 * 30.44,
}
PAIRED = {"arm", "ear", "forearm", "hand", "foot", "thigh"}
ONES = {
    "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10,
    "eleven": 11, "twelve": 12, "thirteen": 13, "fourteen": 14, "fifteen": 15, "sixteen": 16, "seventeen": 17,
    "eighteen": 18, "nineteen": 19,
}  # fmt: skip
TENS = {"twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80, "ninety": 90}
UNKNOWN = "unknown"
PLAIN_NO = "no, said plainly"


class FreeText(NamedTuple):
    """One text and what it states."""

    style: str
    text: str
    fields: dict[str, Any]
    negated: list[str]
    vague: list[str]


class Clause(NamedTuple):
    """A piece of a sentence; value is yes, no or unknown, or "" for what is no yes/no fact."""

    text: str
    value: str


def make_texts(seed: int = SEED, per_style: int = PER_STYLE) -> list[FreeText]:
    """The texts in the order of the file: a style after the other, each text another than all before it."""
    rng = np.random.default_rng(seed)
    words = YAML(typ="safe").load(WORDINGS)
    made: dict[str, FreeText] = {}
    for style in STYLES:
        while sum(text.style == style for text in made.values()) < per_style:
            text = Writer(style, rng, words).write()
            made.setdefault(text.text, text)
    return list(made.values())


def number_in_words(number: int) -> str:
    """41 is "forty-one"; 1 to 99."""
    names = {value: word for word, value in (ONES | TENS).items()}
    ones = number % 10
    return names.get(number) or f"{names[number - ones]}-{names[ones]}"


class Writer:
    """Draws the facts of one history and writes them in a style."""

    def __init__(self, style: str, rng: np.random.Generator, words: dict[str, Any]) -> None:
        self.words = words
        self.style = style
        self.rng = rng
        self.fields: dict[str, Any] = {}
        self.negated: list[str] = []
        self.vague: list[str] = []
        self.age = int(self.rng.integers(19, 95))
        female = self.chance(0.5)
        he, him, his = ("she", "her", "her") if female else ("he", "him", "his")
        self.slots = {
            "he": he, "him": him, "his": his, "s": "F" if female else "M",
            "man": self.one(("woman", "lady") if female else ("man", "gentleman")),
            "work": ("retired " if self.age > 66 else "") + self.one(self.words["work"]),
            "near": str(max(18, self.age + int(self.rng.integers(-6, 7)))), "other": str(self.rng.integers(30, 85)),
        }  # fmt: skip

    def write(self) -> FreeText:
        if self.chance(0.88):
            self.fields["age"] = self.age
        if self.chance(0.92):
            self.fields["region"] = self.one(tuple(self.words["sites"]))
        self.slots["elsewhere"] = self.one(
            [site for site in self.words["elsewhere"] if site != self.fields.get("region")]
        )
        values = {field: self.draw_value(field) for field, share in STATED.items() if self.chance(share)}
        opening = self.opening(values)
        pieces = self.shuffled([*self.facts(values), *self.time()])
        text = self.assemble(opening, pieces)
        if self.chance(0.25):
            text = self.with_typos(text)
        return FreeText(self.style, text, self.in_order(), sorted(self.negated), self.vague)

    def draw_value(self, field: str) -> str:
        share_unknown = 0.0 if field == "skin_cancer_history" else 0.03 if field == "elevation" else 0.08
        return str(self.rng.choice(["yes", "no", UNKNOWN], p=[0.47, 0.53 - share_unknown, share_unknown]))

    def opening(self, values: dict[str, str]) -> str:
        """The first sentence: whose lesion, where, and at times its elevation in a word, which is then said."""
        shape = {"yes": "raised", "no": "flat"}.get(values.get("elevation", ""), "neutral")
        if shape == "neutral" or self.chance(0.6):
            shape = "neutral"
        else:
            self.fields["elevation"] = values.pop("elevation")
        lay = self.style == "voice"
        slots = {"what": self.one((self.words["names"] if lay else self.words["terms"])[shape])}
        forms = self.words["openings_without_site"]
        if "region" in self.fields:
            region = self.fields["region"]
            site = self.one(self.words["sites"][region]["patient" if lay else "clinic"])
            slots["where"] = self.one(("", "", "R ", "L ")) + site if self.side_fits(site, region) else site
            forms = self.words["openings"]
        slots |= self.person()
        return self.spell(self.one(forms[self.style]), **slots)

    def side_fits(self, site: str, region: str) -> bool:
        return self.style == "shorthand" and region in PAIRED and not re.search("left|right|sole", site)

    def person(self) -> dict[str, str]:
        """Whose lesion it is, with the age if the text states one; the patient's own voice says it elsewhere."""
        if self.style == "voice":
            return {}
        if "age" not in self.fields:
            who = self.spell(self.one(("pt {s}", "{s} pt") if self.style == "shorthand" else ("{man}", "{work}")))
        else:
            who = self.spell(self.one(self.words["who"][self.style]), age=str(self.fields["age"]))
            if who.endswith(str(self.fields["age"])) and self.style == "letter" and self.chance(0.5):
                who = who.replace(str(self.fields["age"]), number_in_words(self.fields["age"]))
        article = "An" if re.match(r"8|11|18|[aeiou]", who) else "A"
        return {"who": who, "Who": f"{article} {who}"}

    def facts(self, values: dict[str, str]) -> list[Clause]:
        """Each fact once, at times two in a breath."""
        self.fields |= values
        left = self.shuffled(list(values.items()))
        clauses = []
        while left:
            name, value = left.pop()
            other = next(((n, v) for n, v in left if self.goes_with(name, n, value, v)), None)
            if other and self.chance(0.45):
                left.remove(other)
                clauses.append(self.two_in_one(name, other[0], value))
            else:
                of_lesion = name != "skin_cancer_history"  # which no "but" joins to what the lesion does
                clauses.append(Clause(self.clause(name, value), value if of_lesion else ""))
        return clauses

    def goes_with(self, one: str, other: str, value: str, of_other: str) -> bool:
        of_both = self.words["nouns"][self.style] if value == "no" else self.words["adjectives"]
        return value == of_other and value in ("yes", "no") and one in of_both and other in of_both

    def two_in_one(self, one: str, other: str, value: str) -> Clause:
        denied = value == "no"
        lexicon = self.words["nouns"][self.style] if denied else self.words["adjectives"]
        form = self.one((self.words["denied"] if denied else self.words["reported"])[self.style])
        if denied:
            self.negated += [one, other]
        return Clause(self.spell(form, a=self.one(lexicon[one]), b=self.one(lexicon[other])), value)

    def clause(self, name: str, value: str) -> str:
        wordings = self.words["clauses"][self.style][name]
        if value == "no" and PLAIN_NO in wordings and self.chance(0.25):
            value = PLAIN_NO
        elif value == "no":
            self.negated.append(name)
        return self.spell(self.one(wordings[value]))

    def time(self) -> list[Clause]:
        """How long the lesion has been there, in about half of the texts."""
        if self.chance(0.5):
            return []
        if self.chance(0.08):
            self.vague.append("duration_days")
            return [Clause(self.one(self.words["long_since"][self.style]), "")]
        said, self.fields["duration_days"] = self.duration()
        form = self.one(self.words["clauses"][self.style]["duration_days"]["value"])
        return [Clause(self.spell(form, duration=said), "")]

    def duration(self) -> tuple[str, int]:
        short = self.style == "shorthand"
        if self.chance(0.2):
            said, days = self.one(tuple((SHORT_IDIOMS if short else IDIOMS).items()))
            return said, round(days)
        count, unit = self.one(SPANS)
        if short:
            said = self.one(SHORT_UNITS[unit]).format(n=count)
        else:
            number = str(count) if count > 9 and self.chance(0.5) else number_in_words(count)
            said = f"{number} {unit}" if count == 1 else f"{number} {unit}s"
        return said, round(count * DAYS[unit])

    def assemble(self, opening: str, pieces: list[Clause]) -> str:
        """Sentences of few facts, with the age in the patient's voice and an aside where they fall."""
        sentences = self.sentences(pieces)
        if self.style == "voice" and "age" in self.fields:
            sentences.insert(int(self.rng.integers(len(sentences) + 1)), self.own_age())
        if self.chance(0.55):
            aside = self.spell(self.one(self.words["asides"][self.style]))
            sentences.insert(int(self.rng.integers(len(sentences) + 1)), aside)
        ended = [f"{s}?" if s.startswith("Could you") else f"{s}." for s in (opening, *sentences)]
        return " ".join(self.capital(sentence) for sentence in ended)

    def sentences(self, pieces: list[Clause]) -> list[str]:
        made: list[str] = []
        most = 4 if self.style == "shorthand" else 2
        while pieces:
            size = int(self.rng.integers(1, most + 1))
            doubt = next((n + 1 for n, piece in enumerate(pieces) if piece.value == UNKNOWN), size)
            taken, pieces = pieces[: min(size, doubt)], pieces[min(size, doubt) :]  # a doubt spreads to what follows it
            sentence = taken[0].text
            for before, after in pairwise(taken):
                between = self.words["between"][self.style]
                differ = {before.value, after.value} == {"yes", "no"}
                sentence += self.one(between["unlike" if differ else "alike"]) + after.text
            made.append(sentence)
        return made

    def own_age(self) -> str:
        age = self.fields["age"]
        spell = number_in_words if self.chance(0.4) else str
        form = self.one(self.words["ages"]["next" if self.chance(0.15) else "yes"])
        return self.spell(form, age=spell(age), next=spell(age + 1))

    def with_typos(self, text: str) -> str:
        """One or two long words misspelt: a letter left out, doubled, or two changed about."""
        spoken = {*ONES, *TENS}
        long = [m for m in re.finditer(r"[a-z]{6,}", text) if m.group() not in spoken]
        chosen = self.shuffled(long)[: int(self.rng.integers(1, 3))]
        for match in sorted(chosen, key=lambda m: -m.start()):
            word, at = match.group(), int(self.rng.integers(2, len(match.group()) - 1))
            wrong = self.one((word[:at] + word[at + 1 :], word[:at] + word[at] + word[at:],
                              word[: at - 1] + word[at] + word[at - 1] + word[at + 1 :]))  # fmt: skip
            text = text[: match.start()] + wrong + text[match.end() :]
        return text

    def in_order(self) -> dict[str, Any]:
        return {name: self.fields[name] for name in ("age", "region", *STATED, "duration_days") if name in self.fields}

    def spell(self, form: str, **slots: str) -> str:
        """A wording with its choices drawn and its slots filled."""
        filled = form.format(**{**self.slots, **slots})
        while match := re.search(r"\[([^\[\]]*)\]", filled):
            filled = filled[: match.start()] + self.one(match.group(1).split("|")) + filled[match.end() :]
        return filled

    def chance(self, share: float) -> bool:
        return bool(self.rng.random() < share)

    def one(self, of: Any) -> Any:
        return of[int(self.rng.integers(len(of)))]

    def shuffled(self, items: list[Any]) -> list[Any]:
        return [items[i] for i in self.rng.permutation(len(items))]

    @staticmethod
    def capital(sentence: str) -> str:
        return sentence[0].upper() + sentence[1:]


def main() -> None:
    parser = argparse.ArgumentParser(description="300 free-text histories for testing a reader")
    parser.add_argument("--show", type=int, default=0, help="print that many instead of writing the file")
    parser.add_argument("--shared-with", type=Path, help="count the four-word runs shared with another such file")
    options = parser.parse_args()
    texts = make_texts()
    for number in np.linspace(0, len(texts) - 1, options.show).astype(int):
        print(json.dumps(texts[number]._asdict(), ensure_ascii=False))
    if options.shared_with:
        lines = options.shared_with.read_text(encoding="utf-8").splitlines()
        others = [json.loads(line)["text"] for line in lines]
        shared = shared_with([text.text for text in texts], others)
        every = {gram for text in texts for gram in four_grams(text.text)}
        print(f"{len(shared)} of {len(every)} four-word runs are shared:", *sorted(map(" ".join, shared)), sep="\n  ")
    if options.show or options.shared_with:
        return
    lines = [json.dumps(text._asdict(), ensure_ascii=False) for text in texts]
    TARGET.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

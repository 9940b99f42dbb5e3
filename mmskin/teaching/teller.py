"""A history as somebody tells it: shorthand of a clinic, the patient's own voice, or a letter.

All that is recorded is told, once, in some order; beside it stand sentences that say nothing of the declared fields.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from mmskin.inputs.note import say_value
from mmskin.schema import UNKNOWN, Field, FieldValue, History, Schema
from mmskin.teaching.lexicon import (
    AGE,
    DIAMETER,
    DURATION,
    SEX,
    SITE,
    STYLES,
    Hold,
    Style,
    concepts_of,
    lexicon,
    of_style,
)
from mmskin.teaching.speaker import Speaker
from mmskin.teaching.spoken import with_typos

IN_OPENER = 0.75  # chance that age, site or time is told where the text begins
AS_LESION = 0.35  # that "a nodule" says that it is raised
LISTED = 0.45  # that several yes or several no are told in one breath
JOINED = 0.3  # that two clauses are one sentence
SLIPS = (0.3, 0.06)  # texts with slips of the pen, and the share of their words
MOST_DISTRACTORS = 3
LIFELONG = 0.08  # that who tells no time says that it has been there since childhood, or birth
STYLE_SHARES = (0.42, 0.32, 0.26)  # shorthand has the most forms to learn
SHORT = {"shorthand": 0.9, "voice": 0.1, "letter": 0.1}  # times as 3/12, 2y
FALLBACK = 0.12  # that a field with words of its own is told in those of its declaration all the same


class Teller:
    """Tells histories of one declaration.

    Args:
        schema: the declared fields.
        hold: which wordings are used.
    """

    def __init__(self, schema: Schema, *, hold: Hold = "all") -> None:
        self.schema, self.hold = schema, hold
        self.concept = concepts_of(schema)
        self.field = {concept: schema.field(name) for name, concept in self.concept.items() if concept}
        # What would state a field of the declaration is no distraction.
        self.declared = {*self.field, *(["family"] if self._asks_family() else [])}

    def tell(self, history: History, rng: np.random.Generator) -> str:
        """One text, in a style that is drawn."""
        return _Telling(self, history, STYLES[int(rng.choice(len(STYLES), p=STYLE_SHARES))], rng).text()

    def asks_family_in(self, field: Field) -> bool:
        """Whether a question about skin cancer before asks for the family's too."""
        return "family" in f"{field.name} {field.label}".lower()

    def _asks_family(self) -> bool:
        return any("family" in f"{field.name} {field.label}".lower() for field in self.schema.fields)


class _Telling:
    """One text in the making; what is told is taken off `left`."""

    def __init__(self, texts: Teller, history: History, style: Style, rng: np.random.Generator) -> None:
        self.texts, self.style, self.rng = texts, style, rng
        self.told = history.recorded()
        self.left: dict[str, FieldValue] = dict(self.told)
        self.words = lexicon()
        self.speaker = Speaker(style, rng, hold=texts.hold, sex=self._sex(history))
        self.sex, self.person = self.speaker.sex, self.speaker.person
        self.lesions: list[str] = self.words["lesions"][style]
        if DIAMETER in texts.declared:
            self.lesions = [lesion for lesion in self.lesions if "mm" not in lesion]

    # ------------------------------------------------------------------------------------------ the whole
    def text(self) -> str:
        """Opener, facts, distractions; joined as the style joins them."""
        opener = self._opener()
        clauses = [*self._vague(), *self._facts(), *self._distractions()]
        clauses = [clauses[index] for index in self.rng.permutation(len(clauses))]
        if opener:
            clauses.insert(0 if self.rng.random() < 0.85 else int(self.rng.integers(len(clauses) + 1)), opener)
        return self._finished(self._joined(clauses))

    def _joined(self, clauses: Sequence[str]) -> str:
        """Clauses as sentences, some of them two in one."""
        shorthand = self.style == "shorthand"
        whole = str(self.speaker.pick([". ", ", ", "; ", " / ", " - ", "\n", ". ", ". "])) if shorthand else ". "
        said = ""
        for index, clause in enumerate(clauses):
            joins = index > 0 and self.rng.random() < JOINED
            between = (
                "" if index == 0 else self.speaker.pick([", ", " and ", "; ", " but ", ", and "]) if joins else whole
            )
            first = clause[:1].upper() + clause[1:] if between in ("", ". ", "\n") and not shorthand else clause
            said += between + first
        return said

    def _finished(self, said: str) -> str:
        share, rate = SLIPS
        said = " ".join(said.replace(" .", ".").replace(" ,", ",").split())
        if self.rng.random() < share:
            said = with_typos(said, self.rng, rate=rate)
        chance = self.rng.random()
        if chance < 0.12:
            said = said.lower()
        elif chance < 0.15 and self.style == "shorthand":
            said = said.upper()
        return said + ("." if said and said[-1] not in ".?!" and self.rng.random() < 0.8 else "")

    # ------------------------------------------------------------------------------------------ how it begins
    def _opener(self) -> str:
        """The sentence that names the lesion, and with it some of age, sex, site, time and elevation."""
        if self.rng.random() < 0.12:
            return ""
        told: set[str] = set()
        slots = self.speaker.slots() | {"lesion": lambda: self._lesion(told)}
        for concept, names in ((AGE, ("n",)), (SITE, ("p",)), (DURATION, ("d", "d_short"))):
            if concept in self._left_concepts() and self.rng.random() < IN_OPENER:
                slots |= {name: self._once(told, concept, name) for name in names}
        if self.style != "voice":
            with_age = "n" in slots
            slots |= {
                name: self._person(told, with_age=with_age, capital=name == "Person") for name in ("person", "Person")
            }
            slots.pop("n", None)
        opener = self.speaker.say(self.words["openers"][self.style], slots)
        for concept in told:
            self.left.pop(self.texts.field[concept].name, None)
        return opener

    def _once(self, told: set[str], concept: str, name: str) -> Callable[[], str]:
        """A slot that remembers that its concept has been told."""

        def say() -> str:
            told.add(concept)
            value = self.left[self.texts.field[concept].name]
            if concept == AGE:
                return self.speaker.age(float(value or 0))
            if concept == SITE:
                return self.speaker.place(str(value))
            return self.speaker.time(float(value or 0), short=name == "d_short")

        return say

    def _person(self, told: set[str], *, with_age: bool, capital: bool) -> Callable[[], str]:
        """A 67-year-old woman, 67F; this patient where no age is told."""

        def say() -> str:
            if with_age:
                told.add(AGE)
                age = float(self.left[self.texts.field[AGE].name] or 0)
                slots = {
                    "n": lambda: self.speaker.age(age),
                    "s": lambda: self.speaker.pick(self.person[self.style]),
                    "S": self._sign,
                }
                slots["job"] = lambda: self.speaker.pick(
                    ["farmer", "teacher", "roofer", "nurse", "builder", "gardener"]
                )
                said = self.speaker.say(self.words[AGE]["persons"][self.style], slots)
                self._tell_sex(told)
            else:
                said = self.speaker.say(self.words[AGE]["nobody"][self.style], {})
            return said[:1].upper() + said[1:] if capital else said

        return say

    def _sign(self) -> str:
        return str(
            self.person["shorthand"][0]
            if self.sex == "" or self.rng.random() < 0.7
            else self.speaker.pick(self.person["shorthand"])
        )

    def _tell_sex(self, told: set[str]) -> None:
        """Whoever says "woman" has said the sex."""
        if SEX in self._left_concepts() and self.sex:
            told.add(SEX)

    def _lesion(self, told: set[str]) -> str:
        """A word for the lesion; one that says whether it is raised, if that is to be told."""
        elevation = self.texts.field.get("elevation")
        value = self.left.get(elevation.name) if elevation is not None else None
        if value in ("yes", "no") and self.rng.random() < AS_LESION:
            told.add("elevation")
            entry = self.words["yes_no"]["elevation"]
            noun = self.speaker.say(entry[f"{value}_lesions"], {})
            if self.rng.random() < 0.3:
                noun = f"{self.speaker.pick(entry[f'{value}_words'])} {self.speaker.pick(self._plain_lesions())}"
            return noun
        return self.speaker.say(self.lesions, {})

    def _plain_lesions(self) -> list[str]:
        return ["lesion", "mole", "spot", "mark"]

    # ------------------------------------------------------------------------------------------ facts
    def _vague(self) -> list[str]:
        """Since childhood, which says a time and no number: where nothing else tells how long, now and then."""
        duration = self.texts.field.get(DURATION)
        if duration is None or duration.name in self.told or self.rng.random() >= LIFELONG:
            return []
        return [self.speaker.say(of_style(self.words[DURATION]["lifelong"], self.style), self.speaker.slots())]

    def _facts(self) -> list[str]:
        """A clause for everything that is left, or one for several yes or no."""
        clauses = [self._list("no"), self._list("yes"), self._contrast()]
        for name, value in list(self.left.items()):
            clauses.append(self._clause(self.texts.schema.field(name), value))
        self.left.clear()
        return [clause for clause in clauses if clause]

    def _clause(self, field: Field, value: FieldValue) -> str:
        concept = self.texts.concept[field.name]
        assert value is not None
        if concept == "" or self.rng.random() < FALLBACK or (value == UNKNOWN and field.kind == "categorical"):
            return self._declared_words(field, value)
        if field.kind == "yes_no":
            return self._yes_no(field, concept, str(value))
        slots = self.speaker.slots()
        if concept == AGE:
            return self.speaker.say(
                self.words[AGE]["standalone"][self.style], slots | {"n": lambda: self.speaker.age(float(value))}
            )
        if concept == DURATION:
            slots |= {"d": lambda: self.speaker.time(float(value), short=self.rng.random() < SHORT[self.style])}
            return self.speaker.say(of_style(self.words[DURATION]["standalone"], self.style), slots)
        if concept == SITE:
            slots |= {
                "p": lambda: self.speaker.place(str(value)),
                "lesion": lambda: self.speaker.pick(self._plain_lesions()),
            }
            return self.speaker.say(of_style(self.words[SITE]["standalone"], self.style), slots)
        return self._declared_words(field, value)

    def _yes_no(self, field: Field, concept: str, value: str) -> str:
        """Of one of the ways in which a yes, a no or an unknown can be told, one wording."""
        entry, ways = self.words["yes_no"][concept], []
        frames = self.words["frames"][value]
        for way, of_way in (("noun", "nouns"), ("verb", "verbs")):
            if of_way in entry:
                ways.append((frames[way], self._forms(way, entry[of_way])))
        right = entry.get(f"{'yes' if value == UNKNOWN else value}_words", ())
        if right:
            ways.append((frames["word"], {"w": right}))
        if value == "no" and "yes_words" in entry:
            ways.append((frames["negated"], {"w": entry["yes_words"]}))
        own = of_style(entry.get(value, {}), self.style)
        if own and (not ways or self.rng.random() < 0.4):
            return self.speaker.say(own, self.speaker.slots() | self.speaker.other_slots())
        if (
            concept == "skin_cancer_history"
            and self.texts.asks_family_in(field)
            and self.rng.random() < 0.3
            and value != UNKNOWN
        ):
            return self.speaker.say(self.words["family"][value], self.speaker.slots() | self.speaker.other_slots())
        if not ways:
            return self._declared_words(field, value)
        templates, forms = ways[int(self.rng.integers(len(ways)))]
        form = {name: self.speaker.pick(said) for name, said in forms.items() if isinstance(said[0], str)}
        if "forms" in forms:
            form = dict(zip(("V", "Vs", "Vd", "Vn", "Ving"), self.speaker.pick(forms["forms"]), strict=True))
        slots = self.speaker.slots() | {name: _says(said) for name, said in form.items()}
        return self.speaker.say(self._now(of_style(templates, self.style), is_now="now" in entry), slots)

    def _forms(self, way: str, said: Sequence[Any]) -> dict[str, Sequence[Any]]:
        return {"n": said} if way == "noun" else {"forms": said}

    def _now(self, templates: Sequence[str], *, is_now: bool) -> list[str]:
        """Without those that would say of something that happened once that it does no more."""
        return [t.removesuffix("~") for t in templates if is_now or not t.endswith("~")]

    def _list(self, value: str) -> str:
        """Several facts with the same answer in one breath, "denies itch or pain"; "" if there are none."""
        named = {
            n: self.words["yes_no"][c]
            for n, c in self.texts.concept.items()
            if self.left.get(n) == value and c in self.words["yes_no"]
        }
        way = "nouns" if self.rng.random() < 0.65 else "verbs"
        able = [name for name, entry in named.items() if way in entry and "elevation" not in entry["names"]]
        if len(able) < 2 or self.rng.random() > LISTED:
            return ""
        size = min(len(able), 2 + (int(self.rng.integers(3)) if way == "nouns" else 0))
        chosen = [able[index] for index in self.rng.permutation(len(able))[:size]]
        for name in chosen:
            del self.left[name]
        said = [self.speaker.pick(named[name][way]) for name in chosen]
        frames = self._styled(self.words["frames"]["lists"][f"{value}_{way}"])
        last = " and " if value == "yes" else self.speaker.pick([" or ", " or ", " nor "])
        slots = self.speaker.slots()
        if way == "nouns":
            slots |= {"all": lambda: self._row(said, last)}
        else:
            slots |= {"all": lambda: self._row([verb[0 if value == "no" else 1] for verb in said], last)}
            slots |= {"done": lambda: self._row([verb[3] for verb in said], last)}
            slots |= {"nor": lambda: self._row([verb[1] for verb in said], " nor ")}
        return self.speaker.say(frames, slots)

    def _contrast(self) -> str:
        """A yes and a no in one sentence; "" if there are none."""
        found = {}
        for value in ("yes", "no"):
            names = [
                n for n, c in self.texts.concept.items() if self.left.get(n) == value and c in self.words["yes_no"]
            ]
            if not names or self.rng.random() < 0.3:
                return ""
            found[value] = self.speaker.pick(names)
        said = {value: self._clause(self.texts.schema.field(name), value) for value, name in found.items()}
        for name in found.values():
            del self.left[name]
        return self.speaker.say(self.words["frames"]["lists"]["contrast"], {v: _says(s) for v, s in said.items()})

    def _row(self, said: Sequence[str], last: str) -> str:
        """A, B or C; A/B in shorthand, now and then."""
        if self.style == "shorthand" and " nor " not in last and self.rng.random() < 0.3:
            return "/".join(said)
        return ", ".join(said[:-1]) + last + said[-1]

    def _styled(self, templates: Sequence[str]) -> list[str]:
        """Those without a style, and those of this one, which stands behind a "~"."""
        parts = [template.partition("~") for template in templates]
        return [template for template, _, style in parts if style in ("", self.style)]

    def _declared_words(self, field: Field, value: float | str) -> str:
        """In the words of the declaration: its phrases, or its label."""
        key = value if isinstance(value, str) else "value"
        phrases = field.phrases.get(key) or (field.phrases.get("value") if key != UNKNOWN else None) or ()
        said = say_value(field, value)
        if phrases and self.rng.random() < 0.6:
            return str(self.speaker.pick(list(phrases))).replace("{value}", said).strip().removesuffix(".")
        words = self.words["other"]
        kind = (
            "number"
            if field.is_number
            else "choice"
            if field.kind == "categorical" and value != UNKNOWN
            else str(value)
        )
        label = self.speaker.pick([field.title, field.title.lower(), field.name.replace("_", " ")])
        unit = f" {field.unit}" if field.kind == "numeric" and field.unit else ""
        return self.speaker.say(words[kind], {"label": lambda: label, "value": lambda: said, "unit": lambda: unit})

    # ------------------------------------------------------------------------------------------ no facts
    def _distractions(self) -> list[str]:
        """Up to three sentences about something else."""
        able = [
            templates
            for entry in self.words["distractors"]
            if not set(entry["unless"]) & self.texts.declared and (templates := of_style(entry, self.style))
        ]
        count = int(self.rng.integers(MOST_DISTRACTORS + 1)) if self.rng.random() < 0.75 else 0
        weights = np.array([len(templates) for templates in able], dtype=float) ** 0.5
        chosen = self.rng.choice(len(able), size=count, p=weights / weights.sum())
        return [self.speaker.say(able[index], self.speaker.slots() | self.speaker.other_slots()) for index in chosen]

    def _left_concepts(self) -> set[str]:
        """Of what is left to tell and is not unknown."""
        return {self.texts.concept[name] for name, value in self.left.items() if value != UNKNOWN} - {""}

    def _sex(self, history: History) -> str:
        """As recorded; drawn where nobody asks for it; "" where it was asked and not told, or is of another kind."""
        field = self.texts.field.get(SEX)
        if field is None:
            return str(["female", "male"][int(self.rng.integers(2))])
        value = str(history.fields.get(field.name) or "").lower()
        return {"female": "female", "f": "female", "woman": "female", "male": "male", "m": "male", "man": "male"}.get(
            value, ""
        )


def _says(said: str) -> Callable[[], str]:
    """A slot with one thing to say."""
    return lambda: said

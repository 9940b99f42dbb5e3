"""What the patients of the synthetic clinic tell: fields, their wordings, and sentences of their own.

The fields hold the history latents and no more than these: `bands_of` reads every latent back from the fields.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from mmskin.red_flags import RedFlag
from mmskin.schema import ClassInformation, Field, FieldValue, History, Schema
from mmskin.synthetic.case import SyntheticCase
from mmskin.synthetic.latents import CLASSES, HISTORY_VALUES, NOT_SEEN, NUISANCE_VALUES, PHOTO_VALUES, WORRYING, Ints

SYMPTOMS = ("duration", "growth", "itch", "bleeding", "pain", "previous_cancer")

_AGE_FROM = (18, 40, 60, 75, 96)  # years at which the bands begin, and the end of the last
_DAYS = {
    # What notes tell in weeks, months and years; 4 weeks are left out because people say "a month".
    "weeks": tuple(7 * n for n in (1, 2, 3, 5, 6, 7)),
    "months": tuple(round(365.25 / 12 * n) for n in range(2, 12)),
    "years": tuple(round(365.25 * n) for n in range(1, 21)),
}
_MONTHS_FROM, _YEARS_FROM = 60, 365  # days

_SOURCE = "mmskin, the synthetic clinic: every disease in it is invented"
_WORRYING = ClassInformation(
    text="An invented disease that nobody has, one of those that this clinic calls worrying.",
    next_steps="In the invented clinic it is seen soon and cut out. Of real skin this says nothing.",
    source=_SOURCE,
)
_HARMLESS = ClassInformation(
    text="An invented disease that nobody has, one of those that this clinic calls harmless.",
    next_steps="In the invented clinic nothing needs to be done. Of real skin this says nothing.",
    source=_SOURCE,
)


def clinic_schema(classes: Sequence[str] = CLASSES) -> Schema:
    """The declaration of a synthetic clinic."""
    return Schema(
        name="synthetic",
        classes=tuple(classes),
        class_titles={name: f"{name.capitalize()} (invented)" for name in classes},
        class_information={name: _WORRYING if name in WORRYING else _HARMLESS for name in classes},
        class_groups={"worrying": tuple(name for name in classes if name in WORRYING)},
        fields=FIELDS,
        optional_block=SYMPTOMS,
        red_flags=RED_FLAGS,
        subgroups=("skin_tone", "site"),
        outcomes={
            f"true_{name}": "it is the truth from which photo and history were drawn, not something seen or told"
            for name in TRUTHS
        },
        licence="Apache-2.0; every case is invented",
        citation="mmskin, the synthetic clinic",
    )


def fields_of(case: SyntheticCase) -> dict[str, FieldValue]:
    """The fields of a case; None where not recorded, or told in free text only."""
    left_out = set(case.hidden) | (set(SYMPTOMS) if case.told == "text" else set())
    return {field.name: None if field.name in left_out else _value(case, field) for field in FIELDS}


def text_of(case: SyntheticCase) -> str | None:
    """The patient's own words. They tell only what was recorded, and nothing that a field tells unless asked to.

    With `told="fields"` they are small talk, or nothing at all, whatever the disease: a field that is hidden later is
    hidden for good. With "text" and "both" they tell the symptoms in loose order, in one of several wordings each,
    denied ones among them.
    """
    rng = case.stream("words")
    if case.told == "fields":
        return str(rng.choice(_SMALL_TALK)) or None
    told = [name for name in SYMPTOMS if name not in case.hidden]
    said = [_said(case, told[i]) for i in rng.permutation(len(told))]
    return " ".join(f"{clause[0].upper()}{clause[1:]}." for clause in said) or None


def history_of_case(case: SyntheticCase) -> History:
    """Fields and free text of a case."""
    return History(fields=fields_of(case), text=text_of(case))


def bands_of(fields: Mapping[str, FieldValue]) -> Ints:
    """The history latents that recorded fields give away, for `posterior`.

    Returns:
        (H,) int64 in the order of `HISTORY_VALUES`, `NOT_SEEN` where a field is None, "unknown" or left out.
    """
    return np.array([_band(name, fields.get(name)) for name in HISTORY_VALUES], dtype=np.int64)


def _band(name: str, value: FieldValue) -> int:
    if value is None or value == "unknown":
        return NOT_SEEN
    if name == "age":
        return int(np.digitize(float(value), _AGE_FROM[1:-1]))
    if name == "duration":
        return int(np.digitize(float(value), (_MONTHS_FROM, _YEARS_FROM)))
    return HISTORY_VALUES[name].index(str(value))


def _value(case: SyntheticCase, field: Field) -> FieldValue:
    band = case.values[field.name]
    if field.name == "age":
        index = HISTORY_VALUES["age"].index(band)
        return float(case.stream("age", of_patient=True).integers(_AGE_FROM[index], _AGE_FROM[index + 1]))
    if field.name == "duration":
        return float(case.stream("duration").choice(_DAYS[band]))
    return band


def _said(case: SyntheticCase, name: str) -> str:
    wordings = _OWN_WORDS[name][case.values[name]]
    return str(case.stream(f"wording of {name}").choice(wordings))


def _yes_no(name: str, label: str, *, yes: tuple[str, ...], no: tuple[str, ...]) -> Field:
    unknown = (f"{label}: the patient does not know.",)
    return Field(name=name, kind="yes_no", label=label, phrases={"yes": yes, "no": no, "unknown": unknown})


FIELDS = (
    Field(
        name="age",
        kind="numeric",
        label="Age",
        unit="years",
        low=0,
        high=120,
        phrases={"value": ("{value} years old.", "Aged {value}.", "{value}-year-old patient.")},
    ),
    Field(
        name="site",
        kind="categorical",
        label="Body site",
        choices=NUISANCE_VALUES["site"],
        phrases={"value": ("On the {value}.", "Lesion of the {value}.", "Site: {value}.")},
    ),
    Field(
        name="duration",
        kind="duration",
        label="Since",
        low=0,
        phrases={"value": ("For {value}.", "Noticed {value} ago.", "There for {value}.")},
    ),
    _yes_no(
        "growth",
        "Has grown",
        yes=("Has grown.", "Getting larger.", "Increase in size reported."),
        no=("Has not grown.", "Stable in size.", "No increase in size."),
    ),
    _yes_no("itch", "Itches", yes=("Itches.", "Pruritic.", "Itching reported."), no=("Does not itch.", "No itching.")),
    _yes_no(
        "bleeding",
        "Has bled",
        yes=("Has bled.", "Bleeding reported.", "Bled at least once."),
        no=("Has not bled.", "No bleeding.", "Never bled."),
    ),
    _yes_no("pain", "Hurts", yes=("Hurts.", "Painful.", "Tender."), no=("Does not hurt.", "No pain.", "Painless.")),
    _yes_no(
        "previous_cancer",
        "Skin cancer before",
        yes=("Skin cancer before.", "History of skin cancer.", "Previously treated for skin cancer."),
        no=("No skin cancer before.", "No history of skin cancer.", "Never had skin cancer."),
    ),
)

RED_FLAGS = tuple(
    RedFlag.model_validate(flag)
    for flag in (
        {"reason": "it has bled", "when": {"bleeding": "yes"}},
        {"reason": "it has grown", "when": {"growth": "yes"}},
        {
            "reason": "it is new, and the patient is 60 or older",
            "when": {"duration": {"at_most": _MONTHS_FROM}, "age": {"at_least": 60}},
        },
    )
)

TRUTHS = (*PHOTO_VALUES, *HISTORY_VALUES)

# Other words than the fields' own phrases, so that reading them is a task of its own; each value as often denied or
# affirmed by a word that the opposite value uses too ("bleed", "grow") as by one that it does not.
_OWN_WORDS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "duration": {
        "weeks": ("I first saw it a few weeks ago", "it was not there two months ago", "it came up just weeks ago"),
        "months": (
            "I have had it for some months now",
            "it is months old but not a year",
            "it began earlier this year",
        ),
        "years": ("it has been there for years", "I have had it as long as I remember", "it is many years old"),
    },
    "growth": {
        "yes": ("it keeps growing", "it is bigger than it used to be", "it did not stay the size it was"),
        "no": ("it never grew", "it is no bigger than it used to be", "it stayed the size it was"),
    },
    "itch": {
        "yes": ("it itches me", "I cannot stop scratching it", "the itch is bad"),
        "no": ("it never itches", "I have no urge to scratch it", "there is no itch at all"),
    },
    "bleeding": {
        "yes": ("there was blood on my shirt", "it bleeds now and then", "it would not stop bleeding once"),
        "no": ("there was never any blood", "it doesn't bleed", "I have not seen it bleed so far"),
    },
    "pain": {
        "yes": ("it is sore", "it hurts when I touch it", "the pain bothers me"),
        "no": ("it isn't sore", "it does not hurt even when I touch it", "I feel no pain there"),
    },
    "previous_cancer": {
        "yes": (
            "they cut a skin cancer out of me before",
            "I had a skin cancer once",
            "it is not my first skin cancer",
        ),
        "no": ("I never had a skin cancer", "nobody ever found a skin cancer on me", "I have not had any skin cancer"),
    },
}
_SMALL_TALK = (
    "",
    "",
    "",
    "My daughter told me to come.",
    "I would rather know.",
    "A friend said to show it to somebody.",
    "I am not worried, but my wife is.",
    "I had to wait six weeks for this visit.",
    "I am out in the garden a lot.",
    "My doctor sent me.",
)

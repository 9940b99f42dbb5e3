"""What most data sets record of a patient, in one wording: age, sex, body site and skin tone.

Age and sex are the fields of the data sets themselves. Site and skin tone are for data sets that are joined: each has
its own words for them, and its declaration says which of these they are (`common`).

Choices, where a list of six sites leaves one:

- A hand is upper extremity and a foot lower extremity, unless the data set says palm or sole. Where it says no more
  than "hand", some of these are palms.
- "acral" means palm or sole in dermoscopy, and is read so.
- A lip is head or neck.
- Buttocks are torso, as in ICD-O-3 (C44.5, skin of trunk).
- SCIN asks for parts of the body by check boxes, of which several can be ticked, and groin and genitals share one: they
  stay fields of their own, and its site is not recorded.

Skin tones are the thirds of each six-step scale. **These scales do not measure the same**: Fitzpatrick types are how
skin takes the sun, told by the patient (PAD-UFES-20, SCIN), put on record by a doctor (DDI) or guessed from the photo
(Fitzpatrick17k); MILK10k's steps are how light the skin looks. Equal words make reports comparable, not patients.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mmskin.schema import Field, FieldValue

AGE = Field(
    name="age",
    kind="numeric",
    label="Age",
    unit="years",
    low=0,
    high=120,
    phrases={"value": ("{value} years old.", "Aged {value}.", "Age {value}.", "{value}-year-old patient.")},
)

SEX = Field(
    name="sex",
    kind="categorical",
    label="Sex",
    choices=("female", "male"),
    phrases={
        "female": ("Woman.", "Female.", "Female patient."),
        "male": ("Man.", "Male.", "Male patient."),
        "unknown": ("Sex unknown.", "Sex not known."),
    },
)

# The list of ISIC 2020, the coarsest that is published: finer words would have to be invented for some data sets, and a
# word that only one of them uses would tell the data set.
SITE = Field(
    name="site",
    kind="categorical",
    label="Body site",
    choices=("head or neck", "torso", "upper extremity", "lower extremity", "palm or sole", "mouth or genitals"),
    phrases={
        "value": ("On the {value}.", "Lesion on the {value}.", "Site: {value}."),
        "palm or sole": ("On palm or sole.", "Lesion on palm or sole.", "Site: palm or sole."),
        "mouth or genitals": ("In the mouth or on the genitals.", "Site: mouth or genitals."),
        "unknown": ("Body site unknown.", "Site not known."),
    },
)

# Three steps, because the scales behind them do not measure the same: Fitzpatrick types how skin takes the sun, others
# how light it looks to somebody.
SKIN_TONE = Field(
    name="skin_tone",
    kind="categorical",
    label="Skin tone",
    choices=("light", "medium", "dark"),
    phrases={
        "value": ("{value} skin.", "Skin tone {value}.", "Skin tone: {value}."),
        "unknown": ("Skin tone unknown.", "Skin tone not known."),
    },
)

COMMON = (AGE, SEX, SITE, SKIN_TONE)

AGE_GROUP = Field(name="age_group", kind="categorical", label="Age group", choices=("<40", "40-59", "60+"))


# What declarations of data sets may say instead of writing it out (`like: age`); a source adds its own choices.
SHARED_FIELDS: Mapping[str, Mapping[str, Any]] = {
    "age": AGE.model_dump(exclude_unset=True),
    "sex": SEX.model_dump(exclude_unset=True),
    "isic_site": {  # as the ISIC challenges write it
        "kind": "categorical",
        "label": "Body site",
        "phrases": {
            "value": ("On the {value}.", "Lesion on the {value}.", "Site: {value}."),
            "head/neck": ("On head or neck.", "Lesion on head or neck.", "Site: head or neck."),
            "oral/genital": ("In the mouth or on the genitals.", "Oral or genital lesion.", "Site: mouth or genitals."),
            "palms/soles": ("On palm or sole.", "Lesion of palm or sole.", "Site: palm or sole."),
            "unknown": ("Body site unknown.", "Site not known."),
        },
    },
}


def age_group(age: FieldValue) -> str | None:
    """The band by which reports break results down: "<40", "40-59" or "60+"; None where no age is recorded."""
    if not isinstance(age, float):
        return None
    return "<40" if age < 40 else "40-59" if age < 60 else "60+"

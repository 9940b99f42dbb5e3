"""What most data sets record of a patient, in one wording: age, sex, body site and skin tone.

Age and sex are the fields of the data sets themselves. Site and skin tone are for data sets that are joined: each has
its own words for them, which `mmskin.data.translations` turns into these.
"""

from __future__ import annotations

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


def isic_site(*choices: str) -> Field:
    """The body site as the ISIC challenges write it ("head/neck"); each challenge has its own choices."""
    return Field(
        name="site",
        kind="categorical",
        label="Body site",
        choices=choices,
        phrases={
            "value": ("On the {value}.", "Lesion on the {value}.", "Site: {value}."),
            "head/neck": ("On head or neck.", "Lesion on head or neck.", "Site: head or neck."),
            "oral/genital": ("In the mouth or on the genitals.", "Oral or genital lesion.", "Site: mouth or genitals."),
            "palms/soles": ("On palm or sole.", "Lesion of palm or sole.", "Site: palm or sole."),
            "unknown": ("Body site unknown.", "Site not known."),
        },
    )


def age_group(age: FieldValue) -> str | None:
    """The band by which reports break results down: "<40", "40-59" or "60+"; None where no age is recorded."""
    if not isinstance(age, float):
        return None
    return "<40" if age < 40 else "40-59" if age < 60 else "60+"

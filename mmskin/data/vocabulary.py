"""What most data sets record of a patient, in one wording: age, sex, and the body site in the ISIC archive's words."""

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

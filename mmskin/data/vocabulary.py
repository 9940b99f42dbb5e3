"""What most data sets record of a patient, in one wording: age and sex."""

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


def age_group(age: FieldValue) -> str | None:
    """The band by which reports break results down: "<40", "40-59" or "60+"; None where no age is recorded."""
    if not isinstance(age, float):
        return None
    return "<40" if age < 40 else "40-59" if age < 60 else "60+"

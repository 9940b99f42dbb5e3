"""The ten fields that the free texts are about: nine of PAD-UFES-20's own declaration, and a duration."""

from __future__ import annotations

from mmskin.data.tables.declaration import read_declaration
from mmskin.schema import Field, Schema

PAD_FIELDS = ("age", "region", "itch", "grew", "hurt", "changed", "bleed", "elevation", "skin_cancer_history")
DURATION = Field(
    name="duration_days",
    kind="duration",
    label="Present for",
    low=0,
    phrases={"value": ("Present for {value}.", "For {value}.", "Has had it for {value}.")},
)


def free_text_schema() -> Schema:
    """PAD-UFES-20's fields in its order, then how long the lesion has been there.

    PAD-UFES-20's skin cancer history is of "patient or family"; the texts' is the patient's own, and declared so.
    """
    schema = read_declaration("pad_ufes_20").declared_schema.with_fields(PAD_FIELDS)
    own = schema.field("skin_cancer_history").model_copy(update={"label": "Skin cancer before"})
    own = own.model_copy(update={"phrases": {**own.phrases, "yes": own.phrases["yes"][1:]}})
    fields = (*(own if field.name == own.name else field for field in schema.fields), DURATION)
    return schema.model_copy(update={"fields": fields})

"""What a submission to the MILK10k challenge refuses."""

from __future__ import annotations

import pytest

from mmskin.api.table_formats.isic_milk10k import CLASSES, ISIC_MILK10K
from mmskin.data.tables.declaration import read_declaration
from mmskin.errors import UserError
from mmskin.schema import Schema

SCHEMA = read_declaration("milk10k").declared_schema


@pytest.mark.parametrize(
    ("classes", "told"),
    [
        (CLASSES[:-1], "however: this one lacks VASC; train one on milk10k with all its classes"),
        ((*CLASSES[1:], "SCC"), "however: this one lacks AKIEC and has besides SCC;"),
        ((*CLASSES, "UNK"), "however: this one has besides UNK;"),
    ],
)
def test_a_model_of_other_classes_is_refused(classes: tuple[str, ...], told: str) -> None:
    with pytest.raises(UserError, match=told):
        ISIC_MILK10K.check(Schema(name="t", classes=classes), ["IL_0000652"])


@pytest.mark.parametrize(
    ("ids", "told"),
    [
        (["IL_0000652", "ISIC_0000001", "row_4"], "such as IL_0000652, however: ISIC_0000001, row_4; give"),
        (["IL_652"], "however: IL_652;"),
        (["IL_00006521"], "however: IL_00006521;"),
        (["IL_0000652", "IL_0000653", "IL_0000652"], "one row a lesion, however twice: IL_0000652;"),
    ],
)
def test_ids_that_are_none_of_the_challenge_or_are_there_twice_are_refused(ids: list[str], told: str) -> None:
    ISIC_MILK10K.check(SCHEMA, ["IL_0000652", "IL_9999999"])
    with pytest.raises(UserError, match=told):
        ISIC_MILK10K.check(SCHEMA, ids)

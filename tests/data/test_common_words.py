"""Common words: small tables by hand, and a walk over every vocabulary that a data set in the table declares."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pytest

from mmskin.data.common_words import in_common_words
from mmskin.data.sources import SOURCES
from mmskin.data.table import Cases, check_table, make_table
from mmskin.data.tables.declaration import CommonWords, is_declared, read_declaration
from mmskin.data.vocabulary import AGE, AGE_GROUP, COMMON, SEX, SITE, SKIN_TONE
from mmskin.errors import DataError
from mmskin.schema import UNKNOWN, Field, Schema

REGION = Field(name="region", kind="categorical", choices=("nose", "hand"))
SKIN_TYPE = Field(name="fitzpatrick", kind="categorical", choices=("1", "4", "6"))
ITCH = Field(name="itch", kind="yes_no")


def cases_of(values: Mapping[str, list[Any]], **schema: Any) -> Cases:
    size = len(next(iter(values.values())))
    ids = [f"c{i}" for i in range(size)]
    declared = Schema(name="clinic", classes=("a", "b"), **schema)
    columns = {"case_id": ids, "patient_id": ids, "lesion_id": ids, "images": [()] * size, "target": ["a"] * size}
    return check_table(Cases(declared, make_table(declared, columns | dict(values))))


def test_fields_become_common_ones_and_the_originals_are_kept() -> None:
    values = {
        "age": [40.0, None, 39.9],
        "itch": ["yes", None, "no"],
        "region": ["nose", "hand", UNKNOWN],
        "fitzpatrick": ["6", None, "1"],
        "age_group": ["old", None, "young"],
    }
    own = cases_of(
        values,
        fields=(ITCH, AGE, REGION, SKIN_TYPE),
        optional_block=("itch", "fitzpatrick"),
        subgroups=("age_group", "fitzpatrick"),
    )
    common = in_common_words(own, source="pad_ufes_20")
    schema, table = check_table(common)[:2]
    assert schema.fields == (AGE, SITE, SKIN_TONE, ITCH)
    assert set(schema.optional_block) == {"itch", "skin_tone"}
    assert schema.subgroups == ("age_group", "site", "skin_tone_group")
    assert list(table.site) == ["head or neck", "upper extremity", UNKNOWN]
    assert list(table.site_original) == ["nose", "hand", UNKNOWN]
    assert list(table.skin_tone) == list(table.skin_tone_group) == ["dark", None, "light"]
    assert list(table.skin_tone_original) == ["6", None, "1"]
    assert list(table.age) == list(table.age_original) == [40.0, None, 39.9]
    assert list(table.age_group) == ["40-59", None, "<40"]
    assert list(table.itch) == ["yes", None, "no"]
    assert not {"region", "fitzpatrick", "sex"} & set(table.columns)


def test_a_skin_tone_that_was_no_input_becomes_none() -> None:
    own = cases_of({"skin_tone": ["5-6", "1-2"], "site": ["torso", None]}, fields=(SITE,), subgroups=("skin_tone",))
    common = in_common_words(own, source="ddi")
    assert common.schema.field_names == ("site",)
    assert "skin_tone" not in common.table
    assert list(common.table.skin_tone_group) == ["dark", "light"]
    assert list(common.table.skin_tone_original) == ["5-6", "1-2"]
    assert common.schema.subgroups == ("site", "skin_tone_group")


def test_decades_give_a_band_and_no_age_in_years() -> None:
    decades = Field(name="age_group", kind="categorical", choices=("18 to 29", "40 to 49"))
    values = {"age_group": ["40 to 49", None, "18 to 29"], "fitzpatrick": [None] * 3}
    own = cases_of(values, fields=(decades, SKIN_TYPE), subgroups=("age_group",))
    common = in_common_words(own, source="scin")
    assert list(common.table.age_group) == ["40-59", None, "<40"]
    assert list(common.table.scin_age_group) == ["40 to 49", None, "18 to 29"]
    assert common.schema.field_names == ("skin_tone", "scin_age_group")
    assert common.schema.subgroups == ("age_group", "skin_tone_group")


def test_values_without_a_common_word_are_named_and_never_dropped() -> None:
    elbow = Field(name="site", kind="categorical", choices=("elbow", "torso", "knee"))
    own = cases_of({"site": ["elbow", "torso", "knee"]}, fields=(elbow,))
    told = r"clinic: 2 values of 'site' have no common word: site value 'elbow' does not exist.*site value 'knee'"
    with pytest.raises(DataError, match=told):
        in_common_words(own, source="csv")
    plain = cases_of({"site": ["torso", None, "palm or sole"]}, fields=(elbow,))
    assert list(in_common_words(plain, source="csv").table.site) == ["torso", None, "palm or sole"]


# --- every vocabulary of every data set ---

LIKE_A_COMMON_ONE = re.compile(r"^sex|gender|site|region|locat|body|skin|tone|fitzpatrick|monk")
DECLARED = [source for source in sorted(SOURCES) if is_declared(source) and source != "synthetic"]
BY_NAME = {field.name: field for field in (*COMMON, AGE_GROUP)}


def declared_fields(source: str) -> dict[str, Field]:
    """What a data set declares: its fields, and those beside them that are no inputs."""
    declaration = read_declaration(source)
    declared = {**declaration.fields, **declaration.observed}
    return {name: field for name, spec in declared.items() if (field := spec.declare([])[0])}


def vocabularies(source: str) -> dict[str, Field]:
    """Of these the ones with choices for sex, site and skin."""
    declared = declared_fields(source).items()
    return {name: f for name, f in declared if f.kind == "categorical" and LIKE_A_COMMON_ONE.search(name)}


def test_the_walk_sees_the_vocabularies() -> None:
    seen = {source: set(vocabularies(source)) for source in DECLARED if vocabularies(source)}
    assert (
        seen.items()
        >= {
            "ddi": {"skin_tone"},
            "fitzpatrick17k": {"fitzpatrick"},
            "ham10000": {"sex", "site"},
            "pad_ufes_20": {"sex", "region", "fitzpatrick"},
            "scin": {"sex", "fitzpatrick"},
        }.items()
    )


@pytest.mark.parametrize("source", DECLARED)
def test_every_value_that_a_data_set_declares_has_a_common_word(source: str) -> None:
    declaration = read_declaration(source)
    by_column = {common.column: (name, common) for name, common in declaration.common.items()}
    for column, field in vocabularies(source).items():
        assert column in by_column or column in BY_NAME, f"{source}: say what {column} is under common in {source}.yaml"
        name, common = by_column.get(column, (column, CommonWords(column=column)))
        for choice in field.choices:
            BY_NAME[name].parse(common.said.get(choice, choice))


@pytest.mark.parametrize("source", DECLARED)
def test_common_words_are_of_a_column_of_the_data_set_and_in_the_vocabulary(source: str) -> None:
    for name, common in read_declaration(source).common.items():
        assert common.column in declared_fields(source)
        assert set(common.words) <= set(BY_NAME[name].choices)
        assert UNKNOWN not in common.said


def test_sites_and_tones_are_translated_as_argued() -> None:
    """The choices that mmskin/data/vocabulary.py states, and the two ends of MILK10k's scale."""
    common = {source: read_declaration(source).common for source in DECLARED}
    site = {source: told["site"].said for source, told in common.items() if "site" in told}
    tone = {source: told["skin_tone"].said for source, told in common.items() if "skin_tone" in told}
    assert {site[s]["hand"] for s in ("pad_ufes_20", "ham10000", "milk10k")} == {"upper extremity"}
    assert {site[s]["foot"] for s in ("pad_ufes_20", "ham10000", "milk10k")} == {"lower extremity"}
    assert {site["ham10000"]["acral"], site["derm7pt"]["acral"], site["isic2019"]["palms/soles"]} == {"palm or sole"}
    assert (site["pad_ufes_20"]["lip"], site["derm7pt"]["buttocks"]) == ("head or neck", "torso")
    assert (tone["milk10k"]["0"], tone["milk10k"]["5"]) == ("dark", "light")
    assert (tone["scin"]["1"], tone["ddi"]["3-4"], tone["fitzpatrick17k"]["6"]) == ("light", "medium", "dark")


def test_common_fields_have_words_for_every_value() -> None:
    for field in (SEX, SITE, SKIN_TONE):
        assert UNKNOWN in field.phrases
        assert "value" in field.phrases or set(field.choices) <= set(field.phrases)

"""Cases of one declaration under another: what is the same, what is unknown, and what cannot be read."""

from __future__ import annotations

from typing import Any

import pytest

from mmskin.data.foreign_cases import in_schema
from mmskin.data.table import Cases, make_table
from mmskin.errors import ConfigError, DataError
from mmskin.schema import UNKNOWN, Field, Schema

BOTH = ("image", "metadata")
HOME = Schema(
    name="home",
    classes=("nevus", "melanoma"),
    fields=(
        Field(name="age", kind="numeric", unit="years", low=0, high=120),
        Field(name="site", kind="categorical", choices=("arm", "leg")),
        Field(name="itch", kind="yes_no"),
        Field(name="since", kind="duration", unit="weeks"),
    ),
)


def there(fields: tuple[Field, ...], photos: tuple[str, ...] = ("image",), **columns: list[Any]) -> Cases:
    schema = Schema(name="there", classes=("nevus", "wart"), fields=fields, photos=photos)
    ids = ["a", "b"]
    values = {
        "case_id": ids,
        "patient_id": ids,
        "lesion_id": ids,
        "images": [("a.jpg",), ("b.jpg",)],
        "image_kinds": [(photos[0],), (photos[-1],)],
        "target": ["nevus", "wart"],
        "group_clinic": ["x", "y"],
    }
    return Cases(schema, make_table(schema, values | columns))


def test_a_field_of_the_same_name_is_read_and_others_are_not_recorded() -> None:
    cases = there(
        (Field(name="age", kind="numeric", unit="years"), Field(name="hair", kind="yes_no")),
        age=[40.0, None],
        hair=["yes", "no"],
    )
    read = in_schema(cases, HOME, BOTH)
    assert read.schema == HOME.model_copy(update={"name": "there"})
    assert read.table["age"].tolist() == [40.0, None]
    assert read.table["itch"].tolist() == [None, None]
    assert any("has no field site, itch, since: not recorded" in remark for remark in read.remarks)
    assert read.table["target"].tolist() == ["nevus", "wart"]
    assert read.table["group_clinic"].tolist() == ["x", "y"]


def test_words_are_read_in_any_case_and_others_are_unknown_and_counted() -> None:
    cases = there((Field(name="site", kind="categorical", choices=("Arm", "nose")),), site=["Arm", "nose"])
    read = in_schema(cases, HOME, BOTH)
    assert read.table["site"].tolist() == ["arm", UNKNOWN]
    assert any("site: 'nose' (1) is no value that the model knows" in remark for remark in read.remarks)


def test_a_duration_is_the_same_number_of_days_whatever_its_unit() -> None:
    cases = there((Field(name="since", kind="duration", unit="months"),), since=[60.0, 7.0])
    assert in_schema(cases, HOME, BOTH).table["since"].tolist() == [60.0, 7.0]


@pytest.mark.parametrize(
    ("field", "message"),
    [
        (
            Field(name="age", kind="numeric", unit="months"),
            "age is numeric of months, and the model reads numeric of years",
        ),
        (Field(name="age", kind="categorical", choices=("old", "young")), "age is categorical, and the model reads"),
    ],
)
def test_another_quantity_is_refused(field: Field, message: str) -> None:
    values = [40.0, 50.0] if field.is_number else ["old", "young"]
    with pytest.raises(DataError, match=message):
        in_schema(there((field,), age=values), HOME, BOTH)


def test_a_number_outside_the_range_of_the_model_is_refused() -> None:
    cases = there((Field(name="age", kind="numeric", unit="years"),), age=[40.0, 130.0])
    with pytest.raises(DataError, match=r"must lie between 0\.0 and 120\.0 years"):
        in_schema(cases, HOME, BOTH)


def test_the_only_kind_of_photo_is_that_of_the_model_and_is_said() -> None:
    read = in_schema(there((), ("clinical",)), HOME, BOTH)
    assert read.table["image_kinds"].tolist() == [("image",), ("image",)]
    assert "clinical photos are read as image" in read.remarks


def test_of_several_kinds_the_one_is_named() -> None:
    cases = there((), ("clinical", "dermoscopic"))
    with pytest.raises(DataError, match=r"has no image photos, which the model reads; .* --photos image=clinical"):
        in_schema(cases, HOME, ("image",))
    read = in_schema(cases, HOME, BOTH, kinds={"image": "dermoscopic"})
    assert read.table["images"].tolist() == [(), ("b.jpg",)]
    assert "1 photos of other kinds than the model's are left out" in read.remarks
    with pytest.raises(ConfigError, match="kind of photo of there 'dermoscopy'"):
        in_schema(cases, HOME, BOTH, kinds={"image": "dermoscopy"})
    with pytest.raises(ConfigError, match="kind of photo of the model 'photo'"):
        in_schema(cases, HOME, BOTH, kinds={"photo": "clinical"})


def test_cases_of_the_same_declaration_are_left_alone() -> None:
    cases = there(())
    assert in_schema(cases, cases.schema, BOTH) is cases

"""What the published data sets say of their classes."""

from __future__ import annotations

import pytest

from mmskin.data.tables.declaration import read_declaration
from mmskin.schema import Schema
from mmskin.synthetic.history import clinic_schema

WITHOUT = {"milk10k": {"BEN_OTH", "INF", "MAL_OTH"}}  # collections of many diseases


@pytest.mark.parametrize("source", ["pad_ufes_20", "milk10k", "ham10000", "isic2019"])
def test_every_disease_of_a_published_data_set_is_explained_with_its_source(source: str) -> None:
    schema = read_declaration(source).declared_schema
    assert {*schema.classes} - {*schema.class_information} == WITHOUT.get(source, set())
    for about in schema.class_information.values():
        assert len(about.text) + len(about.next_steps) < 400  # it is read in a moment
        assert about.source.split(",")[0] in ("NHS", "DermNet")


def test_those_of_the_synthetic_clinic_say_that_they_are_invented() -> None:
    schema = clinic_schema()
    assert [*schema.class_information] == [*schema.classes]
    assert all("invented" in about.text for about in schema.class_information.values())


def test_a_schema_of_before_has_none_and_one_that_has_some_is_read_back() -> None:
    schema = clinic_schema()
    saved = schema.to_json()
    assert Schema.model_validate(saved) == schema
    del saved["class_information"]
    assert Schema.model_validate(saved).class_information == {}

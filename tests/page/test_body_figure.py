from __future__ import annotations

import pytest

from mmskin.data.vocabulary import SITE
from mmskin.page.body_figure import BACK, CLOSE, FRONT, WORDS, drawings, site_field
from mmskin.page.form import form_html
from mmskin.schema import Field
from mmskin.synthetic import clinic_schema

REGIONS = {shape.region for drawing in (FRONT, BACK) for shape in drawing.shapes}


def site(*choices: str) -> Field:
    return Field(name="site", kind="categorical", choices=choices)


def found(*choices: str) -> dict[str, str]:
    pair = site_field([site(*choices)])
    assert pair is not None
    return pair[1]


def test_every_word_is_of_regions_that_are_drawn() -> None:
    assert {region for regions in WORDS.values() for region in regions} == REGIONS


def test_a_region_is_the_finest_choice_that_covers_it() -> None:
    regions = found("arm", "forearm", "hand", "face", "lip", "back")
    assert regions["upper arm"] == "arm"
    assert regions["forearm"] == "forearm"
    assert (regions["face"], regions["nose"], regions["mouth"]) == ("face", "face", "lip")
    assert "chest" not in regions


PAD = ["abdomen", "arm", "back", "chest", "ear", "face", "foot", "forearm", "hand", "lip", "neck", "nose", "scalp"]
MILK = ["foot", "genital", "hand", "head neck face", "lower extremity", "trunk", "upper extremity"]


@pytest.mark.parametrize("field", [clinic_schema().field("site"), SITE, site(*PAD), site(*MILK)])
def test_every_place_of_the_data_sets_can_be_pointed_at(field: Field) -> None:
    pair = site_field([field])
    assert pair is not None
    assert set(field.choices) - set(pair[1].values()) <= {"palm or sole"}  # the back of a hand is no palm


def test_choices_that_are_no_places_have_a_list_and_no_figure() -> None:
    other = site("Italy", "Brazil", "back")
    assert site_field([other]) is None
    html = form_html([other])
    assert "<svg" not in html
    assert "<select" in html


def test_the_head_is_drawn_large_where_its_parts_are_told_apart() -> None:
    assert drawings(found("face", "nose", "lip")) == (FRONT, BACK, CLOSE)
    assert drawings(found("face", "scalp", "trunk")) == (FRONT, BACK)
    assert form_html([site("face", "nose", "arm")]).count("<path") > form_html([site("face", "arm")]).count("<path")

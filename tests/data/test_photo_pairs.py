from __future__ import annotations

from pathlib import Path

import pytest

from mmskin.data.photo_pairs import join_pairs, wanted_kinds
from mmskin.errors import ConfigError

PAIRS = {
    "a": {"dermoscopic": "a2", "clinical": "a1"},
    "b": {"clinical": "b1"},
    "c": {"clinical": "c", "dermoscopic": "c"},
    "d": {},
}
FILES = {name: [Path(f"/photos/{name}.jpg")] for name in ("a1", "a2", "b1", "c", "z")}


def test_both_are_the_close_up_and_then_the_dermoscopic_photo() -> None:
    assert wanted_kinds("both") == ("clinical", "dermoscopic")
    assert wanted_kinds("clinical") == ("clinical",)
    assert wanted_kinds("dermoscopic") == ("dermoscopic",)
    with pytest.raises(
        ConfigError, match=r"photos 'close-up' does not exist\. It must be one of: both, clinical, derm"
    ):
        wanted_kinds("close-up")


@pytest.mark.parametrize(
    ("photos", "images", "lacking"),
    [
        ("both", [("a1", "a2"), ("b1",), ("c",), ()], ["1 cases have no clinical", "2 cases have no dermoscopic"]),
        ("clinical", [("a1",), ("b1",), ("c",), ()], ["1 cases have no clinical"]),
        ("dermoscopic", [("a2",), (), ("c",), ()], ["2 cases have no dermoscopic"]),
    ],
)
def test_photos_of_a_kind_that_is_not_wanted_are_left_out_and_are_no_strays(
    photos: str, images: list[tuple[str, ...]], lacking: list[str]
) -> None:
    found, remarks = join_pairs(PAIRS, wanted_kinds(photos), FILES, where="images")
    assert found == [tuple(f"/photos/{name}.jpg" for name in names) for names in images]
    assert remarks[0] == "1 photos under images have no row and are not used: z"
    assert [remark.split(" photo in")[0] for remark in remarks[1:]] == lacking

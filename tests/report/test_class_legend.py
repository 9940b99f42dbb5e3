from __future__ import annotations

from mmskin.report.class_legend import class_section, legend, titled

TITLES = {"NEV": "Nevus", "ACK": "Actinic keratosis", "wart": "Wart", "alvita": "Alvita (invented)"}


def test_a_short_name_has_its_title_behind_it_and_a_full_one_stands_alone() -> None:
    assert [titled(name, TITLES) for name in (*TITLES, "MEL")] == [
        *("NEV: Nevus", "ACK: Actinic keratosis", "Wart", "Alvita (invented)", "MEL"),
    ]


def test_the_legend_names_short_names_alone() -> None:
    assert legend(TITLES, TITLES) == "NEV: Nevus; ACK: Actinic keratosis."
    assert legend(["wart", "MEL"], TITLES) == ""


def test_classes_without_titles_and_groups_need_no_section() -> None:
    assert class_section(["wart", "MEL"], TITLES, {}) == []
    (section,) = class_section(["NEV", "MEL"], TITLES, {"malignant": ("MEL",)})
    assert section.grids[0].rows == [["NEV", "Nevus", ""], ["MEL", "MEL", "malignant"]]
    (section,) = class_section(["NEV"], TITLES, {})
    assert section.grids[0].head == ["Class", "Name in full"]

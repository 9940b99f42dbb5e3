"""What is suspicious about a table, on a handful of rows."""

from __future__ import annotations

import pytest

from mmskin.data.suspicions import (
    accuracy_alone,
    alike_labels,
    giveaways,
    gives_label,
    labels_in_texts,
    shared_lesions,
    shared_photos,
)


def test_labels_of_their_own_are_not_alike() -> None:
    assert alike_labels({2: "BCC", 3: "SCC", 4: "BCC", 5: "Nevus (blue)", 6: "Nevus"}) == []


def test_alike_labels_name_the_rows_of_each_spelling() -> None:
    assert alike_labels({2: "basal cell", 3: "Basal-Cell", 9: "basal cell"}) == [
        "'basal cell' in rows 2, 9; 'Basal-Cell' in row 3"
    ]


def test_accuracy_alone_by_hand() -> None:
    # x: two of three are a; y: one of one. 3 of 4.
    assert accuracy_alone(["x", "x", "x", "y"], ["a", "a", "b", "b"]) == pytest.approx(0.75)


def test_giveaways_need_repeated_values() -> None:
    targets = ["a", "b"] * 10
    columns = {"same": targets, "id": list(range(20)), "noise": ["x"] * 20}
    assert [told.split()[0] for told in giveaways(columns, targets)] == ["'same'"]
    assert giveaways(columns, ["a"] * 20) == []
    assert giveaways({}, []) == []


def test_photos_shared_by_rows() -> None:
    differing, agreeing = shared_photos([2, 3, 4], [("/x/a", "/x/b"), ("/x/a",), ("/x/b",)], ["u", "u", None])
    assert agreeing == ["a in rows 2, 3"]
    assert differing == ["'b' is u in row 2 and no label in row 4"]


def test_lesions_shared_by_patients() -> None:
    shared = shared_lesions(["p1", "p1", "p2", "p3", "p2"], ["7", "8", "9", "7", "9"])
    assert shared == {"7": ["p1", "p3"]}


def test_labels_in_texts_ignore_short_ones_and_case() -> None:
    assert labels_in_texts(["a bcc?", "no", None, "nevus"], ["BCC", "no", "BCC", None]) == 1


def test_where_one_class_is_nearly_all_an_honest_column_gives_nothing_away() -> None:
    """999 of 1,000 are benign: every column is right in 99.9 % of them, and only one that finds the other gives it."""
    targets = ["benign"] * 999 + ["malignant"]
    honest = ["yes", "no"] * 500
    assert not gives_label(honest, targets)
    assert gives_label(["no"] * 999 + ["yes"], targets)
    assert not gives_label(["no"] * 1000, ["benign"] * 1000)

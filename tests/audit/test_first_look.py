"""What a table seems to hold, column by column."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from mmskin.audit.first_look import FirstLook, first_look
from mmskin.errors import ConfigError

SIZE = 60
AGES = {"kind": "numeric", "unit": "years", "low": 0, "high": 120}
DX = ["nevus", "melanoma", "wart"] * (SIZE // 3)


def look(folder: Path, columns: dict[str, Sequence[object]], **options: object) -> FirstLook:
    rows = [",".join(columns), *(",".join(map(str, row)) for row in zip(*columns.values(), strict=True))]
    path = folder / "cases.csv"
    path.write_text("\n".join(rows) + "\n")
    return first_look(path, **options)  # type: ignore[arg-type]


def guessed(folder: Path, name: str, cells: Sequence[object]) -> tuple[str, str]:
    """The role of one column beside a diagnosis, and why."""
    (guess,) = [g for g in look(folder, {"diagnosis": DX, name: cells}).columns if g.column == name]
    return guess.role, guess.why


@pytest.mark.parametrize(
    ("name", "cells", "role"),
    [
        ("patient_id", [f"p{i // 2}" for i in range(SIZE)], "patient"),
        ("PatientNr", [f"p{i // 2}" for i in range(SIZE)], "patient"),
        ("Patienten-ID", [f"p{i // 2}" for i in range(SIZE)], "patient"),
        ("lesion_id", [f"l{i}" for i in range(SIZE)], "lesion"),
        ("case_id", [f"c{i}" for i in range(SIZE)], "case"),
        ("photo", [f"img/{i}.JPG" for i in range(SIZE)], "photo"),
        ("part", ["train", "Test", "valid"] * 20, "split"),
        ("story", ["it itches", "it bled", "grew", "fell off"] * 15, "text"),
        ("remark", [f"the patient said that it has been growing for {i} weeks" for i in range(SIZE)], "text"),
        ("age", [20 + i for i in range(SIZE)], "field"),
        ("seen_on", [f"2024-03-{1 + i % 28:02}" for i in range(SIZE)], "left out"),
        ("n", range(1, 1 + SIZE), "left out"),  # row numbers
        ("date_of_birth", ["x"] * SIZE, "left out"),
        ("blank", [""] * SIZE, "left out"),
        ("clinic", ["Graz"] * SIZE, "left out"),  # the same in every row
        ("ticked", ["x", ""] * 30, "field"),  # and this is not
        ("histopathology", ["yes", "no"] * 30, "outcome"),
        ("biopsiert", [1.0, 0.0] * 30, "outcome"),
        ("skin_cancer_history", ["yes", "no"] * 30, "field"),
        ("biopsed", ["yes", "no", "yes"] * 20, "outcome"),  # PAD-UFES-20 declares it
        ("benign", ["yes", "no", "yes"] * 20, "outcome"),  # the label in other words
        ("itch", (["yes", "no"] * 30), "field"),
    ],
)
def test_a_column_is_what_its_name_or_its_cells_say(
    tmp_path: Path, name: str, cells: Sequence[object], role: str
) -> None:
    found, why = guessed(tmp_path, name, cells)
    assert (found, bool(why)) == (role, True)


@pytest.mark.parametrize(
    ("name", "cells", "entries"),
    [
        ("duration_weeks", [i % 40 for i in range(SIZE)], {"kind": "duration", "unit": "weeks"}),
        ("how_long", [f"{1 + i % 7} months" for i in range(SIZE)], {"kind": "duration", "unit": "days"}),
        ("age", ["45-50", ">80", "33 years", "20"] * 15, AGES),
        ("size_mm", [f"{i % 7}.5" for i in range(SIZE)], {"kind": "numeric"}),
        ("Durchmesser (mm)", ["6", "4 mm", "1.5", "0.8 cm"] * 15, {"kind": "numeric", "unit": "mm"}),
        ("weight", [f"{50 + i} kg" for i in range(SIZE)], {"kind": "numeric", "unit": "kg"}),
        (
            "Alter",
            ["45 Jahre", "33", "20", "61 Jahre"] * 15,
            AGES,
        ),
        ("juckt", ["ja", "nein", "unbekannt", "ja"] * 15, {"kind": "yes_no"}),
        ("site", ["arm", "leg"] * 30, {"kind": "categorical", "choices": ["arm", "leg"]}),
        ("itch", ["ja", "nein"] * 30, {"kind": "yes_no"}),
    ],
)
def test_what_is_declared_of_a_field(
    tmp_path: Path, name: str, cells: Sequence[object], entries: dict[str, object]
) -> None:
    (guess,) = [g for g in look(tmp_path, {"dx": DX, name: cells}).columns if g.column == name]
    assert guess.role == "field"
    assert dict(guess.entries) == entries


def test_ids_that_name_photos_are_photos_only_where_no_column_names_them_outright(tmp_path: Path) -> None:
    for i in range(SIZE):
        (tmp_path / f"k{i}.png").touch()
    ids = [f"k{i}" for i in range(SIZE)]
    alone = look(tmp_path, {"case": ids, "dx": DX})
    assert alone.column("photo") == "case"
    beside = look(tmp_path, {"case": ids, "dx": DX, "file": [f"{name}.png" for name in ids]})
    assert (beside.column("photo"), beside.column("case")) == ("file", "case")


def test_words_for_missing_are_found_and_no_field_is_made_of_them(tmp_path: Path) -> None:
    found = look(tmp_path, {"dx": DX, "itch": ["yes", "n/a", "no", "?"] * 15, "gone": ["NA"] * SIZE})
    assert set(found.missing) == {"n/a", "?", "NA"}
    assert [g.role for g in found.columns] == ["target", "field", "left out"]


def test_what_only_the_owner_can_say_is_asked(tmp_path: Path) -> None:
    ages = [999 if i < 3 else 20 + i % 50 for i in range(SIZE)]
    patients = ["p1"] * 40 + ["P2", "p2"] + [""] * 18
    asked = " / ".join(look(tmp_path, {"dx": DX, "age": ages, "patient_id": patients}).questions)
    assert "age: does 999 mean not recorded?" in asked
    assert "'p1' stands in 40 of 60 rows" in asked
    assert "18 rows have no patient" in asked
    assert "ids that differ in capital letters only are taken for one" in asked
    assert "no patient column was found" in " ".join(look(tmp_path, {"dx": DX, "age": ages}).questions)
    lesions = [f"l{i // 2}" for i in range(SIZE)]
    photos = [f"{i}.jpg" for i in range(SIZE)]
    several = look(tmp_path, {"dx": DX, "lesion_id": lesions, "photo": photos}).questions
    assert any("30 lesions stand in several rows" in question for question in several)


def test_the_label_is_found_by_its_name_or_asked_for(tmp_path: Path) -> None:
    assert look(tmp_path, {"label": DX, "Diagnosis": DX[::-1]}).column("target") == "Diagnosis"
    assert look(tmp_path, {"label": DX, "Diagnosis": DX[::-1]}, target="label").column("target") == "label"
    with pytest.raises(ConfigError, match="no column is called diagnosis"):
        look(tmp_path, {"what": DX, "age": range(SIZE)})
    with pytest.raises(ConfigError, match=r"--target 'labl' does not exist\. Did you mean 'label'"):
        look(tmp_path, {"label": DX, "age": range(SIZE)}, target="labl")


def test_of_a_diagnosis_in_levels_the_finest_that_most_rows_have_is_the_label(tmp_path: Path) -> None:
    coarse = ["benign", "malignant", "benign"] * (SIZE // 3)
    found = look(
        tmp_path,
        {"diagnosis_1": coarse, "diagnosis_2": DX, "diagnosis_3": ["in situ", *[""] * (SIZE - 1)], "age": range(SIZE)},
    )
    assert found.target == "diagnosis_2"
    assert found.named("outcome")[0].column == "diagnosis_1"
    assert any("diagnosis_2: taken for a target (the finest diagnosis" in question for question in found.questions)


def test_columns_with_one_1_in_every_row_are_the_label(tmp_path: Path) -> None:
    hot = {name: [float(name == of) for of in DX] for name in ("nevus", "melanoma", "wart")}
    found = look(tmp_path, {"itch": [0, 1] * 30, **hot, "age": [20 + i for i in range(SIZE)]})
    assert found.target == ["nevus", "melanoma", "wart"]
    assert dict(found.classes) == {"nevus": 20, "melanoma": 20, "wart": 20}
    assert [guess.column for guess in found.named("field")] == ["itch", "age"]
    both = {**hot, "wart": [1] * SIZE}
    with pytest.raises(ConfigError, match="no column is called diagnosis"):
        look(tmp_path, {**both, "age": range(SIZE)})


def test_spellings_of_a_label_are_one_class_and_that_is_asked(tmp_path: Path) -> None:
    found = look(tmp_path, {"dx": ["Nevus", "naevus", *DX[2:]], "age": range(SIZE)})
    assert found.labels == {"Nevus": "nevus"}
    assert found.classes["nevus"] == 19 + 1
    assert found.classes["naevus"] == 1  # another word, which its owner may merge
    assert any("'Nevus' is 'nevus'" in question for question in found.questions)


def test_rows_without_a_label_are_counted(tmp_path: Path) -> None:
    found = look(tmp_path, {"dx": ["", "NA", *DX[2:]], "age": range(SIZE)})
    assert found.unlabelled == 2
    assert any("2 cases have no label" in question for question in found.questions)


def test_rows_of_a_lesion_that_differ_in_their_kind_of_photo_are_its_photos(tmp_path: Path) -> None:
    table = {
        "lesion_id": [f"l{i // 2}" for i in range(SIZE)],
        "image_type": ["clinical: close-up", "dermoscopic"] * (SIZE // 2),
        "photo": [f"{i}.jpg" for i in range(SIZE)],
        "dx": [DX[i // 2] for i in range(SIZE)],
        "age": [20 + i // 2 for i in range(SIZE)],
    }
    found = look(tmp_path, table)
    assert found.photo_kinds is not None
    assert found.photo_kinds.case == found.column("case") == "lesion_id"
    assert found.photo_kinds.kinds == {"clinical: close-up": "clinical", "dermoscopic": "dermoscopic"}
    assert dict(found.classes) == {"nevus": 10, "melanoma": 10, "wart": 10}  # lesions, not photos
    assert any("image_type: taken for a kind of photo" in question for question in found.questions)
    # two ages of one lesion, two photos of a kind, words for no kind of photo: rows are cases
    for change in (
        {"age": [20 + i for i in range(SIZE)]},
        {"image_type": ["dermoscopic", "dermoscopic", "clinical", "dermoscopic"] * (SIZE // 4)},
        {"image_type": ["left", "right"] * (SIZE // 2)},
    ):
        assert look(tmp_path, {**table, **change}).photo_kinds is None

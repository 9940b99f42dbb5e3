"""The engine on small tables with a declaration by hand."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from mmskin.data.table import Cases, photos_by_kind
from mmskin.data.tables.declaration import Declaration, is_declared, parse_declaration, read_declaration
from mmskin.data.tables.engine import read_cases
from mmskin.errors import ConfigError, DataError
from mmskin.schema import UNKNOWN

PLAIN: Mapping[str, Any] = {
    "name": "clinic",
    "declared_in": "clinic.yaml",
    "obtain": "ask the clinic",
    "table": "cases.csv",
    "case": "photo",
    "patient": "who",
    "photos": {"image": "photo"},
    "target": "dx",
    "classes": {"MEL": "Melanoma", "NV": "Nevus"},
    "fields": {"age": {"like": "age"}, "sex": {"like": "sex", "column": "gender", "values": {"W": "female"}}},
    "subgroups": ["age_group"],
}
TEXT = "photo,who,dx,age,gender\na.jpg,p1,MEL,45.0,w\nb,p2,NV,,unk\n"


def declare(**entries: Any) -> Declaration:
    return parse_declaration({**PLAIN, **entries})


def read(folder: Path, text: str = TEXT, *, table: str = "cases.csv", **entries: Any) -> Cases:
    (folder / table).write_text(text)
    return read_cases(declare(**entries), folder)


def test_a_table_is_read_as_declared(tmp_path: Path) -> None:
    schema, table, remarks, _ = read(tmp_path)
    assert list(table.case_id) == list(table.lesion_id) == ["a", "b"]
    assert list(table.patient_id) == ["p1", "p2"]
    assert list(table.target) == ["MEL", "NV"]
    assert list(table.age) == [45.0, None]
    assert list(table.sex) == ["female", UNKNOWN]
    assert list(table.age_group) == ["40-59", None]
    assert list(table.image_kinds) == [(), ()]
    assert schema.class_titles == {"MEL": "Melanoma", "NV": "Nevus"}
    assert schema.photos == ("image",)
    assert remarks == (f"2 of 2 photos are not under {tmp_path}: a, b",)


def test_all_problems_are_told_in_the_order_of_rows_with_the_file_to_change(tmp_path: Path) -> None:
    text = "photo,who,dx,age,gender\nx/a.png,,NVV,old,\nb,p2,NV,7,X\n"
    with pytest.raises(DataError) as caught:
        read(tmp_path, text)
    assert str(caught.value) == (
        f"{tmp_path}/cases.csv: 5 problems (the header is row 1; declared in clinic.yaml)\n"
        "  column 'who' is blank in row 2\n"
        "  column 'dx', row 2: class 'NVV' does not exist. Did you mean 'NV'? It must be one of: MEL, NV.\n"
        "  row 2, column 'age': age='old' must be a number of years: 'old' is no number of years\n"
        "  row 2, column 'photo': photo='x/a.png' must be a file name without folders\n"
        "  row 3, column 'gender': sex value 'X' does not exist. It must be one of: W, female, male, unknown."
    )
    assert caught.value.faults[2].startswith("cases.csv, row 2, column 'age'")
    assert caught.value.faults[2].endswith("declared in clinic.yaml")


def test_repeated_rows_are_merged_or_refused_and_rows_that_differ_are_always_refused(tmp_path: Path) -> None:
    text = TEXT + "b,p2,NV,,unk\n"
    cases = read(tmp_path, text)
    assert list(cases.table.case_id) == ["a", "b"]
    assert cases.remarks[0] == "cases.csv: 1 rows repeat another row exactly: merged"
    with pytest.raises(DataError, match=r"column 'photo' has b in rows 3 and 4 with the same content"):
        read(tmp_path, text, merge_repeats=False)
    with pytest.raises(DataError, match=r"column 'photo' has b in rows 3 and 4 with labels NV and MEL; keep one row"):
        read(tmp_path, TEXT + "b,p2,MEL,,unk\n")
    with pytest.raises(DataError, match=r"column 'photo' has b in rows 3 and 4 with different age"):
        read(tmp_path, TEXT + "b,p2,NV,7,unk\n")


@pytest.mark.parametrize("ones", ["1.0,0.0", "1,0", "1e0,0"])
def test_one_hot_labels_come_in_any_way_of_writing_numbers(tmp_path: Path, ones: str) -> None:
    text = f"photo,who,MEL,NV,age,gender\na,p1,{ones},,\n"
    assert list(read(tmp_path, text, target=None, one_hot=True).table.target) == ["MEL"]


@pytest.mark.parametrize("cells", ["1,1", "0,0", "0.5,0.5", ",1", "nan,1"])
def test_rows_without_exactly_one_label_are_refused(tmp_path: Path, cells: str) -> None:
    text = f"photo,who,MEL,NV,age,gender\na,p1,{cells},,\n"
    with pytest.raises(
        DataError, match=r"row 2 (must have one 1 and else 0|has a 1) under MEL(, NV, however: | and NV: )"
    ):
        read(tmp_path, text, target=None, one_hot=True)


def test_another_file_is_joined_by_its_ids(tmp_path: Path) -> None:
    (tmp_path / "more.csv").write_text("photo,stage\nb,II\na.jpg,I\n")
    joined = {"joins": [{"file": "more.csv", "on": "photo", "columns": "stage"}], "outcomes": {"stage": "by tissue"}}
    assert list(read(tmp_path, **joined).table.stage) == ["I", "II"]
    (tmp_path / "more.csv").write_text("photo,stage\nb,II\nc,I\n")
    told = r"1 values of photo are in cases.csv only: a.jpg; 1 values of photo are in more.csv only: c; keep the same"
    with pytest.raises(DataError, match=told):
        read(tmp_path, **joined)
    (tmp_path / "more.csv").unlink()
    with pytest.raises(DataError, match=r"more\.csv does not exist; ask the clinic"):
        read(tmp_path, **joined)


def test_a_row_a_photo_becomes_a_row_a_case(tmp_path: Path) -> None:
    pairs = {
        "case": "lesion",
        "photos": {"clinical": "photo", "dermoscopic": "photo"},
        "photo_rows": {"column": "view", "kinds": {"close": "clinical", "derm": "dermoscopic"}},
    }
    text = "lesion,view,photo,who,dx,age,gender\nL1,derm,b,p1,NV,45.0,\nL1,close,a,p1,NV,45,\nL2,derm,c,p2,MEL,,\n"
    for name in "abc":
        (tmp_path / f"{name}.jpg").touch()
    cases = read(tmp_path, text, **pairs)
    assert list(cases.table.case_id) == ["L1", "L2"]
    assert list(cases.table.age) == [45.0, None]
    assert list(cases.table.images) == [
        (str(tmp_path / "a.jpg"), str(tmp_path / "b.jpg")),
        (str(tmp_path / "c.jpg"),),
    ]
    assert list(cases.table.image_kinds) == [("clinical", "dermoscopic"), ("dermoscopic",)]
    assert photos_by_kind(cases.table, cases.schema)[1]["clinical"] == []
    assert "1 cases have no clinical photo in the table: L2" in cases.remarks
    with pytest.raises(DataError, match=r"L1 in rows 2 and 3 with different age;"):
        read(tmp_path, text.replace("45.0", "46"), **pairs)


def test_classes_that_nobody_declares_are_the_labels_that_occur(tmp_path: Path) -> None:
    assert read(tmp_path, classes=[]).schema.classes == ("MEL", "NV")
    with pytest.raises(DataError, match=r"column 'dx': two classes are needed, however: \{'MEL': 1\}"):
        read(tmp_path, "photo,who,dx,age,gender\na,p1,MEL,,\n", classes=[])


@pytest.mark.parametrize(
    ("entries", "told"),
    [
        ({"tabel": "x"}, r"tabel: Extra inputs are not permitted"),
        ({"fields": {"age": {"kind": "number"}}}, r"fields\.age\.kind: Input should be 'numeric'"),
        ({"fields": {"age": {"lik": "age"}}}, r"fields\.age: entry 'lik' does not exist\. Did you mean 'like'"),
        ({"joins": [{"file": "a.csv"}]}, r"joins\.0\.on: Field required"),
        ({"class_groups": {"malignant": ["MELL"]}}, r"class_groups\.malignant: class 'MELL' .* Did you mean 'MEL'"),
        ({"photos": {"text": ["photo"]}}, "photos: 'text' is a part of the history, no kind of photo"),
        ({"photos": {"two words": ["photo"]}}, "photos: the kind 'two words' must be of letters, digits and _"),
        ({"patient": None}, "patient names the column of the patient, or no_patient_ids says what counts as one"),
        ({"one_hot": True}, "target names the column of the label, or one_hot says"),
        ({"outcomes": {"age": "why"}}, r"fields\.age reads 'age', which is under outcomes: why"),
    ],
)
def test_faults_of_a_declaration_have_their_path(entries: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        declare(**entries)


def test_declarations_come_with_the_package() -> None:
    assert is_declared("pad_ufes_20")
    assert not is_declared("csv")
    assert read_declaration("pad_ufes_20").declared_in == "mmskin/data/sources/pad_ufes_20.yaml"
    with pytest.raises(ConfigError, match=r"part 'trian' does not exist\. Did you mean 'train'"):
        read_declaration("isic2019", "trian", option="part")

"""Bring your own table: how people lay tables out and write numbers, and the options that say so."""

from __future__ import annotations

from pathlib import Path

import pytest
from data.own_table import BASE, changed, load, remark, write

from mmskin.data.sources.csv_table import CsvTable
from mmskin.data.suspicions import diagnoses_in
from mmskin.errors import ConfigError, DataError


def test_numbers_that_are_not_plainly_written_are_read_by_a_rule_and_counted(tmp_path: Path) -> None:
    rows = [{**BASE[i % 4], "case": str(i), "photo": "", "age": str(20 + i)} for i in range(8)]
    for row, age in zip(rows, ("45,5", "45-50", ">80", "45 years", "30,5"), strict=False):
        row["age"] = age
    fields = {"age": {"kind": "numeric", "unit": "years", "low": 0, "high": 120}}
    cases = load(write(tmp_path, rows), images=None, fields=fields)
    assert list(cases.table.age)[:6] == [45.5, 47.5, 80.0, 45.0, 30.5, 25.0]
    assert "column 'age': a decimal comma in rows 2, 6" in cases.remarks
    assert "column 'age': a range, read as its middle in row 3" in cases.remarks
    assert "column 'age': a bound, read as the number itself in row 4" in cases.remarks


def test_a_duration_keeps_its_unit_and_the_words_of_the_table(tmp_path: Path) -> None:
    rows = [{**BASE[i % 4], "case": str(i), "photo": "", "weeks": "17" if i else "2 years"} for i in range(4)]
    fields = {"since": {"column": "weeks", "kind": "duration", "unit": "weeks", "values": {"ever": ""}}}
    cases = load(write(tmp_path, rows), images=None, fields=fields, missing=["n.a."])
    assert list(cases.table.since) == pytest.approx([730.5, 119, 119, 119])
    since = cases.schema.field("since")
    assert since.unit == "weeks"
    assert [since.parse(word) for word in ("17", "ever", "N.A.")] == [119, None, None]
    assert cases.schema.layout.fields == {"since": "weeks"}


def test_rows_without_a_patient_are_patients_of_their_own_if_that_is_asked_for(tmp_path: Path) -> None:
    rows = [{**row, "who": ""} if row["case"] in ("c1", "c2") else row for row in BASE]
    with pytest.raises(DataError, match="column 'who' is blank in rows 2, 3; name them, or set blank_patients: own"):
        load(write(tmp_path, rows))
    cases = load(tmp_path, blank_patients="own")
    assert list(cases.table.patient_id)[:2] == ["c1 (no patient id)", "c2 (no patient id)"]
    assert remark(cases, "no patient id").startswith("2 rows have no patient id")
    with pytest.raises(ConfigError, match="blank_patients 'drop' does not exist"):
        load(tmp_path, blank_patients="drop")


def test_the_rows_of_a_case_are_its_photos_if_that_is_asked_for(tmp_path: Path) -> None:
    first, second, *others = BASE
    pair = [first, {**first, "photo": second["photo"]}]
    write(tmp_path, [*pair, *others])
    with pytest.raises(DataError, match="or set one_row_per_photo: true if several rows are the photos of one case"):
        load(tmp_path)
    cases = load(tmp_path, one_row_per_photo=True)
    assert [len(images) for images in cases.table.images] == [2, 0, 1]
    assert list(cases.table.case_id) == ["c1", *(row["case"] for row in others)]
    write(tmp_path, [pair[0], {**pair[1], "age": "99"}, *others])
    with pytest.raises(DataError, match="c1 in rows 2 and 3 with different age; the photos of a case are of one"):
        load(tmp_path, one_row_per_photo=True)
    with pytest.raises(ConfigError, match="one_row_per_photo needs case"):
        load(tmp_path, one_row_per_photo=True, case=None)


def test_a_column_may_hold_the_split(tmp_path: Path) -> None:
    parts = ("Training", "train", "test", "holdout")
    rows = [{**row, "part": part} for row, part in zip(BASE, parts, strict=True)]
    cases = load(write(tmp_path, rows), split="part")
    assert list(cases.table.official_split) == ["train", "train", "test", "test"]
    assert "part" not in cases.schema.field_names
    assert remark(cases, "no validation part")
    write(tmp_path, [{**rows[0], "part": "tset"}, *rows[1:]])
    with pytest.raises(DataError, match=r"row 2, column 'part': part 'tset' does not exist\. Did you mean 'test'"):
        load(tmp_path, split="part")


def test_each_class_may_have_a_column_of_0_and_1(tmp_path: Path) -> None:
    rows = [{**row, "BCC": str(float(row["dx"] == "BCC")), "NEV": str(int(row["dx"] == "NEV"))} for row in BASE]
    cases = load(write(tmp_path, rows), target=["NEV", "BCC"], fields=["age"])
    assert list(cases.table.target) == [row["dx"] for row in BASE]
    assert cases.schema.classes == ("NEV", "BCC")
    assert list(load(tmp_path, target=["dx"], fields=["age"]).table.target) == [row["dx"] for row in BASE]
    assert "NEV" not in load(tmp_path, target=["NEV", "BCC"]).schema.field_names
    with pytest.raises(ConfigError, match="classes must hold the columns of target"):
        load(tmp_path, target=["NEV", "BCC"], classes=["NEV"])
    write(tmp_path, [{**rows[0], "BCC": "0"}, {**rows[1], "NEV": "", "BCC": ""}, *rows[2:]])
    with pytest.raises(DataError, match=r"(?s)no label in rows 2, 3.*row 2 must have one 1 and else 0 under NEV, BCC"):
        load(tmp_path, target=["NEV", "BCC"])


def test_a_case_has_one_diagnosis(tmp_path: Path) -> None:
    rows = [{**row, "BCC": str(int(row["dx"] == "BCC")), "NEV": "1"} for row in BASE]
    with pytest.raises(DataError) as caught:
        load(write(tmp_path, rows), target=["BCC", "NEV"], fields=["age"])
    told = "a case has one diagnosis: keep the one that was confirmed, give each lesion a row of its own, or leave"
    assert f"row 2 has a 1 under BCC and NEV: {told}" in str(caught.value)
    assert "row 5 has a 1 under BCC and NEV" in str(caught.value)
    assert "no label" not in str(caught.value)
    write(tmp_path, changed(3, dx="BCC; NEV"))
    for classes in (None, ["BCC", "NEV"]):
        with pytest.raises(DataError, match=f"column 'dx', row 3: 'BCC; NEV' lists BCC and NEV; {told}") as caught:
            load(tmp_path, classes=classes)
        assert "class 'BCC; NEV' does not exist" not in str(caught.value)
    assert load(tmp_path, classes=["BCC", "NEV", "BCC; NEV"]).table.target[1] == "BCC; NEV"
    assert load(tmp_path, labels={"BCC; NEV": "BCC"}).table.target[1] == "BCC"


@pytest.mark.parametrize(
    ("label", "listed"),
    [
        ("MEL;NEV", ["MEL", "NEV"]),
        ("MEL | lentigo", ["MEL", "lentigo"]),  # nothing else has a bar in it
        ("MEL, NEV", ["MEL", "NEV"]),
        ("MEL and NEV", ["MEL", "NEV"]),
        ("MEL/NEV/BCC", ["MEL", "NEV", "BCC"]),
        ("NEV, dysplastic", []),
        ("NEV + scar", []),
        ("MEL;", []),
        ("lentigo; scar", []),
        ("MEL", []),
        ("MELandNEV", []),
    ],
)
def test_a_label_lists_diagnoses_if_its_parts_are_labels(label: str, listed: list[str]) -> None:
    assert diagnoses_in(label, ["MEL", "NEV", "BCC", label]) == listed


def test_labels_may_be_numbers_with_titles(tmp_path: Path) -> None:
    numbers = {"BCC": "1", "NEV": "0"}
    write(tmp_path, [{**row, "dx": numbers[row["dx"]]} for row in BASE])
    cases = load(tmp_path, class_titles={0: "Nevus", 1: "Basal cell carcinoma"}, classes=[1, 0])
    assert cases.schema.classes == ("1", "0")
    assert cases.schema.class_titles == {"0": "Nevus", "1": "Basal cell carcinoma"}
    named = load(tmp_path, labels={0: "nevus", 1: "BCC"})
    assert list(named.table.target) == ["BCC", "nevus", "nevus", "BCC"]


def test_other_spellings_of_a_label_may_be_named(tmp_path: Path) -> None:
    rows = [{**BASE[0], "dx": "bcc"}, *BASE[1:]]
    with pytest.raises(DataError, match=r"spelled differently.*labels: \{other spelling: class\}"):
        load(write(tmp_path, rows))
    cases = load(tmp_path, labels={"bcc": "BCC"})
    assert list(cases.table.target) == [row["dx"] for row in BASE]
    assert cases.schema.classes == ("BCC", "NEV")


def test_the_rows_of_a_case_may_be_photos_of_several_kinds(tmp_path: Path) -> None:
    first, second, _, last = BASE
    rows = [
        {**second, "view": "scope", "case": "c1", "who": "p1", "dx": "BCC", **dict.fromkeys(("itch", "story"), "")},
        {**first, "view": "close-up"},
        {**last, "view": "close-up"},
    ]
    rows[0] |= {name: rows[1][name] for name in ("age", "site", "itch", "story")}
    write(tmp_path, [*rows, {**BASE[2], "photo": "a2.png", "view": "close-up"}], photos=["a.png", "b.png", "d.png"])
    kinds = {"column": "view", "kinds": {"close-up": "clinical", "scope": "dermoscopic"}}
    cases = load(tmp_path, one_row_per_photo=kinds)
    assert list(cases.table.image_kinds) == [("clinical", "dermoscopic"), ("clinical",), ()]
    assert [Path(path).name for path in cases.table.images[0]] == ["a.png", "b.png"]
    assert "view" not in cases.schema.field_names
    write(tmp_path, [{**rows[0], "view": "close-up"}, *rows[1:]])
    with pytest.raises(DataError, match="c1 in rows 2 and 3 with 2 clinical photos"):
        load(tmp_path, one_row_per_photo=kinds)
    write(tmp_path, [{**rows[0], "view": "xray"}, *rows[1:]])
    with pytest.raises(DataError, match="row 2: view 'xray' does not exist"):
        load(tmp_path, one_row_per_photo=kinds)
    with pytest.raises(ConfigError, match=r"one_row_per_photo must be true, or the column .* such as \{column: view"):
        load(tmp_path, one_row_per_photo={"column": "view"})


def test_patients_whose_ids_differ_in_capital_letters_are_remarked_and_one_if_that_is_asked_for(tmp_path: Path) -> None:
    write(tmp_path, [{**row, "who": "P1"} if row["case"] == "c2" else row for row in BASE])
    cases = load(tmp_path)
    assert list(cases.table.patient_id) == ["p1", "P1", "p2", "p3"]
    assert remark(cases, "capital letters") == (
        "column 'who': 2 ids differ from another in capital letters only: P1, p1; they count as different patients"
    )
    cases = load(tmp_path, patient_in_any_case=True)
    assert list(cases.table.patient_id) == ["p1", "p1", "p2", "p3"]
    assert remark(cases, "capital letters").startswith("column 'who': 1 ids differ from an earlier one")


def test_one_patient_in_most_rows_is_remarked(tmp_path: Path) -> None:
    cases = load(write(tmp_path, [{**row, "who": "p1" if row["case"] != "c4" else "p2"} for row in BASE]))
    assert remark(cases, "one person") == "column 'who': patient 'p1' stands in 3 of 4 rows: is it really one person?"


def test_without_patients_a_lesion_counts_as_one_and_that_is_said(tmp_path: Path) -> None:
    rows = [{**row, "lesion": "l1" if row["case"] in ("c1", "c4") else row["case"]} for row in BASE]
    cases = load(write(tmp_path, rows), patient=None, lesion="lesion")
    assert list(cases.table.patient_id) == ["l1", "c2", "c3", "l1"]
    assert cases.schema.patient_unit == "lesion"
    assert remark(cases, "patient ids") == "no patient ids: every lesion counts as a patient of its own"


def test_a_tilde_is_the_home_in_every_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    write(tmp_path)
    (tmp_path / "elsewhere").mkdir()
    given = {"case": "case", "patient": "who", "images": "photo", "target": "dx", "fields": ["age"]}
    source = CsvTable(table="~/cases.csv", image_root="~", **given)
    assert [len(images) for images in source.load(tmp_path / "elsewhere").table.images] == [1, 1, 0, 1]

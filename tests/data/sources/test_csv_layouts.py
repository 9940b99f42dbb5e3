"""Bring your own table: how people lay tables out and write numbers, and the options that say so."""

from __future__ import annotations

from pathlib import Path

import pytest
from data.own_table import BASE, load, remark, write

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

from __future__ import annotations

from pathlib import Path

import pytest
from data.make_ham10000 import COLUMNS, make_ham10000, make_rows, write_table

from mmskin.data.sources import SOURCES
from mmskin.data.table import history_of
from mmskin.data.tables.declaration import read_declaration
from mmskin.errors import DataError
from mmskin.inputs.note import render_note

Ham10000 = SOURCES["ham10000"]
SCHEMA = read_declaration("ham10000").declared_schema


def test_a_case_is_a_photo_and_photos_of_one_lesion_stay_together(tmp_path: Path) -> None:
    rows = make_ham10000(tmp_path)
    cases = Ham10000().load(tmp_path)
    table = cases.table
    assert list(table.case_id) == [row["image_id"] for row in rows]
    assert table.patient_id.nunique() == 14
    assert list(table.patient_id) == list(table.lesion_id)
    assert list(table.target) == [row["dx"] for row in rows]
    assert all(Path(images[0]).stem == case for case, images in zip(table.case_id, table.images, strict=True))
    assert cases.remarks == ("no patient ids: every lesion counts as a patient of its own",)


def test_blank_is_not_recorded_and_unknown_stays_unknown(tmp_path: Path) -> None:
    make_ham10000(tmp_path)
    vague = Ham10000().load(tmp_path).table.set_index("lesion_id").loc["HAM_0000004"].iloc[0]
    assert (vague.age, vague.sex, vague.site, vague.age_group) == (None, "unknown", "unknown", None)


def test_the_note_tells_the_fields_and_nothing_of_the_outcome(tmp_path: Path) -> None:
    row = make_rows()[0] | {"age": "45.0", "sex": "female", "localization": "acral", "dx_type": "follow_up"}
    write_table(tmp_path, [row])
    table = Ham10000().load(tmp_path).table
    assert render_note(history_of(table.iloc[0], SCHEMA), SCHEMA) == "45 years old. Woman. On palm or sole."
    assert table.dx_type[0] == "follow_up"
    with pytest.raises(DataError, match=r"'dx_type' is an outcome column of ham10000 and cannot be an input"):
        SCHEMA.field("dx_type")


def test_copies_in_circulation_give_the_same_table(tmp_path: Path) -> None:
    """CRLF, an index column, PNG in one folder; the published table without its ending and with a further column."""
    published, copy, bare = (tmp_path / name for name in ("published", "copy", "bare"))
    for folder, dirty in ((published, False), (copy, True), (bare, False)):
        folder.mkdir()
        make_ham10000(folder, flat=dirty, dirty=dirty)
    table = bare / "HAM10000_metadata.csv"
    first, *others = table.read_text().splitlines()
    table.unlink()
    (bare / "HAM10000_metadata").write_text("\n".join([f"{first},dataset", *(f"{line},rosendahl" for line in others)]))
    tables = [Ham10000().load(folder).table.drop(columns="images") for folder in (published, copy, bare)]
    assert tables[0].equals(tables[1])
    assert tables[0].equals(tables[2])


def test_photos_and_rows_without_partners_are_told(tmp_path: Path) -> None:
    rows = make_ham10000(tmp_path)
    photo = next(tmp_path.rglob(f"{rows[0]['image_id']}.jpg"))
    photo.rename(photo.with_name("stranger.jpg"))
    cases = Ham10000().load(tmp_path)
    assert cases.table.images[0] == ()
    told = " ".join(cases.remarks)
    assert f"1 of 28 photos are not under {tmp_path}: {rows[0]['image_id']}" in told
    assert f"1 photos under {tmp_path} have no row and are not used: stranger" in told


@pytest.mark.parametrize("column", COLUMNS)
def test_a_renamed_column_is_named(tmp_path: Path, column: str) -> None:
    make_ham10000(tmp_path)
    path = tmp_path / "HAM10000_metadata.csv"
    header, rest = path.read_text().split("\n", 1)
    renamed = ",".join(f"my_{name}" if name == column else name for name in header.split(","))
    path.write_text(f"{renamed}\n{rest}")
    with pytest.raises(DataError, match=f"lacks columns: '{column}'"):
        Ham10000().load(tmp_path)


def test_values_outside_the_vocabulary_are_told_with_their_rows(tmp_path: Path) -> None:
    rows = make_rows()[:2]
    rows[0] |= {"dx": "naevus", "localization": "elbow"}
    rows[1] |= {"age": "old"}
    write_table(tmp_path, rows)
    with pytest.raises(
        DataError, match=r"(?s)3 problems.*row 2: class 'naevus'.*row 2, .*site value 'elbow'.*row 3, .*age='old'"
    ):
        Ham10000().load(tmp_path)


def test_one_photo_with_two_labels_is_an_error(tmp_path: Path) -> None:
    rows = make_rows()[:1]
    write_table(tmp_path, [*rows, rows[0] | {"dx": "mel"}])
    with pytest.raises(DataError, match="ISIC_0000000 in rows 2 and 3 with labels nv and mel"):
        Ham10000().load(tmp_path)


def test_an_absent_table_says_where_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(
        DataError, match=r"holds neither HAM10000_metadata nor HAM10000_metadata\.csv; download HAM10000 from doi"
    ):
        Ham10000().load(tmp_path)

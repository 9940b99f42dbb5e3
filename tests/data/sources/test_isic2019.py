from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from data.make_isic2019 import CLASSES, COLUMNS, make_isic2019, make_rows, write_metadata, write_truth

from mmskin.config.build import build
from mmskin.data.sources import SOURCES
from mmskin.data.sources.isic2019 import Isic2019
from mmskin.data.splits import make_folds
from mmskin.data.table import history_of
from mmskin.data.tables.declaration import read_declaration
from mmskin.errors import ConfigError, DataError
from mmskin.inputs.note import render_note

SCHEMA = read_declaration("isic2019").declared_schema

METADATA, TRUTH = "ISIC_2019_Training_Metadata.csv", "ISIC_2019_Training_GroundTruth.csv"


def test_a_case_is_a_photo_and_has_the_label_of_its_name(tmp_path: Path) -> None:
    rows = make_isic2019(tmp_path)
    cases = Isic2019().load(tmp_path)
    table = cases.table
    assert list(table.case_id) == [row["image"] for row in rows]
    assert list(table.target) == [row["label"] for row in rows]
    # 16 lesions of 8 classes in turn, two photos each
    assert Counter(table.target) == dict.fromkeys(SCHEMA.classes, 4)
    assert all(Path(images[0]).stem == case for case, images in zip(table.case_id, table.images, strict=True))
    assert set(table.official_split) == {"train"}
    assert cases.remarks == (
        "no patient ids: every lesion counts as a patient of its own",
        "8 cases have no lesion id: each counts as a lesion and a patient",
    )


def test_photos_of_one_lesion_stay_together_and_those_without_one_stand_alone(tmp_path: Path) -> None:
    make_isic2019(tmp_path)
    table = Isic2019().load(tmp_path).table
    assert list(table.patient_id) == list(table.lesion_id)
    # 12 lesions have an id, and 4 have none, with two photos each
    assert table.lesion_id.nunique() == 12 + 4 * 2
    alone = table[table.origin.isna()]
    assert list(alone.lesion_id) == list(alone.case_id)
    assert all(case.endswith("_downsampled") for case in alone.case_id)
    folds = make_folds(table, k=3)
    assert all(folds[list(photos.case_id)].nunique() == 1 for _, photos in table.groupby("lesion_id"))


def test_the_archive_is_told_by_the_lesion_id_and_is_no_input(tmp_path: Path) -> None:
    make_isic2019(tmp_path)
    table = Isic2019().load(tmp_path).table
    assert [table.origin[i] for i in (0, 2, 4, 6)] == ["HAM", "BCN", "MSK4", None]
    assert "origin" in SCHEMA.subgroups
    with pytest.raises(DataError, match="'origin' does not exist"):
        SCHEMA.field("origin")


def test_blank_is_not_recorded(tmp_path: Path) -> None:
    make_isic2019(tmp_path)
    vague = Isic2019().load(tmp_path).table.set_index("lesion_id").loc["HAM_0000004"].iloc[0]
    assert (vague.age, vague.sex, vague.site, vague.age_group) == (None, None, None, None)


@pytest.mark.parametrize(
    ("site", "told"),
    [
        ("lateral torso", "On the lateral torso."),
        ("head/neck", "On head or neck."),
        ("palms/soles", "On palm or sole."),
        ("oral/genital", "In the mouth or on the genitals."),
        ("", ""),
    ],
)
def test_the_note_of_a_row(tmp_path: Path, site: str, told: str) -> None:
    row = make_rows()[0] | {"age_approx": "45.0", "sex": "female", "anatom_site_general": site}
    write_metadata(tmp_path, [row])
    write_truth(tmp_path, [row])
    table = Isic2019().load(tmp_path).table
    assert table.age_group[0] == "40-59"
    assert render_note(history_of(table.iloc[0], SCHEMA), SCHEMA) == f"45 years old. Woman. {told}".strip()


def test_copies_in_circulation_give_the_same_table(tmp_path: Path) -> None:
    """CRLF, an index column, 1 for 1.0, PNG beside the tables; and rows that stand twice."""
    published, copy, twice = (tmp_path / name for name in ("published", "copy", "twice"))
    for folder, dirty in ((published, False), (copy, True), (twice, False)):
        folder.mkdir()
        make_isic2019(folder, flat=dirty, dirty=dirty)
    assert b"\r\n0,ISIC_0000031_downsampled,0,0,0,0,0,0,0,1,0\r\n" in (copy / TRUTH).read_bytes()
    for name in (METADATA, TRUTH):
        first, *lines = (twice / name).read_text().splitlines()
        (twice / name).write_text("\n".join([first, *lines, lines[0]]))
    loaded = [Isic2019().load(folder) for folder in (published, copy, twice)]
    tables = [cases.table.drop(columns="images") for cases in loaded]
    assert tables[0].equals(tables[1])
    assert tables[0].equals(tables[2])
    assert all(len(images) == 1 for cases in loaded for images in cases.table.images)
    assert f"{TRUTH}: 1 rows repeat another row exactly: merged" in loaded[2].remarks


def test_photos_and_rows_without_partners_are_told(tmp_path: Path) -> None:
    rows = make_isic2019(tmp_path)
    photo = next(tmp_path.rglob(f"{rows[0]['image']}.jpg"))
    photo.rename(photo.with_name("stranger.jpg"))
    cases = Isic2019().load(tmp_path)
    assert cases.table.images[0] == ()
    told = " ".join(cases.remarks)
    assert f"1 of 32 photos are not under {tmp_path}: {rows[0]['image']}" in told
    assert f"1 photos under {tmp_path} have no row and are not used: stranger" in told


def test_images_of_one_table_only_are_listed(tmp_path: Path) -> None:
    rows = make_rows()
    write_metadata(tmp_path, rows[1:])
    write_truth(tmp_path, rows[:-2])
    alone = rf"2 values of image are in {METADATA} only: ISIC_0000030_downsampled, ISIC_0000031_downsampled"
    with pytest.raises(DataError, match=rf"{alone}; 1 values of image are in {TRUTH} only: ISIC_0000000"):
        Isic2019().load(tmp_path)


# --- the test part ---


def test_the_test_part_has_labels_where_its_truth_is_there_and_none_for_unk(tmp_path: Path) -> None:
    make_isic2019(tmp_path)
    rows = [row | {"image": f"{row['image']}9"} for row in make_rows()]
    rows[3]["label"] = "UNK"
    write_metadata(tmp_path, rows, part="Test")
    source = build("source", SOURCES, {"name": "isic2019", "part": "test"})
    bare = source.load(str(tmp_path))
    assert list(bare.table.target) == [None] * 32
    assert "no ISIC_2019_Test_GroundTruth.csv: cases without target" in bare.remarks
    write_truth(tmp_path, rows, part="Test")
    cases = source.load(str(tmp_path))
    assert list(cases.table.target) == [row["label"] if i != 3 else None for i, row in enumerate(rows)]
    assert "1 cases are UNK, no class: kept without target" in cases.remarks
    assert set(cases.table.official_split) == {"test"}
    assert list(cases.table.lesion_id) == list(cases.table.patient_id) == [row["image"] for row in rows]
    assert set(Isic2019().load(tmp_path).table.case_id).isdisjoint(cases.table.case_id)


def test_a_part_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"part 'tset' does not exist\. Did you mean 'test'\?"):
        build("source", SOURCES, {"name": "isic2019", "part": "tset"})


# --- refusals ---


@pytest.mark.parametrize(
    ("table", "column"), [*((METADATA, name) for name in COLUMNS), *((TRUTH, name) for name in ("image", *CLASSES))]
)
def test_a_renamed_column_is_named(tmp_path: Path, table: str, column: str) -> None:
    make_isic2019(tmp_path)
    path = tmp_path / table
    header, rest = path.read_text().split("\n", 1)
    renamed = ",".join(f"my_{name}" if name == column else name for name in header.split(","))
    path.write_text(f"{renamed}\n{rest}")
    with pytest.raises(DataError, match=f"{table} lacks columns: '{column}'"):
        Isic2019().load(tmp_path)


def test_values_outside_the_vocabulary_are_told_with_their_rows(tmp_path: Path) -> None:
    rows = make_rows()[:3]
    rows[0] |= {"anatom_site_general": "torso", "sex": "f"}
    rows[1] |= {"age_approx": "old"}
    write_metadata(tmp_path, rows)
    write_truth(tmp_path, rows)
    with pytest.raises(
        DataError, match=r"(?s)3 problems.*row 2, .*sex value 'f'.*row 2, .*site value 'torso'.*row 3, .*age='old'"
    ):
        Isic2019().load(tmp_path)


def test_a_row_with_two_labels_or_none_is_told(tmp_path: Path) -> None:
    rows = make_rows()[:3]
    write_metadata(tmp_path, rows)
    write_truth(tmp_path, rows)
    path = tmp_path / TRUTH
    path.write_text(path.read_text().replace("1.0", "0.0", 1))
    with pytest.raises(
        DataError, match=r"(?s)GroundTruth\.csv: 1 problem.*row 2 must have one 1 and else 0 under AK.*: 0\.0 0\.0"
    ):
        Isic2019().load(tmp_path)


def test_contradicting_rows_of_one_image_are_an_error(tmp_path: Path) -> None:
    rows = make_rows()[:1]
    write_truth(tmp_path, rows)
    write_metadata(tmp_path, [*rows, rows[0] | {"age_approx": "80.0"}])
    with pytest.raises(DataError, match="column 'image' has ISIC_0000000 in rows 2 and 3 with different age_approx"):
        Isic2019().load(tmp_path)
    write_metadata(tmp_path, rows)
    write_truth(tmp_path, [*rows, rows[0] | {"label": "NV"}])
    with pytest.raises(DataError, match="column 'image' has ISIC_0000000 in rows 2 and 3 with different MEL, NV"):
        Isic2019().load(tmp_path)


@pytest.mark.parametrize("table", [METADATA, TRUTH])
def test_an_absent_table_says_where_to_get_it(tmp_path: Path, table: str) -> None:
    make_isic2019(tmp_path)
    (tmp_path / table).unlink()
    with pytest.raises(
        DataError, match=rf"{table} does not exist; download ISIC 2019 from challenge\.isic-archive\.com"
    ):
        Isic2019().load(tmp_path)

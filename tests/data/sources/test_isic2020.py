from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from data.make_isic2020 import COLUMNS, DUPLICATES, TABLE, make_isic2020, make_rows, write_duplicates, write_table

from mmskin.data.sources.isic2020 import Isic2020
from mmskin.data.splits import make_folds
from mmskin.data.table import history_of
from mmskin.data.tables.declaration import read_declaration
from mmskin.errors import DataError
from mmskin.inputs.note import render_note

SCHEMA = read_declaration("isic2020").declared_schema

V2 = "ISIC_2020_Training_GroundTruth_v2.csv"
V2_COLUMNS = (*COLUMNS[:2], "lesion_id", *COLUMNS[2:])


def test_a_case_is_a_photo_and_the_label_is_melanoma_or_not(tmp_path: Path) -> None:
    rows = make_isic2020(tmp_path)
    cases = Isic2020().load(tmp_path)
    table = cases.table
    assert list(table.case_id) == [row["image_name"] for row in rows]
    assert list(table.patient_id) == [row["patient_id"] for row in rows]
    # 12 patients with 3 photos each, of which patients 0, 3, 6 and 9 have a melanoma
    assert Counter(table.target) == {"benign": 32, "malignant": 4}
    assert set(table.patient_id[table.target == "malignant"]) == {f"IP_{i:07d}" for i in (0, 3, 6, 9)}
    assert all(Path(images[0]).stem == case for case, images in zip(table.case_id, table.images, strict=True))
    assert cases.remarks == (
        "36 cases have no lesion id: each counts as a lesion",
        f"{DUPLICATES}: 1 pairs of photos count as one lesion each; patients differ in 1 of them, labels in 0",
    )


def test_blank_is_not_recorded(tmp_path: Path) -> None:
    make_isic2020(tmp_path)
    vague = Isic2020().load(tmp_path).table.set_index("patient_id").loc["IP_0000004"].iloc[1]
    assert (vague.age, vague.sex, vague.site, vague.age_group) == (None, None, None, None)


def test_the_note_tells_the_fields_and_nothing_of_the_diagnosis(tmp_path: Path) -> None:
    row = make_rows()[0] | {"age_approx": "60.0", "sex": "male", "anatom_site_general_challenge": "palms/soles"}
    write_table(tmp_path, [row])
    table = Isic2020().load(tmp_path).table
    assert render_note(history_of(table.iloc[0], SCHEMA), SCHEMA) == "60 years old. Man. On palm or sole."
    assert (table.diagnosis[0], table.age_group[0]) == ("melanoma", "60+")
    with pytest.raises(DataError, match=r"'diagnosis' is an outcome column of isic2020 and cannot be an input: it is"):
        SCHEMA.field("diagnosis")


def test_copies_in_circulation_give_the_same_table(tmp_path: Path) -> None:
    """CRLF, an index column, 1.0 for 1, PNG beside the table; Kaggle's name and folders."""
    published, copy, kaggle = (tmp_path / name for name in ("published", "copy", "kaggle"))
    for folder, dirty in ((published, False), (copy, True), (kaggle, False)):
        folder.mkdir()
        make_isic2020(folder, flat=dirty, dirty=dirty)
    assert b",benign,0.0\r\n" in (copy / TABLE).read_bytes()
    (kaggle / TABLE).rename(kaggle / "train.csv")
    (kaggle / "jpeg").mkdir()
    (kaggle / "train").rename(kaggle / "jpeg" / "train")
    loaded = [Isic2020().load(folder) for folder in (published, copy, kaggle)]
    tables = [cases.table.drop(columns="images") for cases in loaded]
    assert tables[0].equals(tables[1])
    assert tables[0].equals(tables[2])
    assert all(len(images) == 1 for cases in loaded for images in cases.table.images)


def test_photos_and_rows_without_partners_are_told(tmp_path: Path) -> None:
    rows = make_isic2020(tmp_path)
    photo = next(tmp_path.rglob(f"{rows[0]['image_name']}.jpg"))
    photo.rename(photo.with_name("stranger.jpg"))
    cases = Isic2020().load(tmp_path)
    assert cases.table.images[0] == ()
    told = " ".join(cases.remarks)
    assert f"1 of 36 photos are not under {tmp_path}: {rows[0]['image_name']}" in told
    assert f"1 photos under {tmp_path} have no row and are not used: stranger" in told


def test_rows_without_any_label_are_cases_without_target(tmp_path: Path) -> None:
    rows = make_rows()
    rows[1] |= {"target": "", "benign_malignant": ""}
    write_table(tmp_path, rows)
    cases = Isic2020().load(tmp_path)
    assert [case for case, target in zip(cases.table.case_id, cases.table.target, strict=True) if target is None] == [
        "ISIC_0000001"
    ]
    assert "1 cases without label kept without target" in cases.remarks


# --- lesions and duplicates ---


def test_version_2_of_the_table_names_lesions_and_goes_before_version_1(tmp_path: Path) -> None:
    rows = make_rows()
    rows[7]["lesion_id"] = ""
    write_table(tmp_path, rows)
    write_table(tmp_path, rows, name=V2, columns=V2_COLUMNS)
    cases = Isic2020().load(tmp_path)
    named = [row["lesion_id"] or row["image_name"] for row in rows]
    assert list(cases.table.lesion_id) == named
    assert named[6:8] == ["IL_0000006", "ISIC_0000007"]
    assert cases.remarks[:2] == (
        f"{V2} is read, and not {TABLE} beside it",
        "1 cases have no lesion id: each counts as a lesion",
    )


def test_photos_that_stand_twice_are_one_lesion_and_lie_in_one_fold(tmp_path: Path) -> None:
    rows = make_rows()
    write_table(tmp_path, rows, name=V2, columns=V2_COLUMNS)
    # the three are one lesion, whose photo 8 is listed second and then first; 35 is another patient's of another label
    pairs = [("ISIC_0000005", "ISIC_0000008"), ("ISIC_0000008", "ISIC_0000017"), ("ISIC_0000000", "ISIC_0000035")]
    write_duplicates(tmp_path, [*pairs, ("ISIC_0000001", "ISIC_9999999")])
    cases = Isic2020().load(tmp_path)
    table = cases.table.set_index("case_id")
    assert list(table.lesion_id[["ISIC_0000005", "ISIC_0000008", "ISIC_0000017"]]) == ["IL_0000005"] * 3
    assert table.lesion_id["ISIC_0000035"] == "IL_0000000"
    assert table.lesion_id.nunique() == 36 - 3
    assert cases.remarks == (
        f"36 of 36 photos are not under {tmp_path}: ISIC_0000000, ISIC_0000001, ISIC_0000002 and 33 more",
        f"{DUPLICATES}: 3 pairs of photos count as one lesion each; patients differ in 3 of them, labels in 1",
        f"{DUPLICATES}: 1 pairs name a photo without a row: left out",
    )
    for seed in range(5):
        folds = make_folds(cases.table, k=4, seed=seed)
        assert all(folds[one] == folds[other] for one, other in pairs)


def test_two_joined_lesions_become_one_whichever_pair_comes_last(tmp_path: Path) -> None:
    write_table(tmp_path, make_rows())
    write_duplicates(
        tmp_path,
        [("ISIC_0000001", "ISIC_0000004"), ("ISIC_0000007", "ISIC_0000010"), ("ISIC_0000010", "ISIC_0000004")],
    )
    lesions = Isic2020().load(tmp_path).table.set_index("case_id").lesion_id
    assert lesions[["ISIC_0000001", "ISIC_0000004", "ISIC_0000007", "ISIC_0000010"]].nunique() == 1
    assert lesions.nunique() == 36 - 3


def test_without_the_list_of_duplicates_a_remark_says_what_may_happen(tmp_path: Path) -> None:
    write_table(tmp_path, make_rows())
    cases = Isic2020().load(tmp_path)
    assert f"no {DUPLICATES}: photos that stand twice may lie in two parts of a split" in cases.remarks


# --- refusals ---


@pytest.mark.parametrize(
    ("table", "column"),
    [*((TABLE, name) for name in COLUMNS), (DUPLICATES, "image_name_1"), (DUPLICATES, "image_name_2")],
)
def test_a_renamed_column_is_named(tmp_path: Path, table: str, column: str) -> None:
    make_isic2020(tmp_path)
    path = tmp_path / table
    header, rest = path.read_text().split("\n", 1)
    renamed = ",".join(f"my_{name}" if name == column else name for name in header.split(","))
    path.write_text(f"{renamed}\n{rest}")
    with pytest.raises(DataError, match=f"{table} lacks columns: '{column}'"):
        Isic2020().load(tmp_path)


def test_target_and_its_word_must_agree(tmp_path: Path) -> None:
    rows = make_rows()
    rows[0] |= {"target": "0"}
    rows[4] |= {"benign_malignant": ""}
    write_table(tmp_path, rows)
    told = (
        r"target and benign_malignant differ in 2 rows: row 2: target 0, benign_malignant malignant, "
        r"row 6: target 0, benign_malignant blank"
    )
    with pytest.raises(DataError, match=told):
        Isic2020().load(tmp_path)


def test_values_outside_the_vocabulary_are_told_with_their_rows(tmp_path: Path) -> None:
    rows = make_rows()[:3]
    rows[0] |= {"target": "2", "anatom_site_general_challenge": "anterior torso"}
    rows[1] |= {"benign_malignant": "malign"}
    rows[2] |= {"age_approx": "450"}
    write_table(tmp_path, rows)
    told = (
        r"(?s)4 problems.*row 2: class '2' does not exist.*row 3: target \w*, benign_malignant malign\b.*"
        r"row 2, .*site value 'anterior torso'.*row 4, .*age='450'"
    )
    with pytest.raises(DataError, match=told):
        Isic2020().load(tmp_path)


def test_one_photo_with_two_labels_is_an_error(tmp_path: Path) -> None:
    rows = make_rows()[:1]
    write_table(tmp_path, [*rows, rows[0] | {"target": "0", "benign_malignant": "benign"}])
    with pytest.raises(DataError, match="ISIC_0000000 in rows 2 and 3 with labels 1 and 0"):
        Isic2020().load(tmp_path)


def test_an_absent_table_says_where_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(
        DataError,
        match=rf"holds neither {V2} nor .* nor train\.csv; download ISIC 2020",
    ):
        Isic2020().load(tmp_path)

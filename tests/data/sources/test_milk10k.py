from __future__ import annotations

from pathlib import Path

import pytest
from data.make_milk10k import (
    CLASSES,
    COLUMNS,
    LABELS_CSV,
    METADATA_CSV,
    MONET,
    NEEDED,
    SUPPLEMENT,
    SUPPLEMENT_CSV,
    Row,
    make_labels,
    make_milk10k,
    make_rows,
    write_table,
)

from mmskin.audit.markers import marker_columns
from mmskin.data.sources import SOURCES
from mmskin.data.table import history_of, photos_by_kind
from mmskin.data.tables.declaration import read_declaration
from mmskin.errors import DataError
from mmskin.inputs.note import render_note
from mmskin.schema import History

Milk10k = SOURCES["milk10k"]
SCHEMA = read_declaration("milk10k").declared_schema


def stems(images: tuple[str, ...]) -> list[str]:
    return [Path(image).stem for image in images]


def write(folder: Path, rows: list[Row], labels: list[Row]) -> None:
    write_table(folder / METADATA_CSV, rows, COLUMNS)
    write_table(folder / LABELS_CSV, labels, ("lesion_id", *CLASSES))


def two_lesions() -> tuple[list[Row], list[Row]]:
    return make_rows(lesions=2), make_labels(2)


def test_a_case_is_a_lesion_with_its_close_up_first_whichever_row_came_first(tmp_path: Path) -> None:
    rows = make_milk10k(tmp_path)
    cases = Milk10k().load(tmp_path)
    table = cases.table
    lesions = list(dict.fromkeys(row["lesion_id"] for row in rows))
    assert list(table.case_id) == list(table.lesion_id) == list(table.patient_id) == lesions
    assert list(table.target) == [CLASSES[i % 11] for i in range(13)]
    assert [row["image_type"][:4] for row in rows[:4]] == ["clin", "derm", "derm", "clin"]
    assert stems(table.images[0]) == ["ISIC_0009000", "ISIC_0009001"]
    assert stems(table.images[1]) == ["ISIC_0009002", "ISIC_0009003"]
    assert cases.remarks == ("no patient ids: every lesion counts as a patient of its own",)


def test_each_photo_has_its_kind(tmp_path: Path) -> None:
    rows = make_milk10k(tmp_path)
    cases = Milk10k().load(str(tmp_path))
    assert cases.schema.photos == ("clinical", "dermoscopic")
    assert list(cases.table.image_kinds) == [("clinical", "dermoscopic")] * 13
    kind = {row["isic_id"]: row["image_type"] for row in rows}
    for photos in photos_by_kind(cases.table, cases.schema):
        [dermoscopic] = photos["dermoscopic"]
        assert kind[Path(dermoscopic).stem] == "dermoscopic"


def test_blank_is_not_recorded(tmp_path: Path) -> None:
    rows = make_milk10k(tmp_path)
    table = Milk10k().load(tmp_path).table
    vague = table.iloc[4]
    assert (vague.age, vague.site, vague.age_group) == (None, None, None)
    assert vague.sex == rows[8]["sex"]
    assert table.skin_tone[0] == rows[0]["skin_tone_class"]


def test_the_note_tells_the_fields_and_nothing_of_the_outcome_nor_of_what_a_model_saw(tmp_path: Path) -> None:
    rows, labels = two_lesions()
    told = {"age_approx": "45", "sex": "female", "skin_tone_class": "3.0", "site": "head_neck_face"}
    write(tmp_path, [row | told for row in rows], labels)
    table = Milk10k().load(tmp_path).table
    assert render_note(history_of(table.iloc[0], SCHEMA), SCHEMA) == (
        "45 years old. Woman. Skin tone 3 from 0, very dark, to 5, very light. On head, neck or face."
    )
    assert not [name for name in SCHEMA.field_names if name.startswith("MONET")]
    for name in ("image_manipulation", "diagnosis_full", "diagnosis_confirm_type", "invasion_thickness_interval"):
        with pytest.raises(DataError, match=rf"'{name}' is an outcome column of milk10k and cannot be an input"):
            SCHEMA.field(name)


@pytest.mark.parametrize("choice", [choice for field in SCHEMA.fields for choice in field.choices])
def test_no_wording_shows_how_the_file_spells_a_value(choice: str) -> None:
    [field] = [field for field in SCHEMA.fields if choice in field.choices]
    note = render_note(History({field.name: choice}), SCHEMA)
    assert "_" not in note
    assert "head neck" not in note
    assert note.endswith(".")


def test_skin_tone_says_that_it_is_not_fitzpatrick() -> None:
    assert SCHEMA.field("skin_tone").title == "Skin tone, 0 very dark to 5 very light (not Fitzpatrick)"
    assert SCHEMA.field("skin_tone").choices == ("0", "1", "2", "3", "4", "5")


def test_outcomes_hold_both_texts_where_the_photos_of_a_case_are_told_different_things(tmp_path: Path) -> None:
    make_milk10k(tmp_path)
    table = Milk10k().load(tmp_path).table
    assert list(table.image_manipulation[2:5]) == ["instrument only", "altered", "instrument only"]
    assert table.diagnosis_full[0] == "Invented tumour, number 9000"
    # Rows 0, 4, 8, … of the supplement are by assessment: of even lesions the close-up, and of odd ones neither.
    assert list(table.diagnosis_confirm_type[:2]) == [
        "single contributor clinical assessment | histopathology",
        "histopathology",
    ]
    assert list(table.invasion_thickness_interval[:2]) == ["<0.8", None]


def test_without_a_supplement_its_outcomes_are_none_and_all_else_is_the_same(tmp_path: Path) -> None:
    make_milk10k(tmp_path)
    whole = Milk10k().load(tmp_path)
    (tmp_path / SUPPLEMENT_CSV).unlink()
    bare = Milk10k().load(tmp_path)
    assert bare.remarks == whole.remarks
    assert bare.table[list(SUPPLEMENT[1:])].isna().all(axis=None)
    assert bare.table.drop(columns=list(SUPPLEMENT[1:])).equals(whole.table.drop(columns=list(SUPPLEMENT[1:])))


def test_copies_in_circulation_give_the_same_table(tmp_path: Path) -> None:
    """CRLF, an index column, PNG in one folder."""
    published, copy = tmp_path / "published", tmp_path / "copy"
    for folder, dirty in ((published, False), (copy, True)):
        folder.mkdir()
        make_milk10k(folder, flat=dirty, dirty=dirty)
    one, other = (Milk10k().load(folder).table for folder in (published, copy))
    assert one.drop(columns="images").equals(other.drop(columns="images"))
    assert [stems(images) for images in one.images] == [stems(images) for images in other.images]


def test_what_has_no_partner_is_told(tmp_path: Path) -> None:
    rows = make_milk10k(tmp_path)
    photo = next(tmp_path.rglob(f"{rows[0]['isic_id']}.jpg"))
    photo.rename(photo.with_name("stranger.jpg"))
    write_table(tmp_path / METADATA_CSV, [*rows[:2], rows[3], *rows[4:24]], COLUMNS)
    write_table(tmp_path / LABELS_CSV, make_labels(13)[1:], ("lesion_id", *CLASSES))
    cases = Milk10k().load(tmp_path)
    assert stems(cases.table.images[0]) == ["ISIC_0009001"]
    assert stems(cases.table.images[1]) == ["ISIC_0009002"]
    assert cases.table.target[0] is None
    told = "; ".join(cases.remarks)
    assert f"1 values of lesion_id are in {METADATA_CSV} only: IL_0009000" in told
    assert f"1 values of lesion_id are in {LABELS_CSV} only: IL_0009012" in told
    assert f"3 values of isic_id are in {SUPPLEMENT_CSV} only: ISIC_0009003" in told
    assert f"1 of 23 photos are not under {tmp_path}: ISIC_0009000" in told
    assert f"4 photos under {tmp_path} have no row and are not used: ISIC_0009003" in told
    assert "1 cases have no dermoscopic photo in the table: IL_0009001" in told


@pytest.mark.parametrize(
    ("table", "column"),
    [
        *((METADATA_CSV, name) for name in NEEDED),
        *((LABELS_CSV, name) for name in ("lesion_id", *CLASSES)),
        *((SUPPLEMENT_CSV, name) for name in SUPPLEMENT),
    ],
)
def test_a_renamed_column_is_named(tmp_path: Path, table: str, column: str) -> None:
    make_milk10k(tmp_path)
    path = tmp_path / table
    header, rest = path.read_text().split("\n", 1)
    renamed = ",".join(f"my_{name}" if name == column else name for name in header.split(","))
    path.write_text(f"{renamed}\n{rest}")
    with pytest.raises(DataError, match=f"{table} lacks columns: '{column}'"):
        Milk10k().load(tmp_path)


def test_columns_that_are_not_needed_may_be_away(tmp_path: Path) -> None:
    rows = make_milk10k(tmp_path)
    before = Milk10k().load(tmp_path).table
    write_table(tmp_path / METADATA_CSV, rows, NEEDED)
    after = Milk10k().load(tmp_path).table
    assert after.equals(before[after.columns])
    assert {name.rpartition("_")[0] for name in before.columns.difference(after.columns)} == set(MONET)


@pytest.mark.parametrize(
    ("column", "value", "told"),
    [
        ("age_approx", "50", "age"),
        ("age_approx", "", "age"),
        ("sex", "unknown", "sex"),
        ("skin_tone_class", "unknown", "skin_tone"),
        ("site", "", "site"),
    ],
)
def test_rows_of_a_lesion_that_contradict_each_other_are_refused(
    tmp_path: Path, column: str, value: str, told: str
) -> None:
    rows, labels = two_lesions()
    rows[2] |= {"age_approx": "45"}
    rows[3] |= {"age_approx": "45.0"} | {column: value}
    write(tmp_path, rows, labels)
    with pytest.raises(DataError, match=rf"(?s)1 problem .*IL_0009001 in rows 4 and 5 with different {told};"):
        Milk10k().load(tmp_path)


def test_a_lesion_with_two_photos_of_a_kind_is_refused(tmp_path: Path) -> None:
    rows, labels = two_lesions()
    rows[1] |= {"image_type": "clinical: close-up"}
    write(tmp_path, rows, labels)
    with pytest.raises(DataError, match=r"IL_0009000 in rows 2 and 3 with 2 clinical photos"):
        Milk10k().load(tmp_path)


def test_a_photo_of_two_lesions_and_a_lesion_of_two_labels_are_refused(tmp_path: Path) -> None:
    rows, labels = two_lesions()
    write(tmp_path, [*rows, rows[0] | {"lesion_id": "IL_0009001"}], labels)
    with pytest.raises(DataError, match="column 'isic_id' has ISIC_0009000 in rows 2 and 6 with different lesion_id"):
        Milk10k().load(tmp_path)
    write(tmp_path, rows, [*labels, labels[0] | {"AKIEC": "0.0", "MEL": "1.0"}])
    with pytest.raises(DataError, match="IL_0009000 in rows 2 and 4 with different AKIEC, MEL"):
        Milk10k().load(tmp_path)


def test_a_label_that_is_not_one_hot_is_refused_with_its_row(tmp_path: Path) -> None:
    rows, labels = two_lesions()
    write(tmp_path, rows, [labels[0], labels[1] | {"NV": "1.0"}])
    with pytest.raises(DataError, match=r"row 3 has a 1 under \w+ and \w+: a case has one diagnosis"):
        Milk10k().load(tmp_path)


def test_values_outside_the_vocabulary_are_told_with_their_rows(tmp_path: Path) -> None:
    rows, labels = two_lesions()
    rows[0] |= {"image_type": "clinical", "skin_tone_class": "6"}
    rows[1] |= {"isic_id": "../ISIC_1", "age_approx": "old"}
    rows[2] |= {"site": "elbow", "lesion_id": "", "sex": "femal"}
    write(tmp_path, rows, labels)
    with pytest.raises(DataError) as caught:
        Milk10k().load(tmp_path)
    told = str(caught.value)
    assert f"{METADATA_CSV}: 7 problems" in told
    for fault in (
        "row 2: image_type 'clinical' does not exist. Did you mean 'clinical: close-up'?",
        "row 2, column 'skin_tone_class': skin_tone value '6' does not exist.",
        "row 3, column 'isic_id': isic_id='../ISIC_1' must be a file name without folders",
        "row 3, column 'age_approx': age='old' must be a number of years",
        "column 'lesion_id' is blank in row 4",
        "row 4, column 'site': site value 'elbow' does not exist.",
        "row 4, column 'sex': sex value 'femal' does not exist. Did you mean 'female'?",
    ):
        assert fault in told


@pytest.mark.parametrize("table", [METADATA_CSV, LABELS_CSV])
def test_an_absent_table_says_what_is_needed_and_that_an_export_does_not_do(tmp_path: Path, table: str) -> None:
    make_milk10k(tmp_path)
    (tmp_path / table).rename(tmp_path / "milk10k_train_isic_archive_merged.csv")
    needed = rf"{table} does not exist; MILK10k needs {METADATA_CSV} and {LABELS_CSV}: download them from challenge\."
    with pytest.raises(DataError, match=rf"{needed}.*milk10k_train_isic_archive_merged\.csv\) .* are not read"):
        Milk10k().load(tmp_path)


def test_scores_that_a_model_gave_a_photo_are_kept_by_kind(tmp_path: Path) -> None:
    rows = make_milk10k(tmp_path)
    table = Milk10k().load(tmp_path).table
    by_photo = {row["isic_id"]: float(row["MONET_hair"]) for row in rows}
    for case in table.to_dict("records"):
        clinical, dermoscopic = stems(case["images"])
        assert case["MONET_hair_clinical"] == by_photo[clinical]
        assert case["MONET_hair_dermoscopic"] == by_photo[dermoscopic]
    assert len([name for name in table if name.startswith("MONET")]) == 14
    assert "MONET_skin_markings_pen_ink_purple_pen_clinical" in marker_columns(table, SCHEMA)


def test_a_word_among_the_scores_is_refused(tmp_path: Path) -> None:
    rows, labels = two_lesions()
    write(tmp_path, [row | {"MONET_hair": "much"} for row in rows], labels)
    with pytest.raises(DataError, match="column 'MONET_hair' must hold numbers"):
        Milk10k().load(tmp_path)

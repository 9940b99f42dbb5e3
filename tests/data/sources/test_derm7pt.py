from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from data.make_derm7pt import (
    DIAGNOSES,
    NEEDED,
    SEVEN_POINTS,
    make_derm7pt,
    make_rows,
    write_indexes,
    write_photos,
    write_table,
)

from mmskin.config.build import build
from mmskin.config.experiment import DataConfig
from mmskin.data.load import folds_of, load_cases
from mmskin.data.sources import SOURCES
from mmskin.data.sources.derm7pt import Derm7pt
from mmskin.data.splits import split_by_fold
from mmskin.data.table import history_of, photos_by_kind
from mmskin.data.tables.declaration import read_declaration
from mmskin.errors import ConfigError, DataError
from mmskin.inputs.note import render_note
from mmskin.schema import History

DECLARED = read_declaration("derm7pt")
FIVE = {label: [name for name, of in DECLARED.labels.items() if of == label] for label in DECLARED.classes}
NO_PATIENTS = "no patient ids: every case counts as a patient of its own"


@pytest.fixture
def release(tmp_path: Path) -> Path:
    make_derm7pt(tmp_path)
    return tmp_path / "release_v0"


def names(images: tuple[str, ...]) -> list[str]:
    """Folder and file without ending, in small letters."""
    return ["/".join(Path(image).with_suffix("").parts[-2:]).lower() for image in images]


def test_a_case_is_a_row_with_its_close_up_before_its_dermoscopic_photo(tmp_path: Path) -> None:
    rows = make_derm7pt(tmp_path)
    cases = Derm7pt().load(tmp_path)
    table = cases.table
    assert list(table.case_id) == list(table.patient_id) == list(table.lesion_id) == [str(i) for i in range(1, 21)]
    assert names(table.images[0]) == ["nql/nql000", "nql/nql001"]
    assert all(Path(photo).is_file() for images in table.images for photo in images)
    wanted = [[row[column].rsplit(".", 1)[0].lower() for column in ("clinic", "derm")] for row in rows]
    assert [names(images) for images in table.images] == wanted
    assert list(table.sex) == [row["sex"] for row in rows]
    assert list(table.site) == [row["location"] for row in rows]
    assert list(table.elevation) == [row["elevation"] for row in rows]
    assert cases.remarks == (NO_PATIENTS,)
    assert "notes" not in table


@pytest.mark.parametrize("depth", ["", "release_v0", "release_v0/release_v0"])
def test_the_release_is_found_where_people_unpack_it(tmp_path: Path, depth: str) -> None:
    rows = make_rows()[:2]
    write_table(tmp_path / depth, rows)
    write_photos(tmp_path / depth, rows)
    assert [len(images) for images in Derm7pt().load(tmp_path).table.images] == [2, 2]


def test_each_photo_has_its_kind_also_where_one_is_not_there(tmp_path: Path) -> None:
    rows = make_derm7pt(tmp_path)
    images = tmp_path / "release_v0" / "images"
    (images / rows[0]["clinic"]).unlink()
    cases = Derm7pt().load(tmp_path)
    assert cases.schema.photos == ("clinical", "dermoscopic")
    assert list(cases.table.image_kinds) == [("dermoscopic",), *[("clinical", "dermoscopic")] * 19]
    assert names(photos_by_kind(cases.table, cases.schema)[1]["clinical"]) == ["fql/fql002"]


def test_twenty_diagnoses_are_five_classes_or_themselves(tmp_path: Path) -> None:
    rows = make_derm7pt(tmp_path)
    five = Derm7pt().load(tmp_path)
    assert five.schema.classes == ("BCC", "MEL", "MISC", "NEV", "SK")
    # The counts of Kawahara et al. 2019, table I, from those of the diagnoses: 42, 252, 97, 575, 45 of 1,011.
    counts = {
        "clark nevus": 399,
        "melanoma (less than 0.76 mm)": 102,
        "reed or spitz nevus": 79,
        "melanoma (in situ)": 64,
        "melanoma (0.76 to 1.5 mm)": 53,
        "seborrheic keratosis": 45,
        "basal cell carcinoma": 42,
        "dermal nevus": 33,
        "vascular lesion": 29,
        "blue nevus": 28,
        "melanoma (more than 1.5 mm)": 28,
        "lentigo": 24,
        "dermatofibroma": 20,
        "congenital nevus": 17,
        "melanosis": 16,
        "combined nevus": 13,
        "miscellaneous": 8,
        "recurrent nevus": 6,
        "melanoma metastasis": 4,
        "melanoma": 1,
    }
    grouped = {label: sum(counts[name] for name in members) for label, members in FIVE.items()}
    assert grouped == {"BCC": 42, "MEL": 252, "MISC": 97, "NEV": 575, "SK": 45}
    assert list(five.table.target) == [
        next(label for label, members in FIVE.items() if row["diagnosis"] in members) for row in rows
    ]
    every = Derm7pt(classes="all").load(tmp_path)
    assert list(every.schema.classes) == sorted(DIAGNOSES)
    assert list(every.table.target) == [row["diagnosis"] for row in rows]
    assert [name for name in DIAGNOSES if "melanoma" in name or "carcinoma" in name] == sorted(
        every.schema.class_groups["malignant"], key=DIAGNOSES.index
    )
    with pytest.raises(ConfigError, match=r"classes 'fife' does not exist\. Did you mean 'five'\?"):
        build("source", SOURCES, {"name": "derm7pt", "classes": "fife"})


def test_the_note_tells_the_fields_and_neither_an_experts_reading_nor_an_outcome(tmp_path: Path) -> None:
    row = make_rows()[0] | {"sex": "female", "location": "acral", "elevation": "palpable", "management": "excision"}
    write_table(tmp_path, [row])
    cases = Derm7pt().load(tmp_path)
    assert cases.schema.field_names == ("sex", "site", "elevation")
    assert render_note(history_of(cases.table.iloc[0], cases.schema), cases.schema) == (
        "Woman. On palm or sole. It can be felt."
    )
    assert cases.table.management[0] == "excision"
    for name in ("management", "level_of_diagnostic_difficulty", "seven_point_score", *SEVEN_POINTS):
        with pytest.raises(DataError, match=rf"'{name}' is an outcome column of derm7pt and cannot be an input"):
            cases.schema.field(name)
        assert cases.table[name][0] == row[name]


@pytest.mark.parametrize("choice", [choice for field in DECLARED.declared_schema.fields for choice in field.choices])
def test_every_value_is_told_in_words(choice: str) -> None:
    schema = DECLARED.declared_schema
    [field] = [field for field in schema.fields if choice in field.choices]
    note = render_note(History({field.name: choice}), schema)
    assert "head neck" not in note
    assert "areas" not in note
    assert ":" not in note


def test_copies_in_circulation_give_the_same_table(tmp_path: Path) -> None:
    """CRLF, an index column, PNG in one folder; Derm7pt+, without case_num, case_id and notes."""
    published, copy, plus = (tmp_path / name for name in ("published", "copy", "plus"))
    for folder, dirty in ((published, False), (copy, True), (plus, False)):
        folder.mkdir()
        make_derm7pt(folder, flat=dirty, dirty=dirty)
    write_table(plus / "release_v0", make_rows(), columns=NEEDED)
    tables = [Derm7pt().load(folder).table for folder in (published, copy, plus)]
    assert tables[0].drop(columns="images").equals(tables[1].drop(columns="images"))
    assert tables[0].drop(columns="images").equals(tables[2].drop(columns="images"))
    stems = [[[name.split("/")[1] for name in names(images)] for images in table.images] for table in tables]
    assert stems[0] == stems[1] == stems[2]


def test_photos_that_are_not_there_or_have_no_row_are_told(tmp_path: Path) -> None:
    rows = make_derm7pt(tmp_path)
    rows[1]["derm"] = ""
    write_table(tmp_path / "release_v0", rows)
    images = tmp_path / "release_v0" / "images"
    (images / rows[0]["clinic"]).rename(images / "stranger.jpg")
    cases = Derm7pt().load(tmp_path)
    assert [names(found) for found in cases.table.images[:2]] == [["nql/nql001"], ["fql/fql002"]]
    told = "; ".join(cases.remarks)
    assert "1 of 39 photos are not under images: nql/nql000" in told
    assert "2 photos under images have no row and are not used: fql/fql003, stranger" in told
    assert "1 cases have no dermoscopic photo in the table: 2" in told


def test_a_photo_named_for_both_is_one_photo(tmp_path: Path) -> None:
    rows = make_rows()[:1]
    rows[0]["derm"] = rows[0]["clinic"]
    write_table(tmp_path, rows)
    write_photos(tmp_path, rows)
    assert len(Derm7pt().load(tmp_path).table.images[0]) == 1


def test_photos_that_would_be_one_in_a_flat_copy_are_refused(tmp_path: Path) -> None:
    rows = make_rows()[:2]
    rows[0]["clinic"], rows[1]["clinic"] = "NQL/001.jpg", "Fql/001.jpg"
    write_table(tmp_path, rows)
    write_photos(tmp_path, rows)
    assert [len(images) for images in Derm7pt().load(tmp_path).table.images] == [2, 2]
    (tmp_path / "images").rename(tmp_path / "before")
    write_photos(tmp_path, rows, flat=True)
    with pytest.raises(DataError, match=r"1 photos lie there once for two: 001 for nql/001 and fql/001"):
        Derm7pt().load(tmp_path)


def test_two_files_for_one_photo_are_refused(release: Path) -> None:
    photo = release / "images" / make_rows()[0]["clinic"]
    photo.with_suffix(".png").write_bytes(photo.read_bytes() + b"another")
    with pytest.raises(
        DataError, match=r"1 photos lie in two files that differ: .*NQL000\.JPG and .*NQL000\.png; keep one of each"
    ):
        Derm7pt().load(release)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("../../secret.jpg", "leads out of its folder by '..'"),
        ("/etc/passwd", "lies outside"),
        ("http://example.org/a.jpg", "is a URL"),
        ("NQL\\\\NQL000.JPG", "holds a backslash"),
        ("NQL", "a folder or a device"),
    ],
)
def test_a_path_that_leads_elsewhere_is_refused_with_its_row(release: Path, name: str, told: str) -> None:
    rows = make_rows()
    rows[3]["derm"] = name
    write_table(release, rows)
    with pytest.raises(DataError, match=rf"(?s)meta\.csv: 1 problem .*row 5, column 'derm': .*{told}"):
        Derm7pt().load(release)


@pytest.mark.parametrize("column", NEEDED)
def test_a_renamed_column_is_named(release: Path, column: str) -> None:
    path = release / "meta" / "meta.csv"
    header, rest = path.read_text().split("\n", 1)
    renamed = ",".join(f"my_{name}" if name == column else name for name in header.split(","))
    path.write_text(f"{renamed}\n{rest}")
    with pytest.raises(DataError, match=f"lacks columns: '{column}'"):
        Derm7pt().load(release)


def test_values_outside_the_vocabulary_are_told_with_their_rows(release: Path) -> None:
    rows = make_rows()
    rows[0] |= {"diagnosis": "clark naevus", "location": "elbow"}
    rows[1] |= {"elevation": "high", "sex": "w"}
    write_table(release, rows)
    with pytest.raises(DataError) as caught:
        Derm7pt().load(release)
    told = str(caught.value)
    assert "column 'diagnosis', row 2: class 'clark naevus' does not exist. Did you mean 'clark nevus'?" in told
    for fault in (
        "4 problems",
        "row 2, column 'location': site value 'elbow'",
        "row 3, column 'elevation': elevation value 'high'",
        "row 3, column 'sex': sex value 'w'",
    ):
        assert fault in told


def test_a_case_number_that_stands_twice_or_is_blank_is_refused(release: Path) -> None:
    rows = make_rows()
    rows[7]["case_num"] = "3"
    write_table(release, rows)
    with pytest.raises(DataError, match=r"column 'case_num' has 3 in rows 4 and 9 with .*; keep one row of each"):
        Derm7pt().load(release)
    rows[7]["case_num"] = ""
    write_table(release, rows)
    with pytest.raises(DataError, match=r"column 'case_num' is blank in row 9"):
        Derm7pt().load(release)


def test_the_official_split_is_read_from_the_index_files(release: Path) -> None:
    table = Derm7pt().load(release).table
    # train_indexes.csv holds 0 to 7, valid_indexes.csv 8 to 11, test_indexes.csv 12 to 19; cases count from 1.
    assert list(table.official_split) == ["train"] * 8 + ["val"] * 4 + ["test"] * 8


def test_the_official_split_makes_folds(tmp_path: Path) -> None:
    rows = make_rows()
    for number, row in enumerate(rows):
        row["diagnosis"] = next(iter(list(FIVE.values())[number % 5]))
    write_table(tmp_path, rows)
    write_indexes(tmp_path)
    data = DataConfig(source={"name": "derm7pt"}, root=str(tmp_path), folds="official")
    cases = load_cases(data)
    split = split_by_fold(cases.table, folds_of(data, cases), test_fold=0, classes=cases.schema.classes)
    assert {name: list(part.case_id) for name, part in split._asdict().items()} == {
        "train": [str(i) for i in range(1, 9)],
        "val": [str(i) for i in range(9, 13)],
        "test": [str(i) for i in range(13, 21)],
    }


@pytest.mark.parametrize("absent", [("valid_indexes.csv",), ("train_indexes.csv", "test_indexes.csv")])
def test_without_all_index_files_there_is_no_official_split(release: Path, absent: tuple[str, ...]) -> None:
    for name in absent:
        (release / "meta" / name).unlink()
    cases = Derm7pt().load(release)
    assert "official_split" not in cases.table
    assert cases.remarks[0] == f"no official split: {', '.join(absent)} not in {release / 'meta'}"


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"test_indexes.csv": [12, 20]}, r"test_indexes\.csv row 3: '20' is no row from 0 to 19"),
        ({"test_indexes.csv": [-1, 12]}, r"test_indexes\.csv row 2: '-1' is no row from 0 to 19"),
        ({"test_indexes.csv": ["x"]}, r"test_indexes\.csv row 2: 'x' is no row from 0 to 19"),
        ({"valid_indexes.csv": [8, 7]}, r"valid_indexes\.csv row 3: 7 stands in train_indexes\.csv too"),
        ({"valid_indexes.csv": [8, 8]}, r"valid_indexes\.csv row 3: 8 stands in valid_indexes\.csv too"),
        ({"valid_indexes.csv": [8, 9]}, r"2 rows of meta\.csv are in none: 10, 11"),
    ],
)
def test_index_files_that_do_not_fit_the_table_are_refused(
    release: Path, changed: dict[str, list[Any]], told: str
) -> None:
    for name, indexes in changed.items():
        (release / "meta" / name).write_text("\n".join(["indexes", *map(str, indexes)]) + "\n")
    with pytest.raises(DataError, match=rf"the index files don't fit meta\.csv: .*{told}"):
        Derm7pt().load(release)


def test_an_index_file_without_its_column_is_refused(release: Path) -> None:
    (release / "meta" / "test_indexes.csv").write_text("index\n12\n")
    with pytest.raises(DataError, match=r"test_indexes\.csv lacks columns: 'indexes' \(did you mean 'index'\?\)"):
        Derm7pt().load(release)


def test_a_table_with_blank_rows_cannot_be_counted_by_index_files(release: Path) -> None:
    path = release / "meta" / "meta.csv"
    header, rest = path.read_text().split("\n", 1)
    path.write_text(f"{header}\n\n{rest}")
    with pytest.raises(DataError, match="has blank rows, and the index files count rows"):
        Derm7pt().load(release)
    (release / "meta" / "test_indexes.csv").unlink()
    assert len(Derm7pt().load(release).table) == 20


def test_an_absent_table_says_where_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(
        DataError,
        match=r"holds neither meta/meta\.csv nor release_v0/meta/meta\.csv nor .*; download Derm7pt",
    ):
        Derm7pt().load(tmp_path)

from __future__ import annotations

from pathlib import Path

import pytest
from data.make_fitzpatrick17k import CONDITIONS, make_fitzpatrick17k, make_rows, write_table

from mmskin.data.sources.fitzpatrick17k import Fitzpatrick17k
from mmskin.data.tables.declaration import read_declaration
from mmskin.errors import ConfigError, DataError
from mmskin.report.data_summary import describe

NINE, THREE = (read_declaration("fitzpatrick17k", label).classes for label in ("nine", "three"))


def test_a_case_is_a_photo_and_a_patient_of_its_own(tmp_path: Path) -> None:
    rows = make_fitzpatrick17k(tmp_path)
    cases = Fitzpatrick17k().load(tmp_path)
    table = cases.table
    assert list(table.case_id) == [row["md5hash"] for row in rows]
    assert list(table.case_id) == list(table.patient_id) == list(table.lesion_id)
    assert list(table.target) == [row["nine_partition_label"] for row in rows]
    assert all(Path(images[0]).stem == case for case, images in zip(table.case_id, table.images, strict=True))
    assert cases.remarks == ("no patient ids: every photo counts as a patient of its own",)


def test_three_sets_of_classes_can_be_told_and_each_knows_what_is_malignant(tmp_path: Path) -> None:
    make_fitzpatrick17k(tmp_path)
    by_label = {label: Fitzpatrick17k(label=label).load(tmp_path) for label in ("nine", "three", "condition")}
    classes = {label: cases.schema.classes for label, cases in by_label.items()}
    assert classes == {"nine": NINE, "three": THREE, "condition": tuple(sorted(CONDITIONS))}
    malignant = {label: cases.schema.class_groups["malignant"] for label, cases in by_label.items()}
    assert malignant == {
        "nine": ("malignant cutaneous lymphoma", "malignant dermal", "malignant epidermal", "malignant melanoma"),
        "three": ("malignant",),
        "condition": ("invented crust", "invented lump", "invented patch", "invented spot"),
    }
    # 40 photos of 10 conditions in turn, 3 of them benign, 3 non-neoplastic, 4 malignant
    assert by_label["three"].table.target.value_counts().to_dict() == {
        "malignant": 16,
        "benign": 12,
        "non-neoplastic": 12,
    }


def test_skin_type_and_verdict_are_columns_and_never_inputs(tmp_path: Path) -> None:
    make_fitzpatrick17k(tmp_path)
    cases = Fitzpatrick17k().load(tmp_path)
    # scale 7 is -1 in the file: annotators could not say
    assert list(cases.table.fitzpatrick[:7]) == ["1", "2", "3", "4", "5", "6", "unknown"]
    assert cases.schema.subgroups == ("fitzpatrick",)
    assert cases.schema.fields == ()
    assert list(cases.table.qc[7:9]) == [None, "3 Wrongly labelled"]
    with pytest.raises(DataError, match=r"'qc' is an outcome column of fitzpatrick17k"):
        cases.schema.field("qc")
    assert not any("http" in str(cell) for cell in cases.table.to_numpy().ravel())


def test_a_copy_with_other_line_ends_and_an_index_gives_the_same_table(tmp_path: Path) -> None:
    published, copy = tmp_path / "published", tmp_path / "copy"
    for folder, dirty in ((published, False), (copy, True)):
        folder.mkdir()
        make_fitzpatrick17k(folder, dirty=dirty)
    tables = [Fitzpatrick17k().load(folder).table.drop(columns="images") for folder in (published, copy)]
    assert tables[0].equals(tables[1])


def test_a_description_needs_no_fields(tmp_path: Path) -> None:
    make_fitzpatrick17k(tmp_path)
    told = describe(Fitzpatrick17k().load(tmp_path))
    assert "inflammatory" in told
    assert "Field" not in told


@pytest.mark.parametrize(
    "column", ["md5hash", "fitzpatrick_scale", "label", "nine_partition_label", "three_partition_label", "qc"]
)
def test_a_renamed_column_is_named(tmp_path: Path, column: str) -> None:
    make_fitzpatrick17k(tmp_path)
    path = tmp_path / "fitzpatrick17k.csv"
    header, rest = path.read_text().split("\n", 1)
    renamed = ",".join(f"my_{name}" if name == column else name for name in header.split(","))
    path.write_text(f"{renamed}\n{rest}")
    with pytest.raises(DataError, match=f"lacks columns: '{column}'"):
        Fitzpatrick17k().load(tmp_path)


def test_values_outside_the_vocabulary_are_told_with_their_rows(tmp_path: Path) -> None:
    rows = make_rows()[:2]
    rows[0] |= {"nine_partition_label": "inflamatory", "fitzpatrick_scale": "7"}
    rows[1] |= {"three_partition_label": "neoplastic"}
    write_table(tmp_path, rows)
    told = (
        r"(?s)3 problems.*row 2, column 'nine_partition_label': nine_partition_label value 'inflamatory'.*"
        r"row 2, .*fitzpatrick value '7'.*row 3, .*three_part"
    )
    with pytest.raises(DataError, match=told):
        Fitzpatrick17k().load(tmp_path)


def test_one_photo_with_two_labels_is_an_error(tmp_path: Path) -> None:
    row = make_rows()[0]
    write_table(tmp_path, [row, row | {"label": "another", "nine_partition_label": "inflammatory"}])
    with pytest.raises(DataError, match="in rows 2 and 3 with labels benign epidermal and inflammatory"):
        Fitzpatrick17k().load(tmp_path)


def test_refusals_say_what_there_is(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"label 'five' does not exist.*It must be one of: condition, nine, three"):
        Fitzpatrick17k(label="five")  # type: ignore[arg-type]
    with pytest.raises(DataError, match=r"fitzpatrick17k\.csv does not exist; get fitzpatrick17k\.csv from github"):
        Fitzpatrick17k().load(tmp_path)
    write_table(tmp_path, make_rows()[:1])
    with pytest.raises(DataError, match="column 'label': two classes are needed, however: \\{'invented wart': 1\\}"):
        Fitzpatrick17k(label="condition").load(tmp_path)

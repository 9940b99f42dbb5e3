from __future__ import annotations

from pathlib import Path

import pytest
from data.make_ddi import COLUMNS, DISEASES, make_ddi, make_rows, write_table

from mmskin.data.sources.ddi import Ddi
from mmskin.errors import ConfigError, DataError


def test_a_case_is_a_photo_and_a_patient_of_its_own(tmp_path: Path) -> None:
    rows = make_ddi(tmp_path)
    cases = Ddi().load(tmp_path)
    table = cases.table
    assert [f"{case}.png" for case in table.case_id] == [row["DDI_file"] for row in rows]
    assert list(table.case_id) == list(table.patient_id) == list(table.lesion_id)
    assert table.target.value_counts().to_dict() == {"benign": 12, "malignant": 12}  # every second of 24
    assert all(Path(images[0]).stem == case for case, images in zip(table.case_id, table.images, strict=True))
    assert cases.remarks[1:] == (
        "no patient ids: every photo counts as a patient of its own",
        "24 photos, however the published table has 656: this is another one",
    )


def test_diseases_can_be_the_classes_and_the_malignant_ones_are_known(tmp_path: Path) -> None:
    rows = make_ddi(tmp_path)
    cases = Ddi(label="disease").load(tmp_path)
    assert cases.schema.classes == tuple(sorted(DISEASES))
    assert cases.schema.class_groups == {"malignant": ("invented-crust", "invented-spot-in-situ")}
    assert cases.schema.class_titles["invented-spot-in-situ"] == "Invented spot in situ"
    assert list(cases.table.target) == [row["disease"] for row in rows]


def test_skin_tone_is_a_subgroup_and_diagnoses_are_outcomes(tmp_path: Path) -> None:
    make_ddi(tmp_path)
    cases = Ddi().load(tmp_path)
    assert list(cases.table.skin_tone[:3]) == ["1-2", "3-4", "5-6"]
    assert cases.schema.subgroups == ("skin_tone",)
    assert cases.schema.fields == ()
    with pytest.raises(DataError, match=r"'disease' is an outcome column of ddi"):
        cases.schema.field("disease")


def test_a_copy_saved_by_a_spreadsheet_gives_the_same_table(tmp_path: Path) -> None:
    published, copy = tmp_path / "published", tmp_path / "copy"
    for folder, dirty in ((published, False), (copy, True)):
        folder.mkdir()
        make_ddi(folder, dirty=dirty)
    tables = [Ddi().load(folder).table.drop(columns="images") for folder in (published, copy)]
    assert tables[0].equals(tables[1])


@pytest.mark.parametrize("column", [name for name in COLUMNS if name != "DDI_ID"])
def test_a_renamed_column_is_named(tmp_path: Path, column: str) -> None:
    make_ddi(tmp_path)
    path = tmp_path / "ddi_metadata.csv"
    header, rest = path.read_text().split("\n", 1)
    renamed = ",".join(f"my_{name}" if name == column else name for name in header.split(","))
    path.write_text(f"{renamed}\n{rest}")
    with pytest.raises(DataError, match=f"lacks columns: '{column}'"):
        Ddi().load(tmp_path)


def test_values_outside_the_vocabulary_are_told_with_their_rows(tmp_path: Path) -> None:
    rows = make_rows()[:2]
    rows[0] |= {"malignant": "maybe"}
    rows[1] |= {"skin_tone": "78"}
    write_table(tmp_path, rows)
    with pytest.raises(
        DataError, match=r"(?s)2 problems.*row 2, .*malignant value 'maybe'.*row 3, .*skin_tone value '78'"
    ):
        Ddi().load(tmp_path)


def test_one_photo_with_two_labels_is_an_error(tmp_path: Path) -> None:
    row = make_rows()[0]
    write_table(tmp_path, [row, row | {"malignant": "True"}])
    with pytest.raises(DataError, match=r"900001\.png in rows 2 and 3 with labels False and True"):
        Ddi().load(tmp_path)


def test_refusals_say_what_there_is(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"label 'malign' does not exist\. Did you mean 'malignant'"):
        Ddi(label="malign")  # type: ignore[arg-type]
    with pytest.raises(DataError, match=r"ddi_metadata\.csv does not exist; get DDI from ddi-dataset"):
        Ddi().load(tmp_path)
    write_table(tmp_path, make_rows()[:1])
    with pytest.raises(DataError, match="column 'disease': two classes are needed, however: \\{'invented-mole': 1\\}"):
        Ddi(label="disease").load(tmp_path)

"""Bring your own table: what a stranger's CSV can hold, and what is said about it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from data.own_table import BASE, changed, load, remark, write
from real_data import real_data

from mmskin.config.build import build
from mmskin.data.missingness import equalize, input_schema, missing_rates
from mmskin.data.sources import SOURCES
from mmskin.data.sources.csv_table import CsvTable
from mmskin.data.table import history_of
from mmskin.errors import ConfigError, DataError
from mmskin.inputs.note import render_note
from mmskin.schema import ClassInformation


def test_the_table_is_read_as_mapped(tmp_path: Path) -> None:
    cases = load(write(tmp_path))
    table = cases.table
    assert list(table.case_id) == ["c1", "c2", "c3", "c4"]
    assert list(table.patient_id) == ["p1", "p1", "p2", "p3"]
    assert list(table.lesion_id) == list(table.case_id)
    assert list(table.images) == [
        (str(tmp_path / "a.png"),),
        (str(tmp_path / "b.png"),),
        (),
        (str(tmp_path / "d.png"),),
    ]
    assert list(table.text) == [None, "new", "old", None]
    assert list(table.age) == [62.0, None, 40.5, 9.0]
    assert list(table.itch) == ["yes", None, "unknown", "no"]
    assert cases.schema.classes == ("BCC", "NEV")
    assert cases.schema.name == "cases"
    assert remark(cases, "without a photo") == "1 cases without a photo"


def test_kinds_are_guessed_and_told(tmp_path: Path) -> None:
    cases = load(write(tmp_path))
    kinds = {field.name: field.kind for field in cases.schema.fields}
    assert kinds == {"age": "numeric", "itch": "yes_no", "site": "categorical"}
    assert cases.schema.field("site").choices == ("Arm", "leg")
    assert list(cases.table.site) == ["Arm", "leg", "Arm", "leg"]
    told = "age (numeric, 0 to 120 years), itch (yes_no), site (categorical: Arm (also arm), leg)"
    assert told in remark(cases, "guessed")


def test_free_text_and_ids_never_become_fields_by_themselves(tmp_path: Path) -> None:
    rows = [{**row, "visit_id": "7", "remarks": f"seen on day {i}"} for i, row in enumerate(BASE)]
    cases = load(write(tmp_path, rows), text=None)
    assert not {"visit_id", "remarks", "story"} & set(cases.schema.field_names)
    told = remark(cases, "columns not used")
    assert "visit_id (an id, by its name)" in told
    assert "remarks (4 different values: an id or free text)" in told


def test_declared_fields_are_mapped_by_column_values_and_unit(tmp_path: Path) -> None:
    rows = [{**row, "Juckt es?": word, "weeks": "2"} for row, word in zip(BASE, ("ja", "Nein", "", "ja"), strict=True)]
    fields = {
        "itch": {"column": "Juckt es?", "kind": "yes_no", "values": {"ja": True, "nein": "no"}},
        "duration": {"column": "weeks", "kind": "duration", "unit": "weeks", "low": 0, "high": 10},
        "site": {"kind": "categorical"},
    }
    cases = load(write(tmp_path, rows), fields=fields)
    assert list(cases.table.itch) == ["yes", "no", None, "yes"]
    assert list(cases.table.duration) == [14.0] * 4
    assert (cases.schema.field("duration").low, cases.schema.field("duration").high) == (0, 70)
    assert render_note(history_of(cases.table.iloc[0], cases.schema), cases.schema) == (
        "Itch: yes. Duration: 2 weeks. Site: Arm."
    )
    assert remark(cases, "columns not used") == "columns not used: age, itch"
    assert "site (categorical: Arm (also arm), leg)" in remark(cases, "guessed")


def test_config_builds_it_by_name(tmp_path: Path) -> None:
    spec = {"name": "csv", "target": "dx", "patient": "who", "fields": ["age"], "table": "cases.csv"}
    assert build("source", SOURCES, spec).load(str(write(tmp_path))).schema.field_names == ("age",)
    with pytest.raises(ConfigError, match="Did you mean 'patient'"):
        build("source", SOURCES, {"name": "csv", "target": "dx", "pateint": "who"})


def test_a_table_without_patients_must_say_so(tmp_path: Path) -> None:
    write(tmp_path)
    with pytest.raises(DataError, match=r"no patient column is named.*one_case_per_patient: true.*are: case, who"):
        load(tmp_path, patient=None)
    cases = load(tmp_path, patient=None, one_case_per_patient=True)
    assert list(cases.table.patient_id) == ["c1", "c2", "c3", "c4"]
    assert "every case counts as a patient" in remark(cases, "no patient ids")
    with pytest.raises(ConfigError, match="exclude each other"):
        load(tmp_path, one_case_per_patient=True)


def test_several_photos_come_by_separator_or_by_columns(tmp_path: Path) -> None:
    rows = changed(2, photo="a.png; b.png")
    rows = [{**row, "second": "d.png" if i == 0 else ""} for i, row in enumerate(rows)]
    rows[1]["photo"] = rows[3]["photo"] = ""
    cases = load(write(tmp_path, rows), images=["photo", "second"], image_separator=";")
    assert cases.table.images[0] == tuple(str(tmp_path / name) for name in ("a.png", "b.png", "d.png"))


def test_photo_root_and_suffix(tmp_path: Path) -> None:
    rows = [{**row, "photo": row["photo"].removesuffix(".png")} for row in BASE]
    write(tmp_path, rows, photos=["img/a.jpg", "img/b.jpg", "img/d.jpg"])
    cases = load(tmp_path, image_root="img", image_suffix=".jpg")
    assert cases.table.images[3] == (str(tmp_path / "img" / "d.jpg"),)


def test_lesions_are_kept_apart_by_patient(tmp_path: Path) -> None:
    rows = [{**row, "spot": spot} for row, spot in zip(BASE, ("1", "1", "1", ""), strict=True)]
    cases = load(write(tmp_path, rows), lesion="spot")
    assert list(cases.table.lesion_id) == ["p1/1", "p1/1", "p2/1", "c4"]
    assert remark(cases, "no lesion id").startswith("1 cases")


def test_missing_photos_are_counted_and_those_in_other_letters_are_found(tmp_path: Path) -> None:
    cases = load(write(tmp_path, photos=["a.png", "B.PNG"]))
    assert remark(cases, "not found") == "1 photos not found: row 5 'd.png'"
    assert "1 photos were found with another ending, in other letters" in remark(cases, "b.png at B.PNG")
    assert [len(images) for images in cases.table.images] == [1, 1, 0, 0]


def test_a_folder_with_none_of_the_photos_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"none of 3 photos is under .*row 2 'a.png'.*set image_root"):
        load(write(tmp_path, photos=[]))


def test_paths_out_of_the_root_are_all_listed(tmp_path: Path) -> None:
    rows = [{**row, "photo": p} for row, p in zip(BASE, ("../x", "http://a/b", "/etc/passwd", "d.png"), strict=True)]
    with pytest.raises(DataError, match=r"(?s)3 problems.*row 2.*'\.\.'.*row 3.*is a URL.*row 4.*lies outside"):
        load(write(tmp_path, rows))


@pytest.mark.parametrize("twin", ["bcc", "BCC\u200b", "ΒСС", "B-CC"])  # noqa: RUF001
def test_labels_that_look_alike_are_no_new_class(tmp_path: Path, twin: str) -> None:
    with pytest.raises(DataError, match=r"one class spelled differently\? .*'BCC' in row 2.*in row 5"):
        load(write(tmp_path, changed(5, dx=twin)))


def test_blank_labels_are_listed_kept_or_dropped(tmp_path: Path) -> None:
    write(tmp_path, changed(3, dx="N/A"))
    with pytest.raises(DataError, match=r"column 'dx': no label in row 3; .*unlabelled"):
        load(tmp_path)
    kept, dropped = (load(tmp_path, unlabelled=fate) for fate in ("keep", "drop"))
    assert list(kept.table.target) == ["BCC", None, "NEV", "BCC"]
    assert list(dropped.table.case_id) == ["c1", "c3", "c4"]
    assert remark(kept, "kept") == "1 cases without label kept without target"
    assert remark(dropped, "left out") == "1 cases without label left out"


def test_labels_outside_the_declared_classes_are_refused_with_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"column 'dx', row 5: class 'BCCC' does not exist. Did you mean 'BCC'"):
        load(write(tmp_path, changed(5, dx="BCCC")), classes=["NEV", "BCC"])


def test_declared_classes_keep_their_order_and_groups(tmp_path: Path) -> None:
    options = {"classes": ["NEV", "BCC"], "class_groups": {"malignant": ["BCC"]}, "class_titles": {"NEV": "Nevus"}}
    schema = load(write(tmp_path), **options).schema
    assert schema.classes == ("NEV", "BCC")
    assert schema.class_groups == {"malignant": ("BCC",)}
    with pytest.raises(ConfigError, match=r"class_groups\.malignant: class 'BC' does not exist"):
        load(tmp_path, **{**options, "class_groups": {"malignant": ["BC"]}})


def test_what_a_class_is_can_be_told_in_own_words_or_by_a_shared_name(tmp_path: Path) -> None:
    own = {"text": "A mole.", "next_steps": "Nothing.", "source": "Our clinic"}
    schema = load(write(tmp_path), class_information={"NEV": own, "BCC": "basal_cell_carcinoma"}).schema
    assert schema.class_information["NEV"] == ClassInformation(**own)
    assert schema.class_information["BCC"].text.startswith("The commonest skin cancer.")
    for wrong, complaint in (
        ({"NEV": {**own, "source": " "}}, r"class_information\.NEV\.source"),
        ({"NEV": "moles"}, "information 'moles' does not exist"),
        ({"NEV": {"text": "A mole."}}, r"class_information\.NEV\.next_steps"),
    ):
        with pytest.raises(ConfigError, match=complaint):
            load(tmp_path, class_information=wrong)
    with pytest.raises(ConfigError, match="class_information: class 'NV' does not exist"):
        load(tmp_path, classes=["NEV", "BCC"], class_information={"NV": own})


def test_one_class_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"two classes are needed, however: \{'BCC': 4\}"):
        load(write(tmp_path, [{**row, "dx": "BCC"} for row in BASE]))


def test_all_problems_come_in_one_pass(tmp_path: Path) -> None:
    rows = changed(2, age="forty", dx="")
    rows[2]["age"], rows[3]["age"], rows[3]["case"], rows[1]["who"] = "1,234", "500", "c1", ""
    fields = {"age": {"kind": "numeric", "unit": "years", "low": 0, "high": 120}}
    with pytest.raises(DataError) as caught:
        load(write(tmp_path, rows), fields=fields)
    told = str(caught.value)
    for part in (
        "6 problems (the header is row 1)",
        "column 'dx': no label in row 2",
        "column 'who' is blank in row 3",
        "column 'case' has c1 in rows 2 and 5 with labels blank and BCC",
        "row 2, column 'age': age='forty' must be a number of years: 'forty' is no number of years",
        "row 4, column 'age': age='1,234' must be a number",
        "row 5, column 'age': age='500' must lie between 0.0 and 120.0",
    ):
        assert part in told


def test_a_guessed_number_column_does_not_swallow_typing_errors(tmp_path: Path) -> None:
    rows = [{**BASE[i % 4], "case": str(i), "photo": "", "age": str(20 + i)} for i in range(10)]
    rows[7]["age"] = "45 kg"
    with pytest.raises(DataError, match="row 9, column 'age': age='45 kg' must be a number"):
        load(write(tmp_path, rows), images=None)


def test_problems_beyond_twenty_are_counted(tmp_path: Path) -> None:
    rows = [{**BASE[i % 4], "case": str(i), "photo": "", "age": "x"} for i in range(50)]
    with pytest.raises(DataError, match=r"(?s)50 problems.*and 30 more$"):
        load(write(tmp_path, rows), images=None, fields={"age": {"kind": "numeric"}})


def test_one_photo_with_two_labels_names_both_rows(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"photo 'a.png' is BCC in row 2 and NEV in row 3; a photo has one label"):
        load(write(tmp_path, changed(3, photo="a.png")))


def test_one_photo_in_two_rows_of_one_label_is_remarked(tmp_path: Path) -> None:
    cases = load(write(tmp_path, changed(5, photo="a.png")))
    assert remark(cases, "several rows") == "1 photos stand in several rows: a.png in rows 2, 5"


def test_equal_rows_are_remarked(tmp_path: Path) -> None:
    cases = load(write(tmp_path, [*BASE, BASE[2]]), case=None)
    assert remark(cases, "equal") == "rows equal in every cell: 4 = 6"
    assert list(cases.table.case_id)[-1] == "row_6"


def test_outcomes_are_kept_but_are_no_fields(tmp_path: Path) -> None:
    rows = [{**row, "biopsied": "yes"} for row in BASE]
    outcomes = {"biopsied": "a biopsy is taken on suspicion"}
    cases = load(write(tmp_path, rows), outcomes=outcomes, subgroups=["site"], fields=["age"])
    assert "biopsied" not in cases.schema.field_names
    assert list(cases.table.biopsied) == ["yes"] * 4
    assert list(cases.table.site) == ["Arm", "leg", "arm", "leg"]
    with pytest.raises(ConfigError, match=r"fields\.cut reads 'biopsied', which is under outcomes: a biopsy is taken"):
        load(tmp_path, outcomes=outcomes, fields={"cut": {"column": "biopsied"}})
    with pytest.raises(ConfigError, match="reads 'dx', the target"):
        load(tmp_path, fields=["dx"])


def test_a_subgroup_may_be_a_guessed_field_too(tmp_path: Path) -> None:
    schema = load(write(tmp_path), subgroups=["site"]).schema
    assert schema.subgroups == ("site",)
    assert "site" in schema.field_names


def test_a_column_that_is_the_label_and_a_text_that_holds_it_are_remarked(tmp_path: Path) -> None:
    rows = [{**BASE[i % 4], "case": str(i), "photo": ""} for i in range(40)]
    rows = [{**row, "procedure": "cut" if row["dx"] == "BCC" else "none", "story": f"is {row['dx']}"} for row in rows]
    cases = load(write(tmp_path, rows), images=None, fields=["age", "procedure"])
    assert "'procedure' alone gives the label of 100% of cases (the commonest class: 50%)" in remark(
        cases, "procedure' a"
    )
    assert remark(cases, "word for word").startswith("40 free texts hold their label")


def test_no_field_is_guessed_of_what_no_patient_says(tmp_path: Path) -> None:
    """The label in other words, what nearly tells it, row numbers and dates; honest answers beside them stay."""
    rows = [{**BASE[i % 4], "case": f"c{i}", "photo": ""} for i in range(240)]
    for i, row in enumerate(rows):
        is_bcc = row["dx"] == "BCC"
        row |= {
            "malignant": str(is_bcc),
            "cut": str(is_bcc or i == 1),
            "n": str(i + 1),
            "seen": f"2024-03-{1 + i % 28:02}",
            "biopsied": ("yes", "no", "no", "no", "no")[i % 5],
        }
        row |= {"itch": ("yes", "no", "no")[i % 3], "age": str(20 + i % 60)}
    cases = load(write(tmp_path, rows), images=None)
    assert cases.schema.field_names == ("age", "itch", "site")
    told = remark(cases, "columns not used")
    for why in (
        "malignant (every class has one value",
        "cut (it gives the label alone",
        "n (row numbers)",
        "seen (dates)",
    ):
        assert why in told
    assert {"malignant", "cut", "biopsied"} <= set(cases.table)  # for the audit to name
    assert not {"n", "seen"} & set(cases.table)
    asked = load(tmp_path, images=None, fields=["malignant", "n"])
    assert asked.schema.field_names == ("malignant", "n")


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"age": {"knd": "numeric"}}, "fields.age: entry 'knd' does not exist. Did you mean 'kind'"),
        ({"age": {"kind": "numerical"}}, "fields.age.kind: Input should be 'numeric'"),
        ({"age": {"kind": "duration", "unit": "moons"}}, "unit 'moons' does not exist. Did you mean 'months'"),
        ({"age": "numeric"}, r"must be a mapping such as \{kind: numeric\}, however: 'numeric'"),
        ({"age": {"kind": "numeric", "choices": ["a"]}}, "choices belong to categorical fields"),
        ({"target": {"column": "age"}}, "field 'target': the table of cases has a column of that name"),
    ],
)
def test_wrong_specifications_of_fields_are_refused(tmp_path: Path, fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        load(write(tmp_path), fields=fields)


def test_fields_whose_kind_cannot_be_guessed_are_refused_when_asked_for(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"field photo2 \(4 different values.*give its kind"):
        load(write(tmp_path, [{**row, "photo2": f"x{i}"} for i, row in enumerate(BASE)]), fields=["photo2"])


def test_missing_columns_name_the_nearest(tmp_path: Path) -> None:
    told = r"lacks columns: 'DX' \(target\) \(did you mean 'dx'\?\), 'patients' \(patient\); it has: case, who"
    with pytest.raises(DataError, match=told):
        load(write(tmp_path), target="DX", patient="patients")


def test_unknown_fate_of_unlabelled_rows_is_refused() -> None:
    with pytest.raises(ConfigError, match="unlabelled 'ignore' does not exist"):
        CsvTable(target="dx", unlabelled="ignore")  # type: ignore[arg-type]


def test_real_table_is_read_whole() -> None:
    cases = CsvTable(
        table="metadata_full_2298.csv",
        target="diagnostic",
        patient="patient_id",
        lesion="lesion_id",
        case="img_id",
        outcomes={"biopsed": "a biopsy is taken on suspicion"},
    ).load(real_data("pad_ufes_20"))
    assert len(cases.table) == 2298
    assert cases.table.patient_id.nunique() == 1373
    assert cases.table.lesion_id.nunique() == 1891
    assert cases.table.target.value_counts()["BCC"] == 845
    assert cases.schema.field("itch").kind == "yes_no"
    assert cases.schema.field("region").kind == "categorical"
    assert (cases.table.grew == "unknown").sum() == 402
    assert cases.table.smoke.isna().sum() == 804


def test_photos_have_the_kinds_that_the_user_names(tmp_path: Path) -> None:
    rows = [{**row, "skin": "d.png" if i == 0 else ""} for i, row in enumerate(BASE)]
    rows[3]["photo"] = ""
    cases = load(write(tmp_path, rows), images=None, photos={"clinical": "photo", "dermoscopic": ["skin"]})
    assert cases.schema.photos == ("clinical", "dermoscopic")
    assert list(cases.table.image_kinds) == [("clinical", "dermoscopic"), ("clinical",), (), ()]
    assert cases.table.images[0] == (str(tmp_path / "a.png"), str(tmp_path / "d.png"))
    with pytest.raises(ConfigError, match="images and photos exclude each other"):
        load(tmp_path, photos={"clinical": "photo"})
    with pytest.raises(ConfigError, match="photos: 'metadata' is a part of the history"):
        load(tmp_path, images=None, photos={"metadata": "photo"})


def test_a_table_names_its_optional_block_so_that_it_can_be_equalized(tmp_path: Path) -> None:
    fields = {"age": {"kind": "numeric"}, "itch": {"kind": "yes_no"}, "site": {}}
    cases = load(write(tmp_path), fields=fields, optional_block=["age", "itch"])
    assert cases.schema.optional_block == ("age", "itch")
    assert input_schema(cases.schema, cases.table, mode="equalized").field_names == ("age", "itch", "site")
    shown = equalize(cases.table, cases.schema, seed=0)
    assert missing_rates(shown, cases.schema).to_dict() == {"BCC": 0.5, "NEV": 0.5}  # c2 lacks both, one BCC is hidden
    assert load(tmp_path, optional_block="age").schema.optional_block == ("age",), "fields may be guessed"


def test_an_optional_block_of_what_is_no_field_is_refused(tmp_path: Path) -> None:
    fields = {"age": {"kind": "numeric"}, "site": {}}
    with pytest.raises(DataError, match=r"optional_block: field 'agee' does not exist.*'age'"):
        load(write(tmp_path), fields=fields, optional_block=["agee", "site"])

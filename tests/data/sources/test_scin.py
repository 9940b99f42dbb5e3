"""SCIN, on the real tables (counts from shared/reference/datasets.md) and on invented ones with the same dirt."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from data.make_scin import CASE_COLUMNS, make_scin
from real_data import real_data

from mmskin.data.sources.scin import OTHER, Scin
from mmskin.data.table import Cases, histories, history_of
from mmskin.data.tables.declaration import read_declaration
from mmskin.errors import ConfigError, DataError
from mmskin.inputs.note import render_note

DECLARED = read_declaration("scin")


@pytest.fixture(scope="module")
def real() -> Cases:
    return Scin().load(real_data("scin"))


@pytest.fixture
def fake(tmp_path: Path) -> Path:
    return make_scin(tmp_path)


def _edit(path: Path, row: int, column: str, value: str) -> None:
    """Write one cell; the header is row 1."""
    with path.open(newline="") as file:
        rows = list(csv.reader(file))
    rows[row - 1][rows[0].index(column)] = value
    with path.open("w", newline="") as file:
        csv.writer(file).writerows(rows)


def test_real_tables_give_the_labelled_cases_and_the_published_counts(real: Cases) -> None:
    assert len(real.table) == 3061
    assert "1972 cases without label left out" in real.remarks  # 5,033 - 3,061
    counts = real.table.target.value_counts()
    assert counts.drop(OTHER).to_dict() == {
        "Eczema": 488,
        "Allergic Contact Dermatitis": 270,
        "Urticaria": 214,
        "Insect Bite": 185,
        "Folliculitis": 142,
        "Psoriasis": 109,
        "Tinea": 93,
        "Impetigo": 69,
        "Herpes Zoster": 68,
        "Pigmented purpuric eruption": 62,
        "Acne": 61,
    }
    assert counts[OTHER] == 1300
    assert real.schema.classes == (*counts.drop(OTHER).index, OTHER)
    assert "1300 cases of 200 diagnoses with < 60 cases are the class 'Other'" in real.remarks  # 211 names - 11


def test_every_real_diagnosis_is_a_class_when_asked() -> None:
    cases = Scin(min_cases=1).load(real_data("scin"))
    assert len(cases.schema.classes) == 211
    assert OTHER not in cases.schema.classes


def test_ties_of_the_real_differentials_are_925() -> None:
    assert len(Scin(ties="drop").load(real_data("scin")).table) == 3061 - 925


def test_real_photos_shared_by_cases_make_one_patient(real: Cases) -> None:
    shared = real.table.patient_id.value_counts()
    assert sorted(shared[shared > 1]) == [2, 2, 2, 2, 2, 3]
    assert any("no patient ids" in remark for remark in real.remarks)


def test_real_tables_without_photos_say_so(real: Cases) -> None:
    assert not any(real.table.images)
    assert any("10380 of 10380 photos are not under dataset/images" in remark for remark in real.remarks)


def test_every_real_history_can_be_told_and_is_admissible(real: Cases) -> None:
    for history in histories(real.table, real.schema):
        render_note(history, real.schema)
        assert real.schema.parse_history(history.fields).fields == history.fields


def test_blank_boxes_are_no_only_under_none_of_the_above(fake: Path) -> None:
    table = Scin(min_cases=2).load(fake).table.set_index("case_id")
    itches, nothing = table.loc["-9000000000000000001"], table.loc["-9000000000000000002"]
    assert itches.condition_symptoms_itching == "yes"
    assert itches.condition_symptoms_pain is None  # not ticked, or skipped: nobody knows
    assert itches.other_symptoms_fever == "no"
    assert nothing.condition_symptoms_itching == "no"
    assert nothing.other_symptoms_fever is None
    assert itches.body_parts_arm == "yes"
    assert itches.body_parts_leg is None


def test_unticked_is_no_reads_answered_questions_only(fake: Path) -> None:
    table = Scin(min_cases=2, unticked_is_no=True).load(fake).table.set_index("case_id")
    itches, nothing = table.loc["-9000000000000000001"], table.loc["-9000000000000000002"]
    assert itches.condition_symptoms_pain == "no"
    assert itches.body_parts_leg == "no"
    assert itches.textures_flat is None
    assert nothing.body_parts_arm is None


def test_single_answers_are_told_in_words(fake: Path) -> None:
    cases = Scin(min_cases=2).load(fake)
    first, second = (history_of(cases.table.iloc[i], cases.schema) for i in (0, 1))
    assert render_note(first, cases.schema) == (
        "18 to 29 years old. Woman. Skin sometimes burns, tans evenly. Calls it: rash. For one to four weeks. "
        "On the arm. Itching. No fever. No chills. No fatigue. No joint pain. No mouth sores. No shortness of breath."
    )
    assert second.fields["age_group"] is None
    assert second.fields["sex"] is None
    assert second.fields["fitzpatrick"] == "unknown"  # "None of the above" is an answer
    assert second.fields["duration"] == "unknown"
    assert second.fields["related_category"] == "none of these"


def test_first_written_diagnosis_wins_a_tie_and_rare_ones_are_grouped(fake: Path) -> None:
    cases = Scin(min_cases=2).load(fake)
    assert cases.schema.classes == ("Eczema", "Urticaria", OTHER)
    assert list(cases.table.target) == [*["Eczema"] * 3, *["Urticaria"] * 2, OTHER, OTHER]
    dropped = Scin(min_cases=2, rare="drop", ties="drop").load(fake)
    assert dropped.schema.classes == ("Eczema", "Urticaria")
    assert list(dropped.table.target) == ["Eczema"] * 2 + ["Urticaria"] * 2


def test_photos_are_joined_and_missing_ones_counted(fake: Path) -> None:
    cases = Scin(min_cases=2).load(fake)
    images = cases.table.images
    assert images[0] == tuple(str(fake / "dataset" / "images" / name) for name in ("-0.png", "-100.png"))
    assert images[5] == ()
    assert "1 of 9 photos are not under dataset/images: -5" in cases.remarks
    assert cases.table.patient_id[3] == cases.table.patient_id[4]
    assert cases.table.patient_id.nunique() == len(cases.table) - 1


def test_photo_names_never_lead_out_of_the_folder(fake: Path) -> None:
    (fake / "secret.png").write_bytes(b"")
    _edit(fake / "scin_cases.csv", 2, "image_1_path", "dataset/images/../../secret.png")
    assert Scin(min_cases=2).load(fake).table.images[0] == (str(fake / "dataset" / "images" / "-100.png"),)


def test_what_graders_said_is_kept_as_outcome_and_refused_as_field(fake: Path) -> None:
    cases = Scin(min_cases=2).load(fake)
    assert set(DECLARED.outcomes) <= set(cases.table.columns)
    assert cases.table.monk_skin_tone_label_us[0] == "3"
    with pytest.raises(DataError, match="outcome column of scin"):
        cases.schema.field("weighted_skin_condition_label")


@pytest.mark.parametrize(
    "column",
    [c for c in CASE_COLUMNS if c.startswith(("condition", "other_s", "body", "textures", "image_1_path", "age"))],
)
def test_renamed_columns_are_refused(tmp_path: Path, column: str) -> None:
    make_scin(tmp_path, renamed={column: column.upper() + "S"})
    with pytest.raises(DataError, match=rf"lacks columns: '{column}' \(did you mean '{column.upper()}S'"):
        Scin().load(tmp_path)


@pytest.mark.parametrize(
    ("file", "column", "value", "message"),
    [
        ("cases", "condition_symptoms_itching", "TRUE", "row 2, .*'TRUE'.*one of: YES"),
        ("cases", "condition_duration", "ONE_DAYS", "row 2.*Did you mean 'ONE_DAY'"),
        ("cases", "case_id", "-9000000000000000002", "column 'case_id' has -9000000000000000002 in rows 2 and 3"),
        (
            "cases",
            "case_id",
            "5",
            "1 values of case_id are in scin_cases.csv only: 5; 1 values of case_id are in scin_labels.csv only",
        ),
        ("labels", "weighted_skin_condition_label", "[1]", r"row \d+, .*'\[1\]': must be a dict"),
        ("labels", "weighted_skin_condition_label", "__import__('os')", "malformed"),
        ("labels", "weighted_skin_condition_label", "", "row 10, .*invalid syntax"),
    ],
)
def test_cells_outside_their_vocabulary_are_refused(
    fake: Path, file: str, column: str, value: str, message: str
) -> None:
    _edit(fake / f"scin_{file}.csv", 2, column, value)
    with pytest.raises(DataError, match=message):
        Scin().load(fake)


def test_absent_files_tell_where_to_get_them(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"scin_cases.csv does not exist; SCIN is at doi:10.5281"):
        Scin().load(tmp_path)


def test_too_high_a_bar_for_classes_is_refused(fake: Path) -> None:
    with pytest.raises(DataError, match=r"min_cases=3 leaves 1 classes; counts: .*Eczema.*3"):
        Scin(min_cases=3).load(fake)


def test_options_outside_their_choices_are_refused() -> None:
    with pytest.raises(ConfigError, match="rare 'merge' does not exist"):
        Scin(rare="merge")  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="ties 'last' does not exist"):
        Scin(ties="last")  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="min_cases=0"):
        Scin(min_cases=0)


def test_fields_are_named_once_and_hold_no_label_column() -> None:
    names = [*DECLARED.fields]
    assert len(set(names)) == len(names) == 34  # 5 questions with one answer, 29 boxes
    assert not set(names) & set(DECLARED.outcomes)

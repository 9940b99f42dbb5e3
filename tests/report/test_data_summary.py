"""The description of a data set: every number in it counted by hand."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
from data.make_scin import make_scin

from mmskin.data.sources.scin import Scin
from mmskin.data.table import Cases
from mmskin.report.data_summary import WIDTH, data_facts, describe
from mmskin.schema import Field, Schema

SCHEMA = Schema(
    name="clinic",
    classes=("BCC", "NEV"),
    class_titles={"BCC": "Basal cell carcinoma"},
    class_groups={"malignant": ("BCC",)},
    fields=(
        Field(name="age", kind="numeric", unit="years"),
        Field(name="itch", kind="yes_no"),
        Field(name="duration", kind="duration"),
    ),
    optional_block=("itch",),
    outcomes={"biopsed": "a biopsy follows from suspicion", "histology": "a biopsy follows from suspicion"},
    licence="CC BY 4.0",
    citation="Somebody et al. " * 12,
)


@pytest.fixture
def cases(tmp_path: Path) -> Cases:
    there, gone = str(tmp_path / "a.png"), str(tmp_path / "gone.png")
    Path(there).write_bytes(b"")
    rows = [
        ("c1", "p1", "l1", (there, gone), "BCC", "it bled", 62.0, "yes", 182.0),
        ("c2", "p1", "l1", (there,), "BCC", None, 40.0, "no", None),
        ("c3", "p2", "l2", (), "NEV", None, 35.5, "unknown", 14.0),
        ("c4", "p3", "l3", (), None, None, 20.0, None, None),
    ]
    names = ["case_id", "patient_id", "lesion_id", "images", "target", "text", "age", "itch", "duration"]
    return Cases(SCHEMA, pd.DataFrame(rows, columns=names, dtype=object), ("1 row " + "merged " * 30,))


def _line(text: str, start: str) -> str:
    return next(line for line in text.splitlines() if line.startswith(start))


def test_counts_are_right(cases: Cases) -> None:
    text = describe(cases)
    assert _line(text, "  cases").split() == ["cases", "4"]
    assert _line(text, "  patients").split() == ["patients", "3"]
    assert _line(text, "  lesions").split() == ["lesions", "3"]
    assert _line(text, "  photos  ").split(maxsplit=1)[1] == "2, 1 of them not found"
    assert _line(text, "  photos per case").endswith("0: 2, 1: 1, 2: 1")
    assert _line(text, "  free text").endswith("1 cases")
    assert _line(text, "  without label").endswith("1 cases")
    assert _line(text, "  fully recorded").endswith("2 cases of 2 patients")


def test_photos_are_counted_by_kind_where_there_are_several(cases: Cases) -> None:
    schema = SCHEMA.model_copy(update={"photos": ("clinical", "dermoscopic")})
    kinds = [("clinical", "dermoscopic"), ("clinical",), (), ()]
    text = describe(cases._replace(schema=schema, table=cases.table.assign(image_kinds=kinds)))
    assert _line(text, "  photos by kind").endswith("by kind   clinical: 1, dermoscopic: 1")
    assert "by kind" not in describe(cases)


def test_classes_are_shared_out_over_labelled_cases(cases: Cases) -> None:
    text = describe(cases)
    assert _line(text, "BCC").split(maxsplit=4) == ["BCC", "2", "66.7%", "1", "Basal cell carcinoma; malignant"]
    assert _line(text, "NEV").split() == ["NEV", "1", "33.3%", "1"]


def test_fields_tell_known_unknown_and_not_recorded_apart(cases: Cases) -> None:
    text = describe(cases)
    assert _line(text, "age").split(maxsplit=5) == ["age", "4", "0", "0", "stays", "20 to 62 years, median 37.75"]
    assert _line(text, "itch").split(maxsplit=5) == ["itch", "2", "1", "1", "stays", "no (1), yes (1)"]
    told = _line(text, "duration").split(maxsplit=4)
    assert told == ["duration", "2", "0", "2", "2 weeks to 6 months, median 3 months"]


def test_outcomes_remarks_licence_and_citation_are_told(cases: Cases) -> None:
    text = describe(cases)
    assert "- biopsed, histology: a biopsy follows from suspicion" in text
    assert "- 1 row merged" in text
    assert "Licence: CC BY 4.0" in text
    assert "Citation: Somebody et al." in text


def test_the_facts_hold_the_same_counts_as_plain_values(cases: Cases) -> None:
    facts = data_facts(cases)
    assert json.loads(json.dumps(facts, allow_nan=False)) == facts
    counted = {key: value for key, value in facts.items() if isinstance(value, int)}
    assert counted == {
        "cases": 4,
        "cases_without_label": 1,
        "cases_with_free_text": 1,
        "cases_fully_recorded": 2,
        "patients": 3,
        "lesions": 3,
        "photos": 2,
        "photos_not_found": 1,
    }
    assert facts["photos_by_kind"] == {"image": 2}
    bcc = {"name": "BCC", "title": "Basal cell carcinoma", "groups": ["malignant"], "cases": 2, "patients": 1}
    assert facts["classes"] == [bcc, {"name": "NEV", "title": "NEV", "groups": [], "cases": 1, "patients": 1}]
    age, itch, duration = facts["fields"]
    assert age == {"name": "age", "kind": "numeric", "unit": "years", "excluded": None} | {
        "answered": 4,
        "unknown": 0,
        "not_recorded": 0,
    }
    assert (itch["answered"], itch["unknown"], itch["not_recorded"], itch["excluded"]) == (2, 1, 1, None)
    assert (duration["answered"], duration["not_recorded"], duration["unit"]) == (2, 2, None)
    assert duration["excluded"]
    assert duration["excluded"] in " ".join(describe(cases).split())
    assert (facts["licence"], facts["remarks"], facts["outcomes"]) == (
        "CC BY 4.0",
        list(cases.remarks),
        dict(SCHEMA.outcomes),
    )


def test_text_fits_100_columns_and_columns_are_aligned(cases: Cases) -> None:
    text = describe(cases)
    assert max(map(len, text.splitlines())) <= WIDTH == 100
    header, *rows = text.split("\n\n")[2].splitlines()
    assert header.split() == ["Field", "answered", "unknown", "not", "recorded", "values"]
    for row, end in zip(rows, ("4", "2", "2"), strict=True):
        assert row[: header.index("answered") + len("answered")].endswith(end)


def test_long_names_and_values_are_cut(tmp_path: Path) -> None:
    long = Schema(
        name="s",
        classes=("a" * 80, "b"),
        fields=(Field(name="f" * 70, kind="categorical", choices=("x" * 90, "y z " * 40)),),
    )
    row = {"case_id": "1", "patient_id": "1", "lesion_id": "1", "images": (), "target": "b", "text": None}
    table = pd.DataFrame([{**row, "f" * 70: value} for value in ("x" * 90, "y z " * 40)], dtype=object)
    assert max(map(len, describe(Cases(long, table)).splitlines())) <= WIDTH


def test_fake_scin_is_described(tmp_path: Path) -> None:
    text = describe(Scin(min_cases=2).load(make_scin(tmp_path)))
    assert _line(text, "Eczema").split()[1] == "3"
    assert max(map(len, text.splitlines())) <= WIDTH


def test_what_the_default_leaves_out_is_named_with_its_reason(tmp_path: Path) -> None:
    schema = Schema(name="s", classes=("a", "b"), fields=(Field(name="age", kind="numeric"),))
    ids = ["c0", "c1"]
    columns = {"case_id": ids, "patient_id": ids, "lesion_id": ids, "target": ["a", "b"], "text": [None, None]}
    table = pd.DataFrame({**columns, "age": [None, 3.0]}, dtype=object).assign(images=[(), ()])
    text = " ".join(describe(Cases(schema, table)).split())
    assert "Excluded by missingness: always_recorded, the default - age: empty in 50.00% of the training rows" in text
    assert "stays" not in text
    assert "fully recorded 1 cases of 1 patients" in text

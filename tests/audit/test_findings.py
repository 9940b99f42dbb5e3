from __future__ import annotations

import pandas as pd
import pytest

from mmskin.audit.duplicates import Pair
from mmskin.audit.findings import (
    column_findings,
    copy_findings,
    count_findings,
    crossing_findings,
    marker_findings,
    outcome_name_findings,
    source_findings,
    value_findings,
)
from mmskin.audit.markers import SUSPICION
from mmskin.audit.outcome_names import outcomes_by_name
from mmskin.audit.proxies import DECLARED, PROXY, SHORTCUT
from mmskin.audit.telling_values import CONSTANT, NEVER, ONE_CLASS

FOLDS = pd.Series({"a": 0, "b": 1, "c": 0, "d": 0})


def pair(first: str, second: str, **differs: object) -> Pair:
    """Two near copies of one lesion with one label, unless said otherwise."""
    same = {"same_lesion": True, "same_patient": True, "same_label": True}
    known = {"photos": ("x.jpg", "y.jpg"), "kind": "near", "how": "cropped", "similarity": 0.8}
    return Pair(first=first, second=second, **{**known, **same, **differs})  # type: ignore[arg-type]


def proxies(**row: object) -> pd.DataFrame:
    known = {"column": "biopsed", "role": "outcome", "told": "value", "read_as": "categories", "against": "malignant"}
    scores = {"auroc": 0.89, "low": 0.87, "high": 0.91, "n": 100, "positives": 40, "patients": 90, "verdict": ""}
    return pd.DataFrame([{**known, **scores, **row}])


def test_copies_over_folds_are_a_leak_and_a_case_without_fold_is_in_none() -> None:
    found = list(copy_findings([pair("a", "b"), pair("a", "unlabelled")], FOLDS))
    assert [(finding.level, finding.kind) for finding in found] == [("leak", "copies"), ("note", "copies")]
    assert found[0].text == "1 pair of copies (a = b, cropped) lie in two folds"
    assert found[1].text == "copies within one lesion: 2 near"


def test_copies_of_two_patients_two_lesions_or_two_labels_are_suspicions() -> None:
    strangers = pair("a", "c", same_lesion=False, same_patient=False, same_label=False)
    sisters = pair("c", "d", same_lesion=False)
    unlabelled = pair("a", "d", same_label=None)
    found = list(copy_findings([strangers, sisters, unlabelled], FOLDS))
    assert [(finding.level, finding.kind) for finding in found] == [
        ("suspicion", "labels"),
        ("suspicion", "copies"),
        ("suspicion", "copies"),
        ("note", "copies"),
    ]
    assert "a = c, cropped) stand under two diagnoses" in found[0].text
    assert "a = c, cropped) belong to two patients" in found[1].text
    assert "c = d, cropped) of one patient stand under two lesions" in found[2].text


def test_exact_copies_are_kept_in_one_fold_and_are_no_leak_by_themselves() -> None:
    found = list(copy_findings([pair("a", "b", kind="exact", how="same bytes", similarity=1.0)], FOLDS))
    assert [finding.level for finding in found] == ["note"]


def test_what_crosses_folds_is_a_leak() -> None:
    crossings = pd.DataFrame(
        [("patient", "PAT_1", (0, 2), ("a", "b")), ("patient", "PAT_2", (0, 1), ("c", "d"))],
        columns=["kind", "id", "folds", "cases"],
    )
    (found,) = crossing_findings(crossings)
    assert found.level == "leak"
    assert found.text == "2 patients lie in several folds: PAT_1 (folds 0, 2), PAT_2 (folds 0, 1)"


@pytest.mark.parametrize(
    ("row", "missingness", "level", "told"),
    [
        ({"verdict": DECLARED}, "visible", "note", "a declared outcome, never an input"),
        ({"role": "column", "verdict": PROXY}, "visible", "suspicion", "declare it as an outcome"),
        ({"column": "age", "role": "field", "verdict": PROXY}, "visible", "leak", "and is an input"),
        ({"column": "sex", "role": "field", "verdict": PROXY}, "visible", "suspicion", "declare it as an outcome"),
        (
            {"column": "optional block", "role": "field", "told": "recorded", "verdict": SHORTCUT},
            *("visible", "leak", "a model under data.missingness: visible can read it"),
        ),
        (
            {"column": "sex, age", "role": "field", "told": "recorded", "verdict": SHORTCUT},
            *("equalized", "note", "data.missingness: equalized keeps it from the model"),
        ),
        (
            {"column": "site", "role": "column", "told": "recorded", "verdict": SHORTCUT},
            *("visible", "note", "whether site is recorded tells the class"),
        ),
    ],
)
def test_a_column_is_a_leak_where_a_model_reads_it(
    row: dict[str, object], missingness: str, level: str, told: str
) -> None:
    (found,) = column_findings(proxies(**row), inputs={"age"}, missingness=missingness)
    assert found.level == level
    assert told in found.text
    assert "AUROC 0.890 [0.870, 0.910] for malignant" in found.text


def test_flags_of_fields_are_one_finding_the_strongest_first() -> None:
    told = {"role": "field", "told": "recorded", "verdict": SHORTCUT}
    weaker = proxies(column="sex, drink", auroc=0.7, **told)
    both = pd.concat([weaker, proxies(column="optional block", **told)])
    (found,) = column_findings(both, inputs={"sex", "drink"}, missingness="visible")
    assert found.text.startswith("whether optional block is recorded tells the class alone: AUROC 0.890")
    assert "so does sex, drink" in found.text


def test_columns_without_verdict_are_not_told() -> None:
    assert list(column_findings(proxies(verdict=""), inputs=set(), missingness="visible")) == []


def test_markers_counts_and_remarks_are_told() -> None:
    marker = {"column": "marker_pen", "against": "MEL", "auroc": 0.7, "low": 0.65, "high": 0.75, "verdict": SUSPICION}
    (found,) = marker_findings(pd.DataFrame([marker, {**marker, "against": "NEV", "verdict": ""}]))
    assert found.text == "marker_pen in the photo goes with the class: AUROC 0.700 [0.650, 0.750] for MEL"
    classes = pd.DataFrame([("MEL", 3, "few"), ("NEV", 300, "")], columns=["class", "n", "note"])
    subgroups = pd.DataFrame(
        [("sex", "male", "", 5, "few"), ("sex", "male", "MEL", 1, "few")],
        columns=["column", "value", "class", "n", "note"],
    )
    told = [finding.text for finding in count_findings(classes, subgroups)]
    assert told[0].startswith("classes MEL (3): too few to say")
    assert told[1].startswith("sex male (5): too few to say")
    found_while_reading = list(source_findings(["3 rows merged"], {"x.jpg": "x.jpg is empty"}))
    assert [(finding.level, finding.text) for finding in found_while_reading] == [
        ("suspicion", "1 photos cannot be read: x.jpg is empty"),
        ("note", "3 rows merged"),
    ]


# --- single values and names ---


def values(**row: object) -> pd.DataFrame:
    known = {"column": "method", "role": "field", "value": "follow_up", "class": "nv", "n": 3704, "patients": 2000}
    return pd.DataFrame([{**known, "expected": 1300.4, "chance": 0.0, "verdict": ONE_CLASS, **row}])


def value_levels(found: pd.DataFrame, *, inputs: tuple[str, ...], named: tuple[str, ...] = ()) -> list[tuple[str, str]]:
    return [(f.level, f.text) for f in value_findings(found, inputs=inputs, named_already=named)]


def test_a_value_of_one_class_is_a_leak_in_an_input_and_a_suspicion_elsewhere() -> None:
    text = "method: the 3,704 cases with 'follow_up' are all nv; "
    assert value_levels(values(), inputs=("method",)) == [("leak", text + "and is an input")]
    other = "declare it as an outcome if it is known only afterwards"
    assert value_levels(values(role="column"), inputs=()) == [("suspicion", text + other)]
    assert value_levels(values(role="outcome"), inputs=()) == [("note", text + "a declared outcome, never an input")]


def test_a_class_that_is_never_there_is_a_suspicion_even_in_an_input() -> None:
    found = values(verdict=NEVER, **{"class": "mel"})
    text = "method: none of the 3,704 cases with 'follow_up' is mel, where 1300 patients are expected; and is an input"
    assert value_levels(found, inputs=("method",)) == [("suspicion", text)]


def test_one_value_a_class_is_a_leak_in_an_input() -> None:
    found = values(verdict=CONSTANT, value="", n=16, **{"class": ""})
    assert value_levels(found, inputs=("method",)) == [
        ("leak", "method: every class has one value alone (16 cases); and is an input")
    ]


def test_a_column_that_is_named_as_a_whole_is_named_once() -> None:
    assert value_levels(values(), inputs=("method",), named=("method",)) == []


def test_values_of_one_column_stand_in_one_sentence_the_surest_first() -> None:
    both = pd.concat([values(verdict=NEVER, value="consensus", chance=1e-4, **{"class": "mel"}), values()])
    ((level, text),) = value_levels(both, inputs=("method",))
    assert level == "leak"
    assert text.index("follow_up") < text.index("consensus")


@pytest.mark.parametrize(
    "name", ["dx_type", "Dx Type", "diagnosis_confirm_type", "image_manipulation", "biopsed", "MONET_hair"]
)
def test_a_field_with_the_name_of_a_known_outcome_is_a_leak(name: str) -> None:
    (finding,) = outcome_name_findings(outcomes_by_name([name, "itch", "age"], of="mine"), inputs=[name])
    assert (finding.level, finding.kind) == ("leak", "names")
    assert finding.text.startswith(f"{name} is no input in ")
    (column,) = outcome_name_findings(outcomes_by_name([name], of="mine"), inputs=[])
    assert column.level == "suspicion"


def test_a_data_set_has_its_own_say_over_its_names() -> None:
    assert outcomes_by_name(["dx_type"], of="ham10000") == {}

"""A study of leaks: what each protocol is given, and what is made of its answers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from benchmark.small_benchmark import ARMS, raw_benchmark

from mmskin.benchmark.leaks import LEAKS
from mmskin.benchmark.leaks.leak_contract import Protocol
from mmskin.benchmark.leaks.page import sentence
from mmskin.benchmark.leaks.study import Answers, leaking, protocols, run_leak_study, with_folds, worths
from mmskin.benchmark.leaks.study_config import LeakStudy
from mmskin.benchmark.run.this_process import ThisProcess
from mmskin.config.validation import validated
from mmskin.data.load import folds_of, load_cases, prepare_fold
from mmskin.data.splits import split_by_fold
from mmskin.errors import ConfigError

TWO_ARMS = {name: ARMS[name] for name in ("late", "image_only")}


def study(root: Path, features: Path, *leaks: str, **changed: Any) -> LeakStudy:
    raw = raw_benchmark(root, features, data={"missingness": "equalized", "test_folds": "all"}, arms=TWO_ARMS)
    for key in ("missing_parts", "audit", "explanations"):
        raw.pop(key)
    return validated(LeakStudy, {**raw, "leaks": list(leaks or LEAKS), "seeds": [0], **changed}, where="study")


def honest(root: Path, tmp_path: Path) -> Protocol:
    made = study(root, tmp_path)
    return Protocol(made.benchmark(), load_cases(made.data))


def test_protocols_begin_with_all_leaks_lose_one_at_a_time_and_then_have_each_alone() -> None:
    assert protocols(["a", "b", "c"]) == [("a", "b", "c"), ("b", "c"), ("c",), (), ("a",), ("b",)]
    assert protocols(["a"]) == [("a",), ()]


def test_the_honest_protocol_is_the_benchmark_itself(pad_folder: Path, tmp_path: Path) -> None:
    before = honest(pad_folder, tmp_path)
    after = leaking(before, [])
    assert after.benchmark == before.benchmark
    assert after.cases.table.equals(before.cases.table)


def test_split_by_photo_lets_patients_cross(pad_folder: Path, tmp_path: Path) -> None:
    before = honest(pad_folder, tmp_path)
    table = before.cases.table
    table = table.assign(patient_id=[f"p{row // 3}" for row in range(len(table))])
    before = before._replace(cases=before.cases._replace(table=table))

    def crossing(protocol: Protocol) -> int:
        split = split_by_fold(
            protocol.cases.table, folds_of(protocol.benchmark.data, protocol.cases), test_fold=0, classes=()
        )
        patients = before.cases.table.set_index("case_id").patient_id
        there = [set(patients[part.case_id]) for part in split]
        return len(there[0] & there[2])

    assert crossing(before) == 0
    assert crossing(leaking(before, ["split_by_photo"])) > 0


def test_outcomes_become_fields(pad_folder: Path, tmp_path: Path) -> None:
    before = honest(pad_folder, tmp_path)
    assert "biopsed" not in before.cases.schema.field_names
    after = leaking(before, ["outcomes_as_fields"])
    assert after.cases.schema.field("biopsed").kind == "yes_no"
    assert not after.cases.schema.outcomes
    as_read = before.cases.table.biopsed.map({"True": "yes", "False": "no"})
    assert after.cases.table.biopsed.tolist() == as_read.tolist()
    fold = prepare_fold(after.benchmark.data, after.cases, folds_of(after.benchmark.data, after.cases), 0)
    assert "biopsed" in fold.schema.field_names


def test_missing_values_become_visible(pad_folder: Path, tmp_path: Path) -> None:
    after = leaking(honest(pad_folder, tmp_path), ["missingness_visible"])
    assert after.benchmark.data.missingness == "visible"


def test_where_the_reported_fold_chooses_the_epoch_training_parts_are_those_of_the_honest_protocol(
    pad_folder: Path, tmp_path: Path
) -> None:
    before = honest(pad_folder, tmp_path)
    after = leaking(before, ["epoch_of_reported_fold"])
    assert not after.benchmark.test
    assert after.benchmark.training.keep == "best_balanced_accuracy"

    def trained_on(protocol: Protocol, *, reported: str) -> dict[frozenset[str], frozenset[str]]:
        there = with_folds(protocol, tmp_path / f"{reported}.csv")
        numbers = folds_of(there.benchmark.data, there.cases)
        found = {}
        for number in sorted(set(numbers)):
            split = split_by_fold(there.cases.table, numbers, test_fold=number, classes=())
            found[frozenset(getattr(split, reported).case_id)] = frozenset(split.train.case_id)
        return found

    assert trained_on(before, reported="test") == trained_on(after, reported="val")


def answers_of(right: dict[str, int], leaks: tuple[str, ...], n: int = 40) -> Answers:
    """Half of n cases of class a, half of b; of each arm, so many of each class are answered rightly."""
    rows = []
    for arm, hits in right.items():
        for case in range(n):
            target, is_right = "ab"[case % 2], case // 2 < hits
            p = 0.9 if (target == "a") == is_right else 0.1
            rows.append((f"c{case}", f"p{case}", 0, 0, arm, "test", target, p, 1 - p))
    names = ["case_id", "patient_id", "fold", "seed", "arm", "split", "target", "prob_a", "prob_b"]
    return Answers(leaks, pd.DataFrame(rows, columns=names))


def test_worth_is_what_is_scored_with_a_leak_minus_what_is_scored_without_it() -> None:
    all_of = ("split_by_photo", "missingness_visible")
    answers = [
        answers_of({"late": 18}, all_of),
        answers_of({"late": 16}, all_of[1:]),
        answers_of({"late": 10}, ()),
        answers_of({"late": 12}, all_of[:1]),
    ]
    found = {(w.leak, w.beside): w for w in worths(all_of, answers, metric="balanced_accuracy", replicates=100)}
    by_hand = {
        ("split_by_photo", all_of[1:]): 0.1,
        ("missingness_visible", ()): 0.3,
        ("split_by_photo", ()): 0.1,
        ("all", ()): 0.4,
    }
    assert {key: w.difference.estimate for key, w in found.items()} == pytest.approx(by_hand)
    assert sentence(found["split_by_photo", all_of[1:]]).startswith(
        "Folds split by photo, not by patient beside missingness visible: worth +0.100 ["
    )


def test_every_case_is_reported_once_under_every_protocol(pad_folder: Path, tmp_path: Path) -> None:
    made = study(pad_folder, tmp_path / "features", "split_by_photo", "epoch_of_reported_fold")
    answers = run_leak_study(made, tmp_path / "out", executor=ThisProcess(), say=lambda line: None)
    cases = load_cases(made.data).table
    patients = cases.set_index("case_id").patient_id
    for of in answers:
        for _, rows in of.table.groupby("arm"):
            assert sorted(rows.case_id) == sorted(cases.case_id)
            assert rows.patient_id.tolist() == patients[rows.case_id].tolist()
    names = [
        json.loads((tmp_path / "out" / f"protocol_{k}" / "config.json").read_text())["name"]
        for k in range(len(answers))
    ]
    assert ["LEAKING" in name for name in names] == [True, True, False, True]
    assert not list((tmp_path / "out").rglob("*.safetensors"))


@pytest.mark.parametrize(
    ("changed", "fault"),
    [
        ({"leaks": ["split_by_foto"]}, "leak 'split_by_foto' .*Did you mean 'split_by_photo'"),
        ({"leaks": ["split_by_photo"] * 2}, "a leak is named twice"),
        ({"training": {"save_model": True}}, "training.save_model: a study of leaks keeps no model"),
        (
            {"arms": {**TWO_ARMS, "late": {**ARMS["late"], "training": {"save_model": True}}}},
            "arms.late.training.save_m",
        ),
        (
            {"arms": {**TWO_ARMS, "late": {**ARMS["late"], "training": {"keep": "last"}}}},
            "arms.late.training: which epoch is kept is said for the whole study",
        ),
        ({"arms": {**TWO_ARMS, "late": {**ARMS["late"], "missingness": "visible"}}}, "arms.late: in a study of leaks"),
        ({"arms": {"late": ARMS["late"]}, "primary": None}, "primary is missing"),
    ],
)
def test_what_is_no_study_is_refused(pad_folder: Path, tmp_path: Path, changed: dict[str, Any], fault: str) -> None:
    with pytest.raises(ConfigError, match=fault):
        study(pad_folder, tmp_path, **changed)


def test_folds_of_a_file_and_visible_missingness_are_refused(pad_folder: Path, tmp_path: Path) -> None:
    raw = study(pad_folder, tmp_path).model_dump(mode="json")
    for key, value, fault in (
        ("folds", "folds.csv", "must be a number"),
        ("missingness", "visible", "a leak of its own"),
    ):
        with pytest.raises(ConfigError, match=fault):
            validated(LeakStudy, {**raw, "data": {**raw["data"], key: value}}, where="study")

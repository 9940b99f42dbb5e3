"""Gaps between subgroups: by hand, against fairlearn, under no gap, with a planted one, and where too few are there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import pytest
from fairlearn.metrics import MetricFrame
from sklearn.metrics import balanced_accuracy_score, roc_auc_score

from mmskin.errors import ConfigError
from mmskin.evaluation import evaluate_subgroup_gaps
from mmskin.evaluation.predictions import class_names, probabilities
from mmskin.evaluation.subgroup_gaps import ALONE, COLUMNS, NO_CLASSES, NO_PART, permuted_labels
from mmskin.evaluation.subgroups import TOO_FEW

SMALL: dict[str, Any] = {"min_cases": 2, "min_class": 1, "replicates": 20, "permutations": 20}


def answers(
    cases: Sequence[tuple[str, str, str | None]], *, patients: Sequence[str] = (), group: str = "sex"
) -> pd.DataFrame:
    """Rows of (target, answer, value of the group), an answer being sure by .8; a case is a patient by default."""
    classes = sorted({target for target, _, _ in cases} | {answer for _, answer, _ in cases})
    table = pd.DataFrame(
        {
            "case_id": [f"c{k:04d}" for k in range(len(cases))],
            "patient_id": list(patients) or [f"p{k:04d}" for k in range(len(cases))],
            "fold": 0,
            "seed": 0,
            "arm": "image",
            "split": "test",
            "target": [target for target, _, _ in cases],
            f"group_{group}": pd.Series([value for _, _, value in cases], dtype=object),
        }
    )
    for name in classes:
        table[f"prob_{name}"] = [0.8 if answer == name else 0.2 / (len(classes) - 1) for _, answer, _ in cases]
    return table


def found(gaps: pd.DataFrame, metric: str = "balanced_accuracy", *, group: str = "sex") -> pd.DataFrame:
    rows = gaps[(gaps["metric"] == metric) & (gaps["group"] == group)]
    return rows.set_index("value")


# Right answers of f: A 3 of 4, B 2 of 2, (3/4 + 1) / 2 = .875; of m: A 1 of 2, B 1 of 4, .375; of x: A 2 of 2, B 1 of
# 2, .75.
BY_HAND = (
    *[("A", "A", "f")] * 3, ("A", "B", "f"), *[("B", "B", "f")] * 2,
    ("A", "A", "m"), ("A", "B", "m"), ("B", "B", "m"), *[("B", "A", "m")] * 3,
    *[("A", "A", "x")] * 2, ("B", "B", "x"), ("B", "A", "x"),
)  # fmt: skip


def test_gaps_by_hand() -> None:
    gaps = evaluate_subgroup_gaps(answers(BY_HAND), class_groups={"bad": ["B"]}, **SMALL)
    assert list(gaps.columns) == list(COLUMNS)
    scores = found(gaps)
    assert scores["estimate"].to_dict() == pytest.approx({"f": 0.875, "m": 0.375, "x": 0.75})
    assert scores["rank"].to_dict() == {"f": "best", "m": "worst", "x": ""}
    assert scores["gap_to_best"].to_dict() == pytest.approx({"f": 0, "m": -0.5, "x": -0.125})
    # The rest of the men: A right in 5 of 6, B in 3 of 4; of the women: A 3 of 4, B 2 of 6.
    assert scores["gap_to_rest"]["m"] == pytest.approx(0.375 - (5 / 6 + 3 / 4) / 2)
    assert scores["gap_to_rest"]["f"] == pytest.approx(0.875 - (3 / 4 + 1 / 3) / 2)
    bad = found(gaps, "group_sensitivity")
    assert bad["estimate"].to_dict() == pytest.approx({"f": 1, "m": 1 / 4, "x": 1 / 2})
    assert bad["gap_to_rest"]["m"] == pytest.approx(1 / 4 - 3 / 4)
    assert (bad["n"].to_dict(), bad["patients"].to_dict()) == ({"f": 6, "m": 6, "x": 4},) * 2


def test_the_expected_score_follows_the_mix_of_classes() -> None:
    # Of malignant cases the rare B is always missed and the frequent C never: whoever has more B has a lower score.
    classes = {"f": "B" * 10 + "C" * 30 + "A" * 20, "m": "B" * 30 + "C" * 10 + "A" * 20}
    cases = [(target, "A" if target == "B" else target, value) for value in classes for target in classes[value]]
    gaps = evaluate_subgroup_gaps(answers(cases), class_groups={"malignant": ["B", "C"]}, replicates=20)
    rows = found(gaps, "group_sensitivity")
    assert rows["estimate"].to_dict() == pytest.approx({"f": 0.75, "m": 0.25})
    assert rows["expected"].to_dict() == pytest.approx({"f": 0.75, "m": 0.25})
    assert rows["p"].unique().tolist() == [1.0]


def test_scores_and_gaps_are_those_of_fairlearn(make_predictions) -> None:
    rows = make_predictions(n=400, folds=1).dropna(subset=["group_sex"])
    target, probs = rows["target"].to_numpy(dtype=str), probabilities(rows)
    answer = np.array(class_names(rows))[probs.argmax(axis=1)]
    bad = ["BCC", "MEL"]

    # A MetricFrame takes one answer a case. The AUROC needs all probabilities, so the metrics are given places of rows.
    def sensitivity(truth: Any, places: Any) -> float:
        return float(np.isin(answer[places], bad)[np.isin(truth, bad)].mean())

    frame = MetricFrame(
        metrics={
            "balanced_accuracy": lambda truth, places: balanced_accuracy_score(truth, answer[places]),
            "macro_auroc": lambda truth, places: roc_auc_score(truth, probs[places], multi_class="ovr"),
            "group_sensitivity": sensitivity,
        },
        y_true=target,
        y_pred=np.arange(len(rows)),
        sensitive_features=rows["group_sex"].to_numpy(dtype=str),
    )
    gaps = evaluate_subgroup_gaps(rows, class_groups={"malignant": bad}, replicates=5, permutations=5)
    for metric in ("balanced_accuracy", "macro_auroc", "group_sensitivity"):
        ours = found(gaps, metric)
        assert ours["estimate"].to_dict() == pytest.approx(frame.by_group[metric].to_dict())
        worst, best = (ours[ours["rank"] == rank].iloc[0] for rank in ("worst", "best"))
        assert worst["estimate"] == pytest.approx(frame.group_min()[metric])
        assert best["estimate"] == pytest.approx(frame.group_max()[metric])
        assert worst["gap_to_best"] == pytest.approx(-frame.difference()[metric])


MIXES = {"u": [0.6, 0.2, 0.2], "v": [0.3, 0.4, 0.3], "w": [0.2, 0.2, 0.6]}


def simulated(rng: np.random.Generator, *, worse_for: str = "", n: int = 150) -> pd.DataFrame:
    """Patients of one to three cases of one class; the mix of classes, but not the errors, depends on the group.

    All cases of a patient share their luck. worse_for: a value with half of the right answers taken away.
    """
    cases, patients = [], []
    for patient in range(n):
        value = str(rng.choice(["u", "v", "w"]))
        target = str(rng.choice(["A", "B", "C"], p=MIXES[value]))
        right = rng.random() < {"A": 0.9, "B": 0.7, "C": 0.4}[target]
        right &= value != worse_for or rng.random() < 0.5
        wrong = str(rng.choice([name for name in "ABC" if name != target]))
        for _ in range(rng.integers(1, 4)):
            cases.append((target, target if right else wrong, value))
            patients.append(f"p{patient:03d}")
    return answers(cases, patients=patients, group="tone")


def test_alike_subgroups_give_a_false_alarm_in_one_of_twenty_tables() -> None:
    alarms = []
    for seed in range(200):
        table = simulated(np.random.default_rng([seed, 1]), n=80)  # not the stream of the exchanges
        gaps = evaluate_subgroup_gaps(table, replicates=1, permutations=59, seed=seed, min_cases=10, min_class=2)
        p = found(gaps, group="tone")["p"]
        assert p.notna().all()
        alarms.append(p.iloc[0] <= 0.05)
    # 200 tables, p = 3/60 each: 10 on average, standard deviation 3.1; nearly three of them off is a fault.
    assert 2 <= sum(alarms) <= 18


def test_a_planted_gap_is_found_and_its_value_named() -> None:
    table = simulated(np.random.default_rng(3), worse_for="v", n=300)
    rows = found(evaluate_subgroup_gaps(table, replicates=200, permutations=200), group="tone")
    assert rows["rank"]["v"] == "worst"
    assert rows["p"].max() <= 0.01
    assert rows["gap_to_rest_high"]["v"] < 0 < rows["gap_to_rest"]["u"]


def test_values_are_compared_in_the_same_resamples(make_predictions) -> None:
    # Of two values each is the rest of the other, so their gaps mirror one another, intervals too.
    rows = found(evaluate_subgroup_gaps(make_predictions(n=300, seeds=2), replicates=50, permutations=5))
    women, men = rows.loc["female"], rows.loc["male"]
    assert women["gap_to_rest"] == pytest.approx(-men["gap_to_rest"])
    assert women["gap_to_rest_low"] == pytest.approx(-men["gap_to_rest_high"])
    worst = women if women["rank"] == "worst" else men
    assert worst["gap_to_best_low"] == pytest.approx(worst["gap_to_rest_low"])


def test_labels_move_between_patients_of_the_same_classes_and_all_of_a_patient_together() -> None:
    targets = {"p1": "AB", "p2": "BA", "p3": "AB", "p4": "A", "p5": "A", "p6": "BB"}
    values = {"p1": (0, 1), "p2": (3, 2), "p3": (4, 5), "p4": (6,), "p5": (7,), "p6": (8, 9)}
    cases = pd.DataFrame(
        [(p, target, k) for p, of in targets.items() for target, k in zip(of, values[p], strict=True)],
        columns=["patient_id", "target", "label"],
    )
    cases["case_id"] = [f"c{k}" for k in range(len(cases))]
    labels = cases["label"].to_numpy(dtype=np.int64)
    drawn = permuted_labels(cases, labels, permutations=50)
    assert (drawn[0] == labels).all()
    # (label of A, label of B) of the three patients with one of each; p2 has B first.
    pairs = {tuple(row[[a, b]]) for row in drawn for a, b in ((0, 1), (3, 2), (4, 5))}
    assert pairs == {(0, 1), (2, 3), (4, 5)}
    assert {tuple(row[[3, 2]]) for row in drawn} == pairs
    assert {tuple(row[6:8]) for row in drawn} == {(6, 7), (7, 6)}
    assert (drawn[:, 8:] == [8, 9]).all(), "nobody else has two B"
    mixed = cases.sample(frac=1, random_state=0)
    again = permuted_labels(mixed, mixed["label"].to_numpy(dtype=np.int64), permutations=50)
    assert (again == drawn[:, mixed.index]).all(), "the order of rows does not matter"


def test_values_that_are_too_few_take_no_part_and_are_listed() -> None:
    large = [(t, t, value) for value in ("f", "m") for t in "A" * 15 + "B" * 15]
    few = [("A", "B", "x")] * 14 + [("B", "A", "x")] * 15
    rows = found(evaluate_subgroup_gaps(answers(large + few), replicates=5, permutations=5))
    assert (rows["note"]["x"], rows["n"]["x"]) == (TOO_FEW, 29)
    numbers = ["estimate", "expected", "gap_to_best", "gap_to_rest", "p", "p_holm"]
    assert rows.loc["x", numbers].isna().all()
    assert rows["rank"]["x"] == ""
    assert rows["gap_to_rest"]["f"] == 0, "all wrong answers are of the value that takes no part"
    assert rows["note"][["f", "m"]].tolist() == ["", ""]


def test_a_class_group_may_be_too_few_where_the_classes_are_enough() -> None:
    cases = [(t, t, v) for v in ("f", "m", "x") for t in "A" * 20 + "B" * 10 + "C" * (4 if v == "x" else 5)]
    gaps = evaluate_subgroup_gaps(answers(cases), class_groups={"C": ["C"]}, replicates=5, permutations=5)
    assert found(gaps, "group_sensitivity")["note"].to_dict() == {"f": "", "m": "", "x": TOO_FEW}
    assert set(found(gaps)["note"]) == {"without C"}


@pytest.mark.parametrize(
    ("targets", "notes"),
    [
        ({"f": "A" * 20 + "B" * 20}, {"f": ALONE}),
        ({"f": "A" * 20 + "B" * 20, "m": "AB"}, {"f": ALONE, "m": TOO_FEW}),
        ({"f": "A" * 20 + "B" * 20, None: "A" * 20 + "B" * 20}, {"f": ALONE, "not recorded": NO_PART}),
        ({None: "A" * 20 + "B" * 20}, {"not recorded": NO_PART}),
        ({"f": "A" * 20 + "B" * 20, "m": "B" * 20 + "C" * 20}, {"f": NO_CLASSES, "m": NO_CLASSES}),
    ],
)
def test_what_cannot_be_compared_says_why(targets: dict[str | None, str], notes: dict[str, str]) -> None:
    table = answers([(t, t, value) for value, of in targets.items() for t in of])
    rows = found(evaluate_subgroup_gaps(table, replicates=5, permutations=5))
    assert rows["note"].to_dict() == notes
    assert rows[["estimate", "gap_to_rest", "p", "p_holm"]].isna().all(axis=None)


def test_p_is_corrected_for_the_columns_of_the_same_metric_alone(make_predictions) -> None:
    rows = make_predictions(n=300).assign(group_empty=None)
    gaps = evaluate_subgroup_gaps(rows, replicates=5, permutations=50)
    for metric in ("balanced_accuracy", "macro_auroc"):
        of_metric = gaps[(gaps["metric"] == metric) & (gaps["rank"] == "worst")]
        low, high = sorted(of_metric["p"])
        assert sorted(of_metric["p_holm"]) == pytest.approx([min(2 * low, 1), min(max(2 * low, high), 1)])


def test_without_groups_the_table_is_empty(make_predictions) -> None:
    rows = make_predictions().drop(columns=["group_sex", "group_fully_recorded"])
    assert list(evaluate_subgroup_gaps(rows, replicates=2).columns) == list(COLUMNS)


def test_permutations_are_asked_for(make_predictions) -> None:
    with pytest.raises(ConfigError, match="permutations must be 1 or more, however: permutations=0"):
        evaluate_subgroup_gaps(make_predictions(), permutations=0)

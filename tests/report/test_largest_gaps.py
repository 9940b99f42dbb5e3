from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mmskin.evaluation.results import Results, Runs, evaluate_runs
from mmskin.evaluation.subgroup_gaps import COLUMNS
from mmskin.report.largest_gaps import gap_lines, largest_gaps_grid
from mmskin.report.results_report import write_report


def line(group: str, value: str, **changes: Any) -> dict[str, Any]:
    numbers = {
        "estimate": 0.5,
        "low": 0.4,
        "high": 0.6,
        "expected": 0.62,
        "exchanged": 0.9,
        "p": 0.002,
        "p_holm": 0.004,
    }
    gap = {"gap_to_rest": -0.14, "gap_to_rest_low": -0.25, "gap_to_rest_high": -0.05}
    names = {"arm": "late", "group": group, "metric": "balanced_accuracy", "class": "", "value": value, "n": 1210}
    return names | {"rank": "", "note": ""} | numbers | gap | changes


def results_of(*lines: dict[str, Any]) -> Results:
    nothing = pd.DataFrame()
    gaps = pd.DataFrame(lines, columns=list(COLUMNS))
    return Results(nothing, 0, nothing, None, None, nothing, "late", None, "", {}, [], subgroup_gaps=gaps)


UNSAID: dict[str, Any] = {"p": np.nan, "p_holm": np.nan, "exchanged": np.nan}


def test_the_worst_value_is_named_with_its_gap_and_p() -> None:
    sex = (line("sex", "male", rank="worst"), line("sex", "female", rank="best"))
    tone = line("skin_tone", "5-6", rank="worst", metric="group_sensitivity", p_holm=0.03, **{"class": "malignant"})
    results = results_of(*sex, tone)
    assert gap_lines(results) == [
        "Sex: balanced accuracy is worst for male (1,210 cases), 0.500 [0.400, 0.600], "
        "\u22120.140 [\u22120.250, \u22120.050] to the rest; the values differ by more than "
        "chance (p = 0.004 after Holm's correction). So do those of skin tone "
        "(sensitivity, malignant)."
    ]
    grid = largest_gaps_grid(results)
    assert grid is not None
    assert grid.title == "Largest gaps"
    assert list(grid.rows[0]) == [
        *("Sex", "Balanced accuracy", "male", "1,210", "0.500 [0.400, 0.600]", "0.620"),
        *("\u22120.140 [\u22120.250, \u22120.050]", "0.002", "0.004", "all"),
    ]
    assert [row[:3] for row in grid.rows[1:]] == [["Skin tone", "Sensitivity, malignant", "5-6"]]


def test_no_gap_is_claimed_where_chance_explains_it() -> None:
    results = results_of(line("sex", "male", rank="worst", p=0.04, p_holm=0.08), line("sex", "female", rank="best"))
    assert gap_lines(results) == [
        "No gap between subgroups can be told from chance (the smallest p after Holm's correction is 0.080)."
    ]


def test_values_too_few_to_say_are_listed_once_and_columns_not_compared_are_named() -> None:
    few = {"note": "too few to say", "n": 12, **UNSAID}
    of_group = {"metric": "group_sensitivity", "class": "malignant"}
    results = results_of(
        line("sex", "male", rank="worst", p_holm=0.9, exchanged=0.3),
        line("sex", "other", **few),
        line("sex", "other", **few, **of_group),
        line("sex", "female", **few, **of_group),
        line("skin_tone", "1-2", note="no other value to compare with", **UNSAID),
        line("skin_tone", "5-6", **few),
        line("skin_tone", "1-2", note="no other value to compare with", **UNSAID, **of_group),
        line("site", "face", note="no two classes with enough cases in every value", **UNSAID),
    )
    assert gap_lines(results)[1:] == [
        "Too few to say (n): sex: other (12); sex (sensitivity, malignant): female (12); skin tone: 5-6 (12).",
        "Not compared: sex (sensitivity, malignant), which has fewer than two values with enough cases.",
        "Not compared: skin tone, which has fewer than two values with enough cases.",
        "Not compared: site, which has no two classes with enough cases in every value.",
        "The test of sex is weak: only 30% of the cases have another patient with the same classes and another value.",
    ]


def test_nothing_comparable_is_said_and_nothing_is_said_without_subgroups() -> None:
    alone = results_of(line("sex", "male", note="no other value to compare with", **UNSAID))
    assert gap_lines(alone)[0] == (
        "No column has two subgroups with enough cases to be compared: nothing is said about gaps."
    )
    assert largest_gaps_grid(alone) is None
    assert gap_lines(results_of()) == []
    assert gap_lines(results_of()._replace(subgroup_gaps=None)) == []


def test_the_report_shows_and_saves_the_gaps_of_its_arm(make_predictions, tmp_path: Path) -> None:
    table = pd.concat([make_predictions(arm="late", n=300), make_predictions(arm="image", n=300, rng_seed=1)])
    results = evaluate_runs(Runs(table, [], {"malignant": ("BCC", "MEL")}), replicates=20)
    page = write_report(results, tmp_path, title="t").read_text(encoding="utf-8")
    part = page[page.index(">Subgroups: late</h2>") : page.index(">How it was made</h2>")]
    assert part.index("after Holm&#39;s correction") < part.index("<h3>Largest gaps</h3>") < part.index("<h3>Sex</h3>")
    grid = largest_gaps_grid(results)
    assert grid is not None
    assert all(f"<td>{cell}</td>" in part for row in grid.rows for cell in row[1:])
    saved = json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))["subgroup_gaps"]
    assert {row["arm"] for row in saved} == {"late"}
    assert results.subgroup_gaps is not None
    assert [row["estimate"] for row in saved][:2] == results.subgroup_gaps["estimate"].tolist()[:2]
    assert saved[0].keys() == set(COLUMNS)
    assert next(row["estimate"] for row in saved if row["value"] == "not recorded") is None

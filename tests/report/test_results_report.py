from __future__ import annotations

import json
import re
from pathlib import Path

import pandas as pd
import pytest
from matplotlib.figure import Figure

from mmskin.errors import ConfigError, DataError
from mmskin.evaluation import compare_arms, evaluate, evaluate_subgroups
from mmskin.report.numbers import number, p_cell
from mmskin.report.results_report import write_report

GROUPS = {"malignant": ["BCC", "MEL"]}


@pytest.fixture
def table(make_predictions) -> pd.DataFrame:
    return pd.concat([make_predictions(arm="late", skill=3.0), make_predictions(arm="image", rng_seed=1)])


def test_the_report_holds_the_numbers_and_needs_nothing_else(table, tmp_path: Path):
    metrics = evaluate(table, replicates=50, class_groups=GROUPS)
    differences = compare_arms(table, reference="image", replicates=50)
    subgroups = evaluate_subgroups(table, replicates=20, class_groups=GROUPS)
    write_report(
        table,
        metrics,
        path=tmp_path / "run" / "report.html",
        title="Does the history help?",
        config={"seed": 7, "dataset": "pad_ufes_20"},
        differences=differences,
        subgroups=subgroups,
        command="mmskin benchmark x.yaml",
        figures={"A figure of ours": Figure()},
    )
    page = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    row = metrics[(metrics["arm"] == "late") & (metrics["metric"] == "balanced_accuracy")].iloc[0]
    interval = f"[{number(row['low'], digits=2)}, {number(row['high'], digits=2)}]"
    estimate = number(row["estimate"], digits=2)
    patients = table["patient_id"].nunique()
    assert f"late: balanced accuracy {estimate} {interval} on 120 test cases of {patients} patients." in page
    assert "It is better than image" in page
    for words in (
        "not a diagnosis",
        "mmskin benchmark x.yaml",
        "&#34;seed&#34;: 7",
        "too few to say",
        "A figure of ours",
    ):
        assert words in page
    for metric, of in (("macro_auroc", ""), ("group_specificity", "malignant"), ("sensitivity", "MEL")):
        found = metrics[(metrics["metric"] == metric) & (metrics["class"] == of) & (metrics["arm"] == "late")].iloc[0]
        assert f"{number(found['estimate'])} [{number(found['low'])}, {number(found['high'])}]" in page
    assert page.count("<svg") == 6
    # Nothing is fetched: links lead inside the page only. (The addresses of XML namespaces are names.)
    assert not re.search(r'(src|href)="(?!#)|url\((?!#)|@import', page)
    assert "<script" not in page


def test_the_numbers_stand_beside_it_as_strict_json(table, tmp_path: Path):
    table = table[table["target"] != "MEL"]
    metrics = evaluate(table, replicates=20)
    write_report(table, metrics, path=tmp_path / "report.html", title="t", config={"where": Path("x")})

    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    saved = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"), parse_constant=refuse)
    assert len(saved["metrics"]) == len(metrics)
    undefined = [row for row in saved["metrics"] if row["metric"] == "sensitivity" and row["class"] == "MEL"]
    assert undefined[0]["estimate"] is None
    assert saved["arm"] == "late"
    assert saved["environment"]["numpy"]


def test_what_people_wrote_is_escaped(table, tmp_path: Path):
    evil = "<script>alert(1)</script>"
    table = table.rename(columns={"prob_MEL": f"prob_{evil}"}).replace({"MEL": evil, "late": evil, "female": evil})
    write_report(
        table,
        evaluate(table, replicates=10),
        path=tmp_path / "report.html",
        title=evil,
        config={"note": evil},
        subgroups=evaluate_subgroups(table, replicates=10),
        command=evil,
        notes=[evil],
    )
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "<script" not in page
    assert page.count("&lt;script&gt;alert(1)") >= 6


def test_the_headline_arm_is_named_and_not_the_best(table, tmp_path: Path):
    metrics = evaluate(table, replicates=10)
    write_report(table, metrics, path=tmp_path / "r.html", title="t", config={}, arm="image")
    assert "image: balanced accuracy" in (tmp_path / "r.html").read_text(encoding="utf-8")
    with pytest.raises(ConfigError, match=r"report arm 'imag' does not exist. Did you mean 'image'"):
        write_report(table, metrics, path=tmp_path / "r.html", title="t", config={}, arm="imag")


def test_arms_that_cannot_be_told_apart_are_called_that(make_predictions, tmp_path: Path):
    twins = pd.concat([make_predictions(arm="a"), make_predictions(arm="b")])
    differences = compare_arms(twins, reference="b", replicates=20)
    metrics = evaluate(twins, replicates=10)
    write_report(twins, metrics, path=tmp_path / "r.html", title="t", config={}, differences=differences)
    assert "It cannot be told apart from b: the difference is .000 [.000, .000], p = 1.000." in (
        tmp_path / "r.html"
    ).read_text(encoding="utf-8")


def test_metrics_of_another_table_are_refused(table, tmp_path: Path):
    metrics = evaluate(table[table["arm"] == "late"], replicates=10)
    with pytest.raises(DataError, match="metrics hold no row of arm 'image'"):
        write_report(table, metrics, path=tmp_path / "r.html", title="t", config={})


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.6231, ".623"),
        (1.5, "1.500"),
        (-0.04, "\u2212.040"),
        (-0.0001, ".000"),
        (1.0, "1.000"),
        (float("nan"), "\u2013"),
    ],
)
def test_numbers_are_printed_as_the_field_does(value, text):
    assert number(value) == text


def test_a_plus_is_shown_where_asked_and_p_is_never_zero():
    assert number(0.04, sign=True) == "+.040"
    assert number(0.0, sign=True) == ".000"
    assert p_cell(0.0) == "< .001"
    assert p_cell(0.03) == ".030"

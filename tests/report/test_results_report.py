from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from matplotlib.figure import Figure

from mmskin.errors import ConfigError
from mmskin.evaluation.results import Results, Runs, evaluate_runs
from mmskin.report.numbers import number, with_interval
from mmskin.report.pages import Section, Sections
from mmskin.report.pictures import Picture
from mmskin.report.results_report import write_report


def results_of(table: pd.DataFrame, config: dict[str, Any] | None = None, **question: Any) -> Results:
    runs = Runs(table, [config or {}], {"malignant": ("BCC", "MEL")} if "prob_MEL" in table else {})
    return evaluate_runs(runs, replicates=50, **question)


@pytest.fixture
def table(make_predictions) -> pd.DataFrame:
    return pd.concat([make_predictions(arm="late", skill=3.0), make_predictions(arm="image", rng_seed=1)])


def test_the_report_holds_the_numbers_and_needs_nothing_else(table, tmp_path: Path):
    results = results_of(table, {"seed": 7, "dataset": "pad_ufes_20"}, reference="image", primary="late")
    metrics, title = results.metrics, "Does the history help?"
    ours = Sections(amid=[Section("Ours", pictures=[Picture("A figure of ours", Figure())], saved={"ours": 1})])
    write_report(results, tmp_path / "run", title=title, sections=ours, command="mmskin benchmark x.yaml")
    page = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    row = metrics[(metrics["arm"] == "late") & (metrics["metric"] == "balanced_accuracy")].iloc[0]
    patients = table["patient_id"].nunique()
    assert f"Balanced accuracy on 120 test cases of {patients} patients: late {with_interval(row)}, image " in page
    assert "late adds +" in page
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
    assert len(list((tmp_path / "run" / "figures").iterdir())) == 2 * 6
    assert json.loads((tmp_path / "run" / "results.json").read_text())["ours"] == 1
    # Nothing is fetched: links lead inside the page only. (The addresses of XML namespaces are names.)
    assert not re.search(r'(src|href)="(?!#)|url\((?!#)|@import', page)
    assert page.count("<script>") == page.count("<script") == 1  # that which sorts tables


def test_every_section_has_a_heading_that_the_contents_lead_to(table, tmp_path: Path):
    write_report(results_of(table, reference="image", primary="late"), tmp_path, title="t", notes=["Mind this."])
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    linked = re.findall(r'<li><a href="#(.*?)">(.*?)</a></li>', page)
    assert linked == re.findall(r'<h2 id="(.*?)">(.*?)</h2>', page)[1:]
    assert [name for name, _ in linked][:4] == ["notes", "classes", "results", "figures"]
    assert page.count('href="#contents"') == len(linked)


def test_short_names_of_classes_are_explained_with_the_groups_that_hold_them(table, tmp_path: Path):
    titles = {"ACK": "Actinic keratosis", "MEL": "Melanoma", "NEV": "NEV"}
    runs = Runs(table, [{}], {"malignant": ("BCC", "MEL")}, titles)
    write_report(evaluate_runs(runs, replicates=50), tmp_path, title="t")
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    legend = page[page.index('id="classes"') : page.index('id="results"')]
    assert re.findall(r"<td>(.*?)</td>", legend) == [
        *("Actinic keratosis", "", "BCC", "malignant"),
        *("Melanoma", "malignant", "NEV", ""),
    ]
    assert "ACK: Actinic keratosis; MEL: Melanoma." in page
    assert "whichever it is. Malignant: BCC; MEL: Melanoma." in page


def test_the_numbers_stand_beside_it_as_strict_json(table, tmp_path: Path):
    table = table[table["target"] != "MEL"]
    results = results_of(table, {"where": Path("x")})
    write_report(results, tmp_path, title="t")

    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    saved = json.loads((tmp_path / "results.json").read_text(encoding="utf-8"), parse_constant=refuse)
    assert len(saved["metrics"]) == len(results.metrics)
    undefined = [row for row in saved["metrics"] if row["metric"] == "sensitivity" and row["class"] == "MEL"]
    assert undefined[0]["estimate"] is None
    assert saved["arm"] == "late"
    assert saved["environment"]["numpy"]


def test_what_people_wrote_is_escaped(table, tmp_path: Path):
    evil = "<script>alert(1)</script>"
    table = table.rename(columns={"prob_MEL": f"prob_{evil}"}).replace({"MEL": evil, "late": evil, "female": evil})
    write_report(results_of(table, {"note": evil}), tmp_path, title=evil, command=evil, notes=[evil])
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert page.count("<script") == 1
    assert evil not in page
    assert page.count("&lt;script&gt;alert(1)") >= 6


def test_the_headline_arm_is_named_and_not_the_best(table, tmp_path: Path):
    page = write_report(results_of(table, primary="image"), tmp_path, title="t").read_text(encoding="utf-8")
    assert "image: balanced accuracy" in page
    with pytest.raises(ConfigError, match=r"primary arm 'imag' does not exist. Did you mean 'image'"):
        results_of(table, primary="imag")


def test_arms_that_cannot_be_told_apart_are_called_that(make_predictions, tmp_path: Path):
    twins = pd.concat([make_predictions(arm="a"), make_predictions(arm="b")])
    page = write_report(results_of(twins, reference="b"), tmp_path, title="t").read_text(encoding="utf-8")
    assert "No difference between a and b can be told: 0.000 [0.000, 0.000] balanced accuracy (p = 1.000).</p>" in page
    assert "A true difference of 0.000 would have shown four times in five." in page

"""`evaluate --data`, `evaluate answers.csv` and `drift` as they are typed."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
from cli.conftest import Type, is_one_plain_line
from external.conftest import elsewhere, home, rows

__all__ = ["elsewhere", "home"]


def test_a_run_is_evaluated_on_another_table(mmskin_: Type, home: Path, elsewhere: Path, tmp_path: Path) -> None:
    line = f"evaluate {home / 'run'} --data {elsewhere} --output {tmp_path / 'out'} --replicates 100"
    code, out, err = mmskin_(line)
    assert code == 0, err
    assert out.startswith("arm")
    assert "all (150)" in out
    page = (tmp_path / "out" / "report.html").read_text()
    for title in ("At home and elsewhere", "Shares of the classes: run", "Thresholds chosen before"):
        assert f">{title}</h2>" in page
    assert "--copies" in page
    numbers = json.loads((tmp_path / "out" / "results.json").read_text())
    assert {row["place"] for row in numbers["home_and_elsewhere"]} == {"test folds at home", "elsewhere"}
    again, out_again, _ = mmskin_(f"evaluate {tmp_path / 'out'} --output {tmp_path / 'again'} --replicates 100")
    assert again == 0
    assert out_again == out  # the predictions lie there, to be evaluated as any others


def test_two_models_are_compared_on_the_new_patients(
    mmskin_: Type, home: Path, elsewhere: Path, tmp_path: Path
) -> None:
    models = [f"fold_{k}={home / 'run' / 'cells' / 'fields' / f'fold_{k}' / 'seed_0' / 'model'}" for k in (0, 1)]
    question = f"--data {elsewhere} --reference fold_0 --output {tmp_path / 'out'} --replicates 100"
    line = f"evaluate {' '.join(models)} {question}"
    code, out, err = mmskin_(line)
    assert code == 0, err
    assert "fold_1 - fold_0, balanced accuracy" in out


def test_json_is_all_that_is_printed(mmskin_: Type, home: Path, elsewhere: Path, tmp_path: Path) -> None:
    line = f"evaluate {home / 'run'} --data {elsewhere} --output {tmp_path / 'out'} --replicates 100 --json"
    code, out, err = mmskin_(line)
    assert code == 0, err
    assert json.loads(out) == json.loads((tmp_path / "out" / "results.json").read_text())
    code, out, _ = mmskin_(f"drift {home / 'run'} --data {elsewhere} --output {tmp_path / 'drift'} --json")
    assert code == 0
    assert json.loads(out) == json.loads((tmp_path / "drift" / "drift.json").read_text())


def test_answers_of_predict_table_are_evaluated_with_the_labels_of_a_config(
    mmskin_: Type, home: Path, elsewhere: Path, tmp_path: Path
) -> None:
    answers = tmp_path / "answers.csv"
    assert mmskin_(f"predict-table {home / 'run'} {elsewhere} --output {answers}")[0] == 0
    code, _, err = mmskin_(f"evaluate {answers} --output {tmp_path / 'out'}")
    assert code == 2
    assert is_one_plain_line(err)
    assert "holds answers without labels: name the labelled cases by --data" in err
    config = (home / "exp.yaml").read_text().replace("cases.csv", "other.csv").replace(str(home), str(tmp_path))
    (tmp_path / "other.yaml").write_text(config)
    line = f"evaluate {answers} --data {tmp_path / 'other.yaml'} --output {tmp_path / 'out'} --replicates 100"
    code, out, err = mmskin_(line)
    assert code == 0, err
    assert "answers  all (150)" in out
    whole, out_whole, _ = mmskin_(
        f"evaluate answers={home / 'run'} --data {elsewhere} --output {tmp_path / 'whole'} --replicates 100"
    )
    assert whole == 0
    assert out.split("all (150)")[1] == out_whole.split("all (150)")[1]


def test_answers_with_labels_of_their_own_need_nothing_else(
    mmskin_: Type, home: Path, elsewhere: Path, tmp_path: Path
) -> None:
    answers = tmp_path / "answers.csv"
    assert mmskin_(f"predict-table {home / 'run'} {elsewhere} --output {answers}")[0] == 0
    labelled = pd.read_csv(answers).merge(
        pd.read_csv(elsewhere)[["case", "diagnosis"]], left_on="case_id", right_on="case"
    )
    labelled.rename(columns={"diagnosis": "target"}).drop(columns="case").to_csv(answers, index=False)
    code, out, err = mmskin_(f"evaluate {answers} --output {tmp_path / 'out'} --replicates 100")
    assert code == 0, err
    assert "all (150)" in out


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("evaluate {run} --data nowhere.csv --output out", "nowhere.csv does not exist: name a table, or a YAML file"),
        ("evaluate {run} {answers} --data {table} --output out", "--data evaluates models, or gives labels to files"),
        ("evaluate {run} {run} --data {table} --output out", "two models have one name: give each its own"),
        ("evaluate {run} --data {table} --photos clinical --output out", "--photos is written model's kind=kind"),
        ("evaluate {answers} --data {table} --output out", "says not where its labels are: give a YAML file"),
        ("drift {run} --data {table} --dates seen --output out", "column 'seen' does not exist"),
        ("evaluate {run} --data {unlabelled} --output out", "diagnosis"),
    ],
)
def test_mistakes_are_one_plain_line(
    mmskin_: Type, home: Path, elsewhere: Path, tmp_path: Path, line: str, message: str
) -> None:
    answers, unlabelled = tmp_path / "answers.csv", tmp_path / "unlabelled.csv"
    answers.write_text("case_id,prob_melanoma,prob_nevus,prob_wart\nqc0,0.2,0.3,0.5\n")
    pd.read_csv(elsewhere).drop(columns="diagnosis").to_csv(unlabelled, index=False)
    code, _, err = mmskin_(line.format(run=home / "run", table=elsewhere, answers=answers, unlabelled=unlabelled))
    assert code == 2
    assert message in err.replace("\n", " ")
    assert "Traceback" not in err


def test_drift_needs_no_labels_and_says_what_it_found(mmskin_: Type, home: Path, tmp_path: Path) -> None:
    table = rows(120, seed=4, mark="q").drop(columns="diagnosis")
    table.assign(age=90).to_csv(tmp_path / "new.csv", index=False)
    code, out, err = mmskin_(f"drift {home / 'run'} --data {tmp_path / 'new.csv'} --output {tmp_path / 'out'}")
    assert code == 0, err
    assert "Age has other values" in out
    assert (tmp_path / "out" / "drift.html").exists()


def test_a_final_model_is_trained_after_the_folds(mmskin_: Type, home: Path, elsewhere: Path, tmp_path: Path) -> None:
    line = f"train {home / 'exp.yaml'} training.epochs=1 --output {tmp_path / 'run'} --quiet"
    code, _, err = mmskin_(f"{line} --final --no-test")
    assert code == 2
    assert "--final needs the score of the test folds" in err.replace("\n", " ")
    code, out, err = mmskin_(f"{line} --final")
    assert code == 0, err
    assert "all (240)" in out
    assert "model of all cases" in err
    code, out, err = mmskin_(f"predict {tmp_path / 'run' / 'final'} --field age=40")
    assert code == 0, err
    assert "trained on all 240 cases and not tested itself" in out
    code, _, err = mmskin_(f"{line} --final")
    assert code == 2
    assert "final is there already" in err.replace("\n", " ")

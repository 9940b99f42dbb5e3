"""`train`, `evaluate` and `benchmark` as a user types them: what they print and leave behind."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from cli.conftest import CONFIG, Type, is_one_plain_line

from mmskin.output_lock import locked

BENCHMARK = """
name: two table arms
data: {{source: {{name: pad_ufes_20}}, root: {root}, folds: 3, test_folds: [0], missingness: visible}}
seeds: [0]
primary: {{arm: logistic_regression, reference: majority}}
arms:
  majority: {{table: {{name: majority}}}}
  logistic_regression: {{table: {{name: logistic_regression, c: [0.1]}}}}
  broken: {{table: {{name: logistic_regression, c: [-1.0]}}}}
"""


def test_train_then_evaluate_two_arms_against_a_reference(
    mmskin_: Type, config: Path, pad_folder: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other.yaml"
    other.write_text(CONFIG.format(name="fewer", root=pad_folder))
    one, two = tmp_path / "one", tmp_path / "two"
    code, told, said = mmskin_(f"train {config} --output {one} --quiet")
    assert code == 0
    assert "fold 0: 12 cases train, 12 validate, 12 test" in said
    assert "balanced_accuracy" in told
    assert {"config.json", "predictions.parquet", "report.html", "results.json"} <= {p.name for p in one.iterdir()}
    assert mmskin_(f"train {other} data.fields=[age] --output {two} --quiet")[0] == 0
    assert "Safeguards of fields" in (one / "report.html").read_text()
    assert mmskin_(f"evaluate {one} --output {tmp_path / 'alone'} --replicates 100")[0] == 0
    assert "Safeguards of fields" in (tmp_path / "alone" / "report.html").read_text()
    line = f"evaluate {one} {two} --reference fields --output {tmp_path / 'both'} --replicates 100"
    code, told, _ = mmskin_(line)
    assert code == 0
    assert "fewer - fields, balanced accuracy: " in told
    assert (tmp_path / "both" / "report.html").exists()
    assert "fewer,balanced_accuracy" in (tmp_path / "both" / "comparison.csv").read_text()
    assert "tabular" in (tmp_path / "both" / "comparison.tex").read_text()
    code, _, complaint = mmskin_(f"evaluate {one} {one} --reference fields --output {tmp_path / 'same'}")
    assert code == 2
    assert "two runs have an arm 'fields': give each a name of its own" in complaint
    line_of_names = f"evaluate old={one} new={two} --reference old --metric brier --output {tmp_path / 'named'}"
    code, told, _ = mmskin_(f"{line_of_names} --replicates 100")
    assert code == 0
    assert "new - old, Brier score" in told or "new - old, brier" in told.lower()
    restated = f"evaluate {one} {two} --reference fields --prior data --output {tmp_path / 'prior'} --replicates 100"
    code, _, complaint = mmskin_(restated)
    assert code == 0, complaint
    assert "stated under the prior data" in (tmp_path / "prior" / "report.html").read_text()
    code, _, complaint = mmskin_(restated.replace("prior data", "prior clinic"))
    assert code == 2
    assert is_one_plain_line(complaint)
    code, _, said = mmskin_(f"evaluate {one} {two} --least 2 --output {tmp_path / 'least'} --replicates 100")
    assert code == 0
    assert "classes with 2 test cases or more" in " ".join(said.split())
    assert "classes with 2 test cases or more" in (tmp_path / "least" / "report.html").read_text()
    code, _, complaint = mmskin_(f"evaluate {one} --least 999 --output {tmp_path / 'x'}")
    assert code == 2
    assert is_one_plain_line(complaint)
    code, _, complaint = mmskin_(f"evaluate {tmp_path / 'nothing'} --output {tmp_path / 'x'}")
    assert code == 2
    assert "does not exist: name the folder of a run" in complaint
    code, _, complaint = mmskin_(line.replace("--reference fields", "--reference felds"))
    assert code == 2
    assert is_one_plain_line(complaint)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such lock")
@pytest.mark.parametrize("command", ["train {config}", "audit {config}", "evaluate {run}", "explain {run} --text itch"])
def test_no_command_writes_where_another_one_does(
    mmskin_: Type, command: str, config: Path, trained_run: Path, tmp_path: Path
) -> None:
    output = tmp_path / "out"
    with locked(output):
        code, _, said = mmskin_(f"{command.format(config=config, run=trained_run)} --output {output}")
    assert code == 2
    assert "another command writes into" in said
    assert [path.name for path in output.iterdir()] == ["lock"]


def test_benchmark_answers_the_primary_question_first_and_ends_with_1_if_a_cell_failed(
    mmskin_: Type, pad_folder: Path, tmp_path: Path
) -> None:
    path, output = tmp_path / "benchmark.yaml", tmp_path / "out"
    path.write_text(BENCHMARK.format(root=pad_folder))
    line = f"benchmark {path} --output {output} --jobs 1 --quiet --replicates 100"
    code, told, said = mmskin_(line)
    assert code == 1
    assert "3 cells (3 arms), 0 of them finished" in said
    lines = told.splitlines()
    assert lines[0].startswith("failed: broken, fold 0, seed 0: InvalidParameterError: ")
    assert lines[1] == "primary, named before the run:"
    assert lines[2].startswith("logistic_regression - majority, balanced accuracy: ")
    assert "exploratory:" in lines
    assert {"predictions.parquet", "results.json", "report.html", "costs.json"} <= {p.name for p in output.iterdir()}
    code, _, complaint = mmskin_(f"{line} data.missingness=equalized")
    assert code == 2
    assert is_one_plain_line(complaint)
    assert "begun with another configuration: data.missingness of broken, logistic_regression, majority" in complaint
    code, _, complaint = mmskin_(f"{line} --ray-address auto")
    assert (code, is_one_plain_line(complaint)) == (2, True)


def test_ctrl_c_says_how_to_go_on(mmskin_: Type, config: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def stopped(*arguments: object, **options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("mmskin.benchmark.run.run.run_benchmark", stopped)
    code, _, complaint = mmskin_(f"train {config} --output {tmp_path / 'run'}")
    assert code == 130
    assert complaint == "mmskin: stopped; the same command goes on\n"
    path = tmp_path / "benchmark.yaml"
    path.write_text(BENCHMARK.format(root=tmp_path))
    code, _, complaint = mmskin_(f"benchmark {path} --output {tmp_path / 'grid'}")
    assert (code, complaint) == (130, "mmskin: stopped; the same command goes on\n")

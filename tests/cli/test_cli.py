"""Commands as a user types them, in this process: what they print, and with which code they end."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from cli.conftest import Type, is_one_plain_line
from data.make_pad_ufes_20 import make_pad_ufes_20, make_rows
from explain.small_predictors import small_predictor
from PIL import Image

import mmskin
from mmskin.cli import app as cli
from mmskin.cli.catalogue import TABLES
from mmskin.errors import ConfigError
from mmskin.output_lock import locked
from mmskin.reminder import NOT_A_DIAGNOSIS
from mmskin.trained.saved_model import save_model

CONFIG = """
name: {name}
data:
  source: {{name: pad_ufes_20}}
  root: {root}
  folds: 3
  test_folds: [0]
  photo_side: 32
  missingness: visible
encoders:
  metadata: {{name: tokens, dim: 8}}
fusion: {{name: metadata_only}}
training: {{epochs: 1, batch_size: 4}}
"""
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


@pytest.fixture
def config(pad_folder: Path, tmp_path: Path) -> Path:
    path = tmp_path / "arm.yaml"
    path.write_text(CONFIG.format(name="fields", root=pad_folder))
    return path


def test_the_installed_program_says_its_version_without_torch() -> None:
    code = "import sys, mmskin.cli.app; sys.argv = ['mmskin', '--version']\ntry: mmskin.cli.app.main()\n"
    code += "finally: assert 'torch' not in sys.modules"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, f"mmskin {mmskin.__version__}\n")


def test_help_lists_every_command(mmskin_: Type) -> None:
    code, told, _ = mmskin_("--help")
    assert code == 0
    for command in (
        "quickstart",
        "train",
        "benchmark",
        "evaluate",
        "predict",
        "explain",
        "predict-table",
        "describe",
        "data",
    ):
        assert f" {command} " in told
    assert "not a diagnosis" in told


def test_describe_lists_every_part_and_one_part_with_its_options(mmskin_: Type) -> None:
    code, told, _ = mmskin_("describe")
    assert code == 0
    for title, table in TABLES.items():
        assert title in told
        assert all(f"  {name} " in told for name in table)
    code, told, _ = mmskin_("describe image_only")
    assert code == 0
    assert "options: modality=None, dropout=0.2" in told
    code, _, complaint = mmskin_("describe concta")
    assert code == 2
    assert "part 'concta' does not exist. Did you mean 'concat'?" in complaint


def test_data_describe_tells_what_was_read(mmskin_: Type, config: Path) -> None:
    code, told, _ = mmskin_(f"data describe {config}")
    assert code == 0
    assert "pad_ufes_20" in told
    assert "cases            36" in told


def test_make_synthetic_makes_a_clinic_and_touches_no_other_folder(mmskin_: Type, tmp_path: Path) -> None:
    code, _, told = mmskin_(f"data make-synthetic {tmp_path / 'clinic'} --cases 12 --size 96")
    assert (code, "12 cases" in told) == (0, True)
    assert len(list((tmp_path / "clinic" / "photos").iterdir())) == 12
    code, _, complaint = mmskin_(f"data make-synthetic {tmp_path} --cases 12 --size 96")
    assert code == 2
    assert is_one_plain_line(complaint)


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
    code, _, complaint = mmskin_(f"evaluate {tmp_path / 'nothing'} --output {tmp_path / 'x'}")
    assert code == 2
    assert "holds no predictions.parquet" in complaint
    code, _, complaint = mmskin_(line.replace("--reference fields", "--reference felds"))
    assert code == 2
    assert is_one_plain_line(complaint)


def test_predict_prints_a_differential_and_what_it_rests_on(
    mmskin_: Type, trained_run: Path, pad_folder: Path, tmp_path: Path
) -> None:
    photo = next((pad_folder / "images").rglob("*.png"))
    heatmap = tmp_path / "heat.png"
    code, told, _ = mmskin_(
        f"predict {trained_run} --image {photo} --field age=62 --field itch=yes --text 'it scabs' --heatmap {heatmap}"
    )
    assert code == 0
    assert told.count("%") == 6
    assert "used: image, text\n" in told
    assert "heat map: the map has 1 x 1 cells" in told
    assert "heat map: photo and history are judged apart in this model" in told
    assert told.endswith(NOT_A_DIAGNOSIS + "\n")
    with Image.open(heatmap) as drawn, Image.open(photo) as taken:
        assert drawn.size == taken.size


def test_explain_writes_a_page_and_prints_its_sentences(
    mmskin_: Type, trained_run: Path, pad_folder: Path, tmp_path: Path
) -> None:
    photo = next((pad_folder / "images").rglob("*.png"))
    history, output = tmp_path / "history.json", tmp_path / "why"
    history.write_text('{"fields": {"age": 62, "itch": "no"}, "text": "it scabs"}')
    line = f"explain {trained_run} --image {photo} --history {history} --output {output}"
    code, told, said = mmskin_(f"{line} --field itch=yes")  # the command line wins over the file
    assert code == 0
    assert told.startswith("The most likely class is ")
    assert told.endswith(NOT_A_DIAGNOSIS + "\n")
    assert said.startswith("page: ")
    assert (output / "explanation.html").is_file()
    content = json.loads((output / "explanation.json").read_text(encoding="utf-8"))
    assert told.splitlines()[: len(content["sentences"])] == content["sentences"]
    assert {field["name"]: field["value"] for field in content["fields"]["fields"]} == {"age": "62", "itch": "yes"}
    assert set(content["shares"]["points"]) == {"photo", "words", "fields"}
    code, _, complaint = mmskin_(f"explain {trained_run} --history {photo} --output {output}")
    assert code == 2
    assert is_one_plain_line(complaint)


def test_the_folds_of_a_run_answer_together_and_of_several_arms_one_is_named(mmskin_: Type, tmp_path: Path) -> None:
    for fold in (0, 1):
        for arm in ("late", "other"):
            save_model(small_predictor("late").trained, tmp_path / f"run/cells/{arm}/fold_{fold}/seed_0/model")
    asked = f"{tmp_path / 'run'} --field age=62"
    code, _, complaint = mmskin_(f"predict {asked}")
    assert code == 3
    assert is_one_plain_line(complaint)
    assert "holds models of several arms: late, other; name the one that is to answer, by --arm late" in complaint
    code, told, _ = mmskin_(f"predict {asked} --arm late")
    assert code == 0
    assert "note: answered by 2 models together (folds 0, 1)" in told
    code, told, _ = mmskin_(f"explain {asked} --arm other --output {tmp_path / 'why'}")
    assert code == 0
    assert "note: answered by 2 models together" in told


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


def test_explain_with_check_measures_explanations_on_the_test_fold(
    mmskin_: Type, trained_run: Path, pad_folder: Path, tmp_path: Path
) -> None:
    config = tmp_path / "late.yaml"
    config.write_text(CONFIG.format(name="late", root=pad_folder))
    output = tmp_path / "check"
    code, told, said = mmskin_(f"explain {trained_run} {config} --check --cases 2 --output {output}")
    assert code == 0
    assert "holds           parts: " in told
    assert "not measured: the pointing game: the data set has no masks of lesions" in told
    assert said.strip().replace("\n", "").startswith("page: ")
    content = json.loads((output / "check.json").read_text(encoding="utf-8"))
    assert (content["cases"], content["fold"], content["experiment"]) == (2, 0, "small")
    assert "<img" not in (output / "check.html").read_text(encoding="utf-8")
    misused = (f"{config} --check --field age=62", f"{config} --field age=62", "--check")
    for line in (*misused, f"{config} data.fold_seed=7 --check"):
        code, _, complaint = mmskin_(f"explain {trained_run} {line} --output {output}")
        assert code == 2
        assert "Traceback" not in complaint


def test_predict_as_json_is_json_and_names_what_is_missing(mmskin_: Type, trained_run: Path) -> None:
    code, told, _ = mmskin_(f"predict {trained_run} --field age=62 --json")
    answer = json.loads(told)
    assert code == 0
    assert sum(answer["probabilities"].values()) == pytest.approx(1)
    assert (answer["used"], answer["missing"]) == (["text"], ["image"])


def test_predict_table_answers_every_case_and_writes_over_nothing(
    mmskin_: Type, trained_run: Path, config: Path, tmp_path: Path
) -> None:
    for name in ("answers.csv", "answers.parquet"):
        output = tmp_path / name
        assert mmskin_(f"predict-table {trained_run} {config} --output {output}")[0] == 0
        answers = pd.read_csv(output) if name.endswith("csv") else pd.read_parquet(output)
        assert len(answers) == 36
        assert answers.filter(like="prob_").sum(axis=1).to_list() == pytest.approx([1.0] * 36)
    code, _, complaint = mmskin_(f"predict-table {trained_run} {config} --output {output}")
    assert code == 2
    assert "is there already; choose another --output" in complaint


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("train", "Missing argument 'config'"),
        ("train nothing.yaml", "Missing option '--output'"),
        ("train nothing.yaml --output x", "no such file: nothing.yaml"),
        ("train nothing.yaml --output x --jobs 0", "Invalid value for '--jobs'"),
        ("trian", "No such command 'trian'"),
        ("predict MODEL --image nothing.png", "'nothing.png' does not exist"),
        ("predict MODEL", "there is nothing to go by: this model needs a photo or a field or free text"),
        ("predict MODEL --field age", "a field is written name=value"),
        ("predict MODEL --field biopsed=yes", "is an outcome column"),
        ("predict MODEL --field age=old --field agee=3", "Did you mean 'age'"),
        ("predict MODEL --field age=62 --heatmap x.png", "a heat map needs --image"),
        ("data describe nothing.yaml", "no such file"),
    ],
)
def test_a_mistake_of_the_user_is_one_plain_line_and_code_2(
    mmskin_: Type, trained_run: Path, line: str, told: str
) -> None:
    code, printed, complaint = mmskin_(line.replace("MODEL", str(trained_run)))
    assert code == 2
    assert printed == ""
    assert is_one_plain_line(complaint), complaint
    assert told in complaint


def test_a_bad_model_is_one_plain_line_and_code_3(mmskin_: Type, tmp_path: Path) -> None:
    code, _, complaint = mmskin_(f"predict {tmp_path} --text x")
    assert code == 3
    assert is_one_plain_line(complaint)


def test_a_folder_that_cannot_be_written_is_one_plain_line(mmskin_: Type, config: Path) -> None:
    code, _, complaint = mmskin_(f"train {config} --output {config}/run --quiet")
    assert code == 2
    assert is_one_plain_line(complaint)


def test_debug_shows_the_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["mmskin", "--debug", "describe", "nothing"])
    with pytest.raises(ConfigError):
        cli.main()


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


def test_no_command_at_all_shows_the_help(mmskin_: Type) -> None:
    code, told, complaint = mmskin_("")
    assert code == 2
    assert "Usage:" in told
    assert "quickstart" in told
    assert complaint == ""


def test_data_check_lists_faults_and_ends_with_2(mmskin_: Type, config: Path, pad_folder: Path, tmp_path: Path) -> None:
    code, told, _ = mmskin_(f"data check {config}")
    assert (code, told.splitlines()[0]) == (0, "36 cases read, 36 photos opened, 0 faults")
    broken = tmp_path / "broken"
    shutil.copytree(pad_folder, broken)
    next(broken.rglob("*.png")).write_bytes(b"")
    code, told, _ = mmskin_(f"data check {config} data.root={broken}")
    assert code == 2
    assert "36 photos opened, 1 faults" in told
    assert "fault: " in told


def test_data_note_tells_what_the_model_would_read(mmskin_: Type, config: Path, pad_folder: Path) -> None:
    case = next(row["img_id"] for row in make_rows(patients=36, photos=1) if row["smoke"]).removesuffix(".png")
    code, whole, _ = mmskin_(f"data note {config} --row {case} --wordings 2")
    assert code == 0
    assert len(whole.splitlines()) == 3
    assert "years old." in whole.splitlines()[0]
    assert "smok" in whole.lower()
    code, blind, _ = mmskin_(f"data note {config} data.missingness=always_recorded --row {case}")
    assert code == 0
    assert "smok" not in blind.lower()
    code, _, told = mmskin_(f"data note {config} --row PAT_1")
    assert code == 2
    assert is_one_plain_line(told)
    assert "there is no case 'PAT_1' among PAT_1_" in told
    assert "did you mean 'PAT_" in told


def test_audit_tells_findings_and_is_strict_on_demand(mmskin_: Type, config: Path, tmp_path: Path) -> None:
    """Two photos a patient, dealt out one by one: every patient lies in two folds."""
    rows = make_pad_ufes_20(tmp_path, patients=36, photos=2)
    folds = tmp_path / "folds.csv"
    folds.write_text("img_id,fold\n" + "\n".join(f"{row['img_id']},{i % 3}" for i, row in enumerate(rows)) + "\n")
    typed = f"audit {config} data.root={tmp_path} data.folds={folds} --output {tmp_path / 'audit'}"
    code, told, _ = mmskin_(typed)
    assert code == 0
    assert told.startswith("72 labelled cases of 36 patients: ")
    assert "leak: 36 patients lie in several folds: PAT_1 (folds 0, 1)" in told
    assert json.loads((tmp_path / "audit" / "audit.json").read_text())["leaks"] >= 1
    code, again, _ = mmskin_(f"{typed} --strict")
    assert code == 1
    assert again == told
    code, again, said = mmskin_(typed.replace(f"audit {config}", f"audit --data {config}"))
    assert (code, again) == (0, told)
    assert "--data goes with the next release" in said
    code, _, complaint = mmskin_("audit")
    assert (code, is_one_plain_line(complaint)) == (2, True)


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


def test_demo_starts_the_page_of_the_checkout(mmskin_: Type, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[list[str]] = []
    monkeypatch.setattr("os.execv", lambda program, words: started.append(words))
    assert mmskin_("demo --model runs/mine --port 8000")[0] == 0
    (words,) = started
    assert words[1] == str(Path(mmskin.__file__).parents[1] / "demo" / "app.py")
    assert words[2:] == ["--model", "runs/mine", "--host", "127.0.0.1", "--port", "8000"]
    monkeypatch.setattr("mmskin.cli.demo.__file__", "/nowhere/mmskin/cli/app.py")
    code, _, complaint = mmskin_("demo")
    assert code == 2
    assert "/nowhere/demo/app.py does not exist" in complaint

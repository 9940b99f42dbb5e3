"""`--json` of every command that reports a result: one strict JSON object on stdout, and nothing else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from cli.conftest import CONFIG, Type
from cli.test_runs import BENCHMARK
from rich.console import Console
from small_experiment import small_experiment

from mmskin.benchmark.run.this_process import ThisProcess
from mmskin.config.yaml_files import write_yaml
from mmskin.reminder import NOT_A_DIAGNOSIS

EXPLANATION = {"target", "shares", "sentences", "fields"}
COMMANDS: dict[str, tuple[str, set[str]]] = {
    "parts": ("describe", {"data sets", "fusions", "losses", "sections of a config"}),
    "part": ("describe late", {"name", "descriptions"}),
    "model": ("describe {run}", {"fusion", "classes", "fields", "missingness", "licences", "reminder"}),
    "data describe": ("data describe {config}", {"cases", "classes", "fields", "remarks", "licence"}),
    "data check": ("data check {config}", {"cases", "photos", "faults", "remarks"}),
    "audit": ("audit {config} --output {out}", {"summary", "leaks", "findings", "columns"}),
    "predict": ("predict {run} --text itches", {"probabilities", "used", "missing", "reminder"}),
    "predict-table": (
        "predict-table {run} {config} --output {out}.csv",
        {"output", "format", "cases", "cases_without_answer", "remarks"},
    ),
    "explain": ("explain {run} --text itches --output {out}", EXPLANATION),
    "explain --check": ("explain {run} {late} --check --cases 1 --output {out}", {"cases", "fold", "measures"}),
    "teach": ("teach {taught} encoders.text.taught.steps=2 --output {out}", {"fields", "retention", "record"}),
    "train": ("train {config} --output {out}", {"metrics", "differences", "failures", "report", "results"}),
    "leak-study": ("leak-study {leaks} --output {out} --jobs 1 --replicates 100", {"worth", "scores", "config"}),
}


def no_constant(name: str) -> float:
    raise AssertionError(f"{name} is no JSON")


def strict(text: str) -> dict[str, Any]:
    content = json.loads(text, parse_constant=no_constant)
    assert isinstance(content, dict)
    return content


@pytest.fixture(autouse=True)
def _in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another process takes seconds to import what it needs."""
    monkeypatch.setattr("mmskin.benchmark.run.executors.open_executor", lambda where, **options: ThisProcess())


@pytest.fixture
def places(trained_run: Path, config: Path, pad_folder: Path, tmp_path: Path) -> dict[str, Path]:
    paths = {name: tmp_path / f"{name}.yaml" for name in ("late", "taught", "leaks", "benchmark")}
    paths["late"].write_text(CONFIG.format(name="late", root=pad_folder))
    paths["taught"].write_text(write_yaml(small_experiment(pad_folder).to_json()))
    paths["benchmark"].write_text(BENCHMARK.format(root=pad_folder))
    arms = "\n".join(line for line in BENCHMARK.splitlines() if not line.startswith("  broken"))
    arms = arms.replace("missingness: visible", "missingness: equalized").replace("test_folds: [0], ", "")
    paths["leaks"].write_text(f"{arms.format(root=pad_folder)}\nleaks: [missingness_visible]\n")
    return paths | {"run": trained_run, "config": config, "out": tmp_path / "out"}


@pytest.mark.parametrize("command", COMMANDS)
def test_the_result_is_one_json_object_and_all_of_stdout(mmskin_: Type, places: dict[str, Path], command: str) -> None:
    line, keys = COMMANDS[command]
    code, told, said = mmskin_(f"{line.format(**places)} --json")
    assert code == 0, said
    content = strict(told)
    assert keys <= set(content)
    written = {"audit": "audit", "explain": "explanation", "explain --check": "check", "leak-study": "leaks"}
    if command in written:
        assert content == json.loads((places["out"] / f"{written[command]}.json").read_text(encoding="utf-8"))


def test_without_it_people_read_lines(mmskin_: Type, places: dict[str, Path]) -> None:
    code, told, _ = mmskin_(f"describe {places['run']}")
    assert code == 0
    assert told.endswith(NOT_A_DIAGNOSIS + "\n")
    assert not told.lstrip().startswith("{")


def test_failed_cells_are_told_and_the_exit_code_stays(mmskin_: Type, places: dict[str, Path]) -> None:
    output = places["out"]
    code, told, _ = mmskin_(
        f"benchmark {places['benchmark']} audit=false --output {output} --jobs 1 --replicates 100 --json"
    )
    assert code == 1
    content = strict(told)
    assert [failure["arm"] for failure in content["failures"]] == ["broken"]
    assert {row["arm"] for row in content["metrics"]} == {"logistic_regression", "majority"}
    (primary,) = [row for row in content["differences"] if row["role"] == "primary"]
    assert primary["arm"] == "logistic_regression"
    assert Path(content["report"]).is_file()
    saved = json.loads(Path(content["results"]).read_text(encoding="utf-8"))
    assert content["differences"] == saved["differences"]


def test_quickstart_tells_what_it_returns(mmskin_: Type, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A real one takes its time: what it returns is tested beside it."""

    def quick(output: Path, *, cases: int, seed: int, console: Console) -> dict[str, Any]:
        console.print(f"drawing {cases} cases")
        print("for people")
        return {"output": str(output), "ceilings": {"late": {"accuracy": float("nan")}}}

    monkeypatch.setattr("mmskin.benchmark.quickstart.run_quickstart", quick)
    code, told, said = mmskin_(f"quickstart --output {tmp_path} --cases 200 --json")
    assert (code, said) == (0, "drawing 200 cases\n")
    assert strict(told) == {"output": str(tmp_path), "ceilings": {"late": {"accuracy": None}}}
    code, told, said = mmskin_(f"quickstart --output {tmp_path} --cases 200")
    assert (code, told, said) == (0, "drawing 200 cases\nfor people\n", "")


def test_a_mistake_leaves_stdout_empty(mmskin_: Type, places: dict[str, Path]) -> None:
    code, told, complaint = mmskin_(f"data describe {places['config']} data.root=nowhere --json")
    assert (code, told) == (2, "")
    assert complaint.startswith("mmskin: ")

"""Cases right and wrong in the report of a run: only where they were asked for."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from benchmark.small_benchmark import small_benchmark
from markupsafe import escape
from small_experiment import small_experiment

from mmskin.benchmark.answer import write_answer
from mmskin.benchmark.benchmark_config import of_one_arm
from mmskin.config.experiment import Experiment
from mmskin.report.sections.example_cases import PRIVATE


def test_no_case_is_shown_unless_it_was_asked_for(pad_folder: Path, tmp_path: Path) -> None:
    assert small_benchmark(pad_folder, tmp_path).example_cases == 0
    assert Experiment.model_fields["example_cases"].default == 0


@pytest.mark.parametrize(("asked", "shown"), [(0, False), (1, True)])
def test_the_report_of_a_run_shows_them_where_asked_and_warns_at_its_top(
    asked: int, shown: bool, trained_run: Path, tmp_path: Path
) -> None:
    output = tmp_path / "run"
    shutil.copytree(trained_run, output)
    root = json.loads((output / "config.json").read_text())["data"]["root"]
    experiment = small_experiment(Path(root)).model_copy(update={"example_cases": asked})
    write_answer(of_one_arm(experiment), output, replicates=20)
    page = (output / "report.html").read_text()
    assert (str(escape(PRIVATE)) in page.split("</header>")[0]) == shown
    assert ("data:image/jpeg" in page) == shown
    assert ("example_cases" in json.loads((output / "results.json").read_text())) == shown

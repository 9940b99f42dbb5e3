"""A fusion of another package trains, saves, loads and is benchmarked, by the command line and from Python."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from api.small_parts import FAST, ONE_CELL, TINY

import mmskin
from mmskin.config.yaml_files import write_yaml
from mmskin.errors import ModelError

METADATA = {"metadata": TINY["metadata"]}


def command(*words: str | Path, path: Path | None, folder: Path) -> subprocess.CompletedProcess[str]:
    place = {"PYTHONPATH": os.pathsep.join(filter(None, [str(path or ""), os.environ.get("PYTHONPATH", "")]))}
    code = "from mmskin.cli.app import main; main()"
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, words)],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env=os.environ | place,
    )


def experiment(pad_folder: Path, folder: Path, fusion: str) -> Path:
    path = folder / "experiment.yaml"
    data = {"source": {"name": "pad_ufes_20"}, "root": str(pad_folder), "folds": 3, "test_folds": [0], "photo_side": 32}
    content = {
        "name": "plugged",
        "data": data,
        "encoders": METADATA,
        "fusion": {"name": fusion, "scale": 0.5},
        "training": {"epochs": 1, "batch_size": 8},
        "features": str(folder / "features"),
    }
    path.write_text(write_yaml(content))
    return path


@pytest.mark.parametrize(("fusion", "plugin"), [("sum_of_branches", ()), ("doubled_sum", ("--plugin", "skin_plugin"))])
def test_by_the_command_line(
    fusion: str, plugin: tuple[str, ...], pad_folder: Path, other_package: Path, tmp_path: Path
) -> None:
    config = experiment(pad_folder, tmp_path, fusion)
    where = {"path": other_package, "folder": tmp_path}
    trained = command(*plugin, "train", config, "--output", "run", "--quiet", **where)
    assert trained.returncode == 0, trained.stderr
    answer = command(*plugin, "predict", "run", "--field", "age=62", **where)
    assert answer.returncode == 0, answer.stderr
    alone = command("predict", "run", "--field", "age=62", path=None, folder=tmp_path)
    assert alone.returncode == 3
    assert len(alone.stderr.strip().splitlines()) == 1
    module = "skin_plugin" if plugin else "skin_mixer"
    assert f"has a fusion '{fusion}' that is not mmskin's own: import {module} first" in alone.stderr
    assert f"mmskin --plugin {module}" in alone.stderr
    described = command(*plugin, "describe", fusion, **where)
    assert "scale=" in described.stdout


def test_benchmarked_by_the_command_line_in_worker_processes(
    pad_folder: Path, other_package: Path, tmp_path: Path
) -> None:
    data = {"source": {"name": "pad_ufes_20"}, "root": str(pad_folder), "folds": 3, "test_folds": [0], "photo_side": 32}
    content = {
        "name": "plugged",
        "data": data,
        "seeds": [0],
        "primary": {"arm": "doubled", "reference": "majority"},
        "encoders": METADATA,
        "training": {"epochs": 1, "batch_size": 8},
        "arms": {"doubled": {"fusion": {"name": "doubled_sum"}}, "majority": {"table": {"name": "majority"}}},
        "audit": False,
        "missing_parts": None,
        "explanations": None,
        "features": str(tmp_path / "features"),
    }
    (tmp_path / "benchmark.yaml").write_text(write_yaml(content))
    words = ("--plugin", "skin_plugin", "benchmark", "benchmark.yaml", "--output", "run", "--jobs", "2")
    done = command(*words, "--replicates", "100", path=other_package, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "doubled - majority" in done.stdout


def test_a_plugin_that_cannot_be_imported_is_one_plain_line(tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("1 / 0\n")
    for module, reason in (
        ("no_such_module", "ModuleNotFoundError"),
        ("broken", "ZeroDivisionError: division by zero"),
    ):
        done = command("--plugin", module, "describe", path=None, folder=tmp_path)
        assert done.returncode == 2
        assert done.stderr.startswith(f"mmskin: --plugin {module} cannot be imported: {reason}")
        assert len(done.stderr.strip().splitlines()) == 1


def test_a_module_in_the_folder_of_the_command_is_a_plugin(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(
        "import mmskin\n"
        "from mmskin.fusion.late import LateFusion\n"
        "@mmskin.register_fusion('here')\n"
        "class Here(LateFusion):\n"
        "    'Mine.'\n"
    )
    done = command("--plugin", "mine", "describe", "here", path=None, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("here (fusions)\n\nMine.")


def test_from_python(pad_cases: mmskin.Cases, other_package: Path, tmp_path: Path) -> None:
    options = FAST | {"encoders": METADATA}
    slot = {"name": "sum_of_branches", "scale": 0.5}
    model = mmskin.fit(pad_cases, fusion=slot, output=tmp_path / "model", **options)
    again = mmskin.load(tmp_path / "model")
    assert again.predict(metadata={"age": 62}).probabilities == model.predict(metadata={"age": 62}).probabilities
    few = ONE_CELL | {"encoders": METADATA}
    result = mmskin.compare(pad_cases, ["majority", "sum_of_branches"], reference="majority", **few)
    assert set(result.differences["arm"]) == {"sum_of_branches"}


def test_a_model_of_a_part_that_nobody_has_registered_says_what_to_import(
    pad_cases: mmskin.Cases, tmp_path: Path
) -> None:
    from mmskin.fusion import FUSIONS
    from mmskin.fusion.late import LateFusion

    @mmskin.register_fusion("passing")
    class Passing(LateFusion):
        """Registered for a while."""

    mmskin.fit(pad_cases, fusion="passing", output=tmp_path / "model", **FAST)
    del FUSIONS._added["passing"]
    with pytest.raises(ModelError, match=f"has a fusion 'passing' that is not mmskin's own: import {__name__} first"):
        mmskin.load(tmp_path / "model")

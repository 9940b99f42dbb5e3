from __future__ import annotations

import builtins
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from benchmark.small_benchmark import run, small_benchmark

import mmskin.benchmark
from mmskin.benchmark.run.executors import open_executor
from mmskin.benchmark.run.ray_cluster import RayExecutor
from mmskin.errors import ConfigError


def test_ray_and_local_processes_give_the_same_bits(whole_grid: Path, pad_folder: Path, tmp_path: Path) -> None:
    pytest.importorskip("ray", reason="ray is not installed: pip install 'mmskin[ray]'")
    with RayExecutor(2) as executor:
        table, failures = run(small_benchmark(pad_folder, tmp_path / "features"), tmp_path / "out", executor=executor)
    assert not failures
    local = pd.read_parquet(whole_grid / "predictions.parquet")
    pd.testing.assert_frame_equal(table, local, check_exact=True)


def test_without_ray_one_line_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without_ray(name: str, *rest: Any, **options: Any) -> Any:
        if name == "ray":
            raise ModuleNotFoundError("No module named 'ray'", name="ray")
        return real(name, *rest, **options)

    monkeypatch.setattr(builtins, "__import__", without_ray)
    with pytest.raises(ConfigError, match=r"--executor ray needs: pip install 'mmskin\[ray\]'"):
        open_executor("ray")


def test_an_address_without_ray_is_refused() -> None:
    with pytest.raises(ConfigError, match="needs --executor ray"):
        open_executor("local", ray_address="auto")


def test_ray_is_imported_in_one_file_only() -> None:
    package = Path(mmskin.benchmark.__file__).parents[1]
    assert [path.name for path in package.rglob("*.py") if "import ray\n" in path.read_text()] == ["ray_cluster.py"]

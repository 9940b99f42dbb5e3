from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def whole_grid(pad_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The output folder of the small benchmark, never stopped, run by two processes."""
    from benchmark.small_benchmark import run, small_benchmark

    from mmskin.benchmark.run.local import LocalExecutor

    output = tmp_path_factory.mktemp("grid") / "out"
    with LocalExecutor(2) as executor:
        table, failures = run(small_benchmark(pad_folder, output.parent / "features"), output, executor=executor)
    assert not failures
    assert len(table)
    return output

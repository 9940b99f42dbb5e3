"""A benchmark killed by SIGKILL and typed again: the bits of one that was never killed, and no process left behind.

The killed one runs a cell at a time and the other one two, so it is also seen that this makes no difference.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from benchmark.small_benchmark import raw_benchmark

pytestmark = pytest.mark.skipif(not Path("/proc").is_dir(), reason="reads /proc to find the children of a process")


def typed(config: Path, output: Path) -> list[str]:
    line = ["benchmark", str(config), "--output", str(output), "--jobs", "1", "--quiet", "--replicates", "100"]
    return [sys.executable, "-c", "from mmskin.cli.app import main; main()", *line]


def children_of(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def kill_when(ready: Callable[[], bool], command: list[str]) -> None:
    """Begin the command, kill it once it is ready, and see that its processes end."""
    with subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as program:
        while program.poll() is None and not ready():
            time.sleep(0.02)
        children = children_of(program.pid) if program.poll() is None else []
        program.kill()
        program.wait()
    deadline = time.monotonic() + 20
    while any(is_running(child) for child in children):
        assert time.monotonic() < deadline, "the killed program has left processes behind"
        time.sleep(0.05)


def finish(command: list[str], output: Path) -> pd.DataFrame:
    """Type the command once more: it ends well, with these predictions."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("primary, named before the run:\nlate - image_only, balanced accuracy: ")
    return pd.read_parquet(output / "predictions.parquet")


def test_a_benchmark_killed_between_cells_goes_on_to_the_same_bits(
    whole_grid: Path, pad_folder: Path, tmp_path: Path
) -> None:
    config, output = tmp_path / "benchmark.yaml", tmp_path / "out"
    config.write_text(json.dumps(raw_benchmark(pad_folder, tmp_path / "features")))  # JSON is YAML
    count, pause = random.randint(1, 8), random.uniform(0, 0.3)

    def ready() -> bool:
        if len(list(output.rglob("predictions.parquet"))) < count:
            return False
        time.sleep(pause)
        return True

    kill_when(ready, typed(config, output))
    kept = {path: path.stat().st_mtime_ns for path in output.rglob("cells/**/predictions.parquet")}
    assert 1 <= len(kept) < 14
    never_killed = pd.read_parquet(whole_grid / "predictions.parquet")
    pd.testing.assert_frame_equal(finish(typed(config, output), output), never_killed, check_exact=True)
    assert {path: path.stat().st_mtime_ns for path in kept} == kept


@pytest.mark.slow
def test_a_benchmark_killed_at_five_random_moments_goes_on_to_the_same_bits(
    whole_grid: Path, pad_folder: Path, tmp_path: Path
) -> None:
    config, output = tmp_path / "benchmark.yaml", tmp_path / "out"
    config.write_text(json.dumps(raw_benchmark(pad_folder, tmp_path / "features")))  # JSON is YAML
    for _ in range(5):
        begun, moment = time.monotonic(), random.uniform(2, 30)
        kill_when(lambda begun=begun, moment=moment: time.monotonic() - begun > moment, typed(config, output))
    never_killed = pd.read_parquet(whole_grid / "predictions.parquet")
    pd.testing.assert_frame_equal(finish(typed(config, output), output), never_killed, check_exact=True)

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from benchmark.small_benchmark import run, small_benchmark

from mmskin.errors import UserError
from mmskin.output_lock import locked

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such lock")
HOLDER = """
import subprocess, sys, time
from pathlib import Path
from mmskin.output_lock import locked
from mmskin.benchmark.run.local import LocalExecutor

if __name__ == "__main__":
    with locked(Path(sys.argv[1])), LocalExecutor(1) as executor:
        list(executor.run(time.sleep, [0], begin=print))
        sleeper = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], stdout=subprocess.DEVNULL)
        print("holds", sleeper.pid, flush=True)
        time.sleep(60)
"""


def test_a_second_run_in_one_folder_is_refused_and_a_third_after_it_is_not(tmp_path: Path) -> None:
    with (
        locked(tmp_path),
        pytest.raises(UserError, match=f"another command writes into {tmp_path}: wait"),
        locked(tmp_path),
    ):
        pass
    with locked(tmp_path):
        pass


def test_a_benchmark_holds_its_folder(pad_folder: Path, tmp_path: Path) -> None:
    benchmark = small_benchmark(pad_folder, tmp_path / "features")
    (tmp_path / "out").mkdir()
    with locked(tmp_path / "out"), pytest.raises(UserError, match="another command writes"):
        run(benchmark, tmp_path / "out")


def test_a_killed_run_leaves_no_lock_even_if_what_it_started_lives_on(tmp_path: Path) -> None:
    script = tmp_path / "holder.py"
    script.write_text(HOLDER)
    with subprocess.Popen([sys.executable, str(script), str(tmp_path)], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        sleeper = next(int(line.split()[1]) for line in holder.stdout if line.startswith("holds"))
        try:
            with pytest.raises(UserError), locked(tmp_path):
                pass
            holder.kill()
            holder.wait()
            with locked(tmp_path):
                assert Path(f"/proc/{sleeper}").exists() or not Path("/proc").exists()
        finally:
            os.kill(sleeper, signal.SIGKILL)

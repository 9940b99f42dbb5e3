"""The model of those who have none yet: trained once on the synthetic clinic, then read from a cache."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import mmskin

CASES, EPOCHS = 600, 6  # measured: half a minute on one core, and the heat map finds the lesion
ARM = "late"


def cache_folder() -> Path:
    """Where caches of this user lie, by the XDG rules; one folder a version and format: a new one trains anew."""
    from mmskin.trained.saved_model import FORMAT

    root = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return root / "mmskin" / f"demo-{mmskin.__version__}-format-{FORMAT}"


def default_run(folder: Path, *, cases: int = CASES, epochs: int = EPOCHS, say: Callable[[str], None] = print) -> Path:
    """The run folder of the default model: its model, and results.json for the model card.

    It is trained beside the folder and moved there when it is whole: a program that is stopped leaves no half model,
    and of two that train at once the first one's stays.
    """
    if (folder / "results.json").exists():
        return folder
    # Here: a page whose model is there starts without Lightning.
    from mmskin.benchmark.answer import write_answer
    from mmskin.benchmark.quickstart import quickstart_benchmark
    from mmskin.benchmark.run.grid import Cell
    from mmskin.benchmark.run.run import run_benchmark
    from mmskin.benchmark.run.this_process import ThisProcess
    from mmskin.synthetic import make_clinic

    say(f"training a small model on {cases} invented cases, once; it is kept in {folder}")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix="training-") as place:
        work = Path(place)
        make_clinic(work / "clinic", cases=cases, seed=0)
        # The photo's encoder is learned in the first arm and read, frozen, in the second.
        benchmark = quickstart_benchmark(work, seed=0, epochs=epochs, arms=("image_only", ARM))
        run_benchmark(benchmark, work, executor=ThisProcess(keep_going=False), say=lambda line: None, quiet=True)
        write_answer(benchmark, work, replicates=500)
        made = work / "default"
        shutil.copytree(Cell(ARM, 0, 0).folder(work) / "model", made / "model")
        shutil.copy(work / "results.json", made)
        if not (folder / "results.json").exists():
            shutil.rmtree(folder, ignore_errors=True)
            made.rename(folder)
    return folder

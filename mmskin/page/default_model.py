"""The model of those who have none yet: trained on the synthetic clinic, and shipped beside this file.

`scripts/make_demo_model.py` makes it anew, the same on every machine with the same versions; it has to where the format
of saved models changes.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

DEFAULT_RUN = Path(__file__).with_name("demo_model")
"""Its model, and results.json with what its card tells: metrics on patients that it was not trained on."""
CASES, EPOCHS, FOLDS, LESSONS = 2400, 4, 8, 800
ARM = "late"


def train_default(
    folder: Path,
    *,
    cases: int = CASES,
    epochs: int = EPOCHS,
    folds: int = FOLDS,
    lessons: int = LESSONS,
    say: Callable[[str], None] = print,
) -> None:
    """Train the model on an invented clinic and write model and results into a folder, whole or not at all.

    Args:
        folder: replaced if it is there.
        cases: of the clinic.
        epochs: of the CNN.
        folds: of which one tests, one validates and the others train.
        lessons: batches of random histories on which the note's encoder is taught.
        say: told what happens.
    """
    # Here: a page whose model is there starts without Lightning.
    from mmskin.benchmark.answer import write_answer
    from mmskin.benchmark.quickstart import quickstart_benchmark
    from mmskin.benchmark.run.grid import Cell
    from mmskin.benchmark.run.run import run_benchmark
    from mmskin.benchmark.run.this_process import ThisProcess
    from mmskin.synthetic import make_clinic
    from mmskin.trained.run_models import load_trained
    from mmskin.trained.saved_model import save_model

    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix="training-") as place:
        work = Path(place)
        say(f"drawing {cases} invented cases")
        make_clinic(work / "clinic", cases=cases, seed=0)
        # The photo's encoder is learned in the first arm and read, frozen, in the second.
        arms = ("image_only", ARM)
        benchmark = quickstart_benchmark(work, seed=0, epochs=epochs, arms=arms, folds=folds, lessons=lessons)
        run_benchmark(benchmark, work, executor=ThisProcess(keep_going=False), say=say, quiet=True)
        write_answer(benchmark, work, replicates=500)
        made = work / "made"
        trained = load_trained(Cell(ARM, 0, 0).folder(work) / "model")
        save_model(replace(trained, record=json.loads(_without(work, json.dumps(trained.record)))), made / "model")
        metrics = json.loads((work / "results.json").read_text("utf-8"))["metrics"]
        of_arm = {"metrics": [row for row in metrics if row["arm"] == ARM]}
        (made / "results.json").write_text(json.dumps(of_arm, indent=1) + "\n", "utf-8")
        shutil.rmtree(folder, ignore_errors=True)
        made.rename(folder)


def _without(work: Path, text: str) -> str:
    """A text that does not say where the model was made."""
    return text.replace(str(work.absolute()), "work").replace(str(work), "work")

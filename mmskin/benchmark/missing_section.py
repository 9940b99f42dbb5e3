"""What the report says of missing parts: every arm on the test cases again, with less of each."""

from __future__ import annotations

from pathlib import Path

from mmskin.benchmark.benchmark_config import Benchmark
from mmskin.evaluation.missing_curves import evaluate_missing
from mmskin.evaluation.predictions import read_predictions
from mmskin.json_values import records
from mmskin.report.missing_report import missing_grids, missing_pictures
from mmskin.report.pages import Section

NOTE = (
    "The arms as they were trained, asked about the same test cases with less of them. Parts alone: the photo, or the "
    "history. Hidden fields: each by chance (at random); all that are recorded together, by patient (in blocks); or "
    "what is not worth writing down first, every “no” before any other answer (not at random). No arm was trained for "
    "it unless its recipe hides fields. First seed, exploratory."
)


def missing_section(benchmark: Benchmark, output: Path, *, folder: Path, replicates: int) -> list[Section]:
    """One section, or none where nothing was hidden.

    Args:
        benchmark: names the arms to be drawn.
        output: folder that holds missing.parquet.
        folder: for the figure.
        replicates: resamples of the patients.
    """
    path = output / "missing.parquet"
    if benchmark.missing_parts is None or not path.exists():
        return []
    losses = evaluate_missing(read_predictions(path), replicates=replicates)
    first = [arm for arm in (benchmark.primary.arm, benchmark.primary.reference) if arm in set(losses.scores["arm"])]
    return [
        Section(
            "When parts are missing",
            NOTE,
            pictures=missing_pictures(losses, first=first, folder=folder),
            grids=missing_grids(losses),
            saved={"missing_parts": records(losses.scores), "robustness": records(losses.robustness)},
        )
    ]

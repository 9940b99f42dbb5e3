"""Which of several recipes is best, seen from inside the training part of each fold.

With rotating folds the validation rows of one fold are test rows of another, so a recipe chosen on validation rows has
seen what is reported. Here the training part of fold k alone is split again, by patient, into five: each part is
answered by arms that were trained on three of the others and calibrated on one. Neither test nor validation rows of
fold k are read.

    python scripts/choose_on_inner_folds.py candidates.yaml --output runs/inner

The arms of the benchmark are the candidates. Printed for each fold are the class-balanced log-loss and the balanced
accuracy, pooled over the inner parts and seeds, and which candidate has the lowest loss.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path

import pandas as pd

from mmskin.benchmark.baselines.table_arm_contract import balanced_log_loss
from mmskin.benchmark.benchmark_config import Benchmark, read_benchmark
from mmskin.benchmark.run.executors import open_executor
from mmskin.benchmark.run.run import run_benchmark
from mmskin.data.load import folds_of, load_cases
from mmskin.data.table import Cases
from mmskin.evaluation.metrics import balanced_accuracy
from mmskin.evaluation.predictions import arm_names, probabilities, target_codes
from mmskin.report.numbers import number

INNER_FOLDS = 5
NOTHING_BUT_ANSWERS = {"missing_parts": None, "explanations": None, "audit": False}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("config", type=Path, help="a benchmark whose arms are the candidates")
    parser.add_argument("--output", type=Path, required=True, help="folder of the runs, one a fold")
    parser.add_argument("--folds", type=int, nargs="+", help="folds whose training part is looked at; all if left out")
    parser.add_argument("--parts", type=int, nargs="+", help="inner parts (0 to 4) that are answered; all if left out")
    parser.add_argument("--jobs", type=int, help="cells at a time")
    arguments, overrides = parser.parse_known_args()
    benchmark = read_benchmark(arguments.config, overrides)
    table = pd.DataFrame(
        scores(benchmark, arguments.output, folds=arguments.folds, parts=arguments.parts, jobs=arguments.jobs)
    )
    for metric in ("loss", "balanced_accuracy"):
        wide = table.pivot_table(index="arm", columns="fold", values=metric, sort=False)
        wide["mean"] = wide.mean(axis=1)
        print(f"\n{metric}\n{wide.map(number).to_string()}")
    best = table.loc[table.groupby("fold").loss.idxmin()]
    print("\nchosen: " + ", ".join(f"fold {row.fold} {row.arm}" for row in best.itertuples()))


def scores(
    benchmark: Benchmark,
    output: Path,
    *,
    folds: Sequence[int] | None,
    jobs: int | None,
    parts: Sequence[int] | None = None,
) -> Iterator[dict[str, object]]:
    """A row a fold and arm: `loss`, the class-balanced log-loss, and `balanced_accuracy`."""
    cases = load_cases(benchmark.data)
    outer = folds_of(benchmark.data, cases)
    inner = {"folds": INNER_FOLDS, "test_folds": "all" if parts is None else list(parts)}
    data = benchmark.data.model_copy(update=inner)
    inside = benchmark.model_copy(update={"data": data, **NOTHING_BUT_ANSWERS})
    for fold in sorted(set(outer)) if folds is None else folds:
        with open_executor("local", jobs=jobs, ray_address=None) as executor:
            answers, failures = run_benchmark(
                inside, output / f"fold_{fold}", executor=executor, quiet=True, cases=training_part(cases, outer, fold)
            )
        if failures:
            raise SystemExit("; ".join(str(failure) for failure in failures))
        for arm in arm_names(answers):
            yield {"fold": fold, "arm": arm, **_scores_of(answers[answers.arm == arm])}


def training_part(cases: Cases, outer: pd.Series[int], fold: int) -> Cases:
    """The cases that neither test nor validate in a fold."""
    held = outer.isin([fold, (fold + 1) % outer.nunique()])
    table = cases.table[cases.table.case_id.isin(outer.index[~held])]
    return cases._replace(table=table.reset_index(drop=True))


def _scores_of(answers: pd.DataFrame) -> dict[str, float]:
    target, probs = target_codes(answers), probabilities(answers)
    return {"loss": balanced_log_loss(probs, target), "balanced_accuracy": float(balanced_accuracy(target, probs))}


if __name__ == "__main__":
    main()

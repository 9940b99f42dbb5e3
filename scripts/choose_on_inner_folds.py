"""Which of several recipes is best, seen from inside the training part of each fold.

With rotating folds the validation rows of one fold are test rows of another, so a recipe chosen on validation rows has
seen what is reported. Here the training part of fold k alone is split again, by patient, into three: every third is
answered by arms trained on the other two. Neither test nor validation rows of fold k are read.

    python scripts/choose_on_inner_folds.py candidates.yaml --output runs/inner

The arms of the benchmark are the candidates. Told of each fold are the class-balanced log-loss and the balanced
accuracy, pooled over the thirds and seeds, and which candidate has the lowest loss.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from mmskin.benchmark.benchmark_config import Benchmark, read_benchmark
from mmskin.benchmark.run.executors import open_executor
from mmskin.benchmark.run.run import run_benchmark
from mmskin.data.load import folds_of, load_cases
from mmskin.data.splits import make_folds, write_folds
from mmskin.evaluation.metrics import balanced_accuracy, log_probs
from mmskin.evaluation.predictions import arm_names, probabilities, target_codes
from mmskin.report.numbers import number

THIRDS = 3


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("config", type=Path, help="a benchmark whose arms are the candidates")
    parser.add_argument("--output", type=Path, required=True, help="folder of the runs, one a fold and third")
    parser.add_argument("--folds", type=int, nargs="+", help="folds whose training part is looked at; all if left out")
    parser.add_argument("--jobs", type=int, help="cells at a time")
    arguments, overrides = parser.parse_known_args()
    benchmark = read_benchmark(arguments.config, overrides)
    table = pd.DataFrame(scores(benchmark, arguments.output, folds=arguments.folds, jobs=arguments.jobs))
    for metric in ("loss", "balanced_accuracy"):
        wide = table.pivot_table(index="arm", columns="fold", values=metric, sort=False)
        wide["mean"] = wide.mean(axis=1)
        print(f"\n{metric}\n{wide.map(number).to_string()}")
    best = table.loc[table.groupby("fold").loss.idxmin()]
    print("\nchosen: " + ", ".join(f"fold {row.fold} {row.arm}" for row in best.itertuples()))


def scores(
    benchmark: Benchmark, output: Path, *, folds: Sequence[int] | None, jobs: int | None
) -> Iterator[dict[str, object]]:
    """A row a fold and arm: `loss`, the class-balanced log-loss, and `balanced_accuracy`."""
    cases = load_cases(benchmark.data)
    outer = folds_of(benchmark.data, cases)
    for fold in sorted(set(outer)) if folds is None else folds:
        answers = []
        for third in range(THIRDS):
            place = output / f"fold_{fold}_third_{third}"
            place.mkdir(parents=True, exist_ok=True)
            write_folds(inner_folds(cases.table, outer, fold=fold, third=third), place / "folds.csv", table=cases.table)
            data = benchmark.data.model_copy(update={"folds": str(place / "folds.csv"), "test_folds": [0]})
            update = {"data": data, "test": False, "missing_parts": None, "explanations": None, "audit": False}
            with open_executor("local", jobs=jobs, ray_address=None) as executor:
                told, failures = run_benchmark(
                    benchmark.model_copy(update=update), place / "run", executor=executor, quiet=True
                )
            if failures:
                raise SystemExit("; ".join(str(failure) for failure in failures))
            answers.append(told)
        for arm, rows in _by_arm(pd.concat(answers)):
            yield {"fold": fold, "arm": arm, **rows}


def inner_folds(table: pd.DataFrame, outer: pd.Series[int], *, fold: int, third: int) -> pd.Series[int]:
    """Folds in which 0 holds test and validation rows of the outer fold, which are not read; 1 is the third that is
    answered, 2 the rest."""
    numbers = sorted(set(outer))
    outside = outer.isin([fold, (fold + 1) % len(numbers)])
    inside = table[table.case_id.isin(outer.index[~outside])]
    thirds = make_folds(inside, k=THIRDS, seed=fold)
    inner = pd.Series(0, index=outer.index, name="fold")
    inner[thirds.index] = np.where(thirds == third, 1, 2)
    return inner


def _by_arm(answers: pd.DataFrame) -> Iterator[tuple[str, dict[str, float]]]:
    for arm in arm_names(answers):
        rows = answers[answers.arm == arm]
        target, probs = target_codes(rows), probabilities(rows)
        own = -log_probs(probs)[np.arange(len(target)), target]
        loss = float(np.mean([own[target == code].mean() for code in np.unique(target)]))
        yield arm, {"loss": loss, "balanced_accuracy": float(balanced_accuracy(target, probs))}


if __name__ == "__main__":
    main()

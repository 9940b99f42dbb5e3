"""Which arms of a benchmark do not read a part of a case? The answers that stay the same when the part is taken away.

An arm whose answers stay and whose metrics stay reads the other parts alone, whatever its name says. Every arm's first
seed, on the test cases of all folds; "fields" under *left* means that photo and words were taken away.

    python scripts/unread_parts.py runs/pad-benchmark     (a second; the run has `missing_parts`, as is the default)
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from mmskin.evaluation.metrics import balanced_accuracy, macro_auroc, within_folds
from mmskin.evaluation.predictions import arm_names, probabilities, target_codes
from mmskin.report.numbers import number


class Answered(NamedTuple):
    """How an arm answers. balanced_accuracy: of all rows. auroc: macro, within folds."""

    balanced_accuracy: float
    auroc: float


class PartsLeft(NamedTuple):
    """An arm that is shown some parts alone. same: share of cases whose answer is that of the complete case."""

    arm: str
    left: str
    same: float
    complete: Answered
    shown: Answered


def unread_parts(table: pd.DataFrame) -> list[PartsLeft]:
    """Every arm with every set of parts.

    Args:
        table: a missing.parquet: test cases in the scenarios of `mmskin.data.missing_parts`.
    """
    found = []
    for arm in arm_names(table):
        of_arm = table[(table["arm"] == arm) & table["rate"].isin((0.0, 1.0))].sort_values("case_id")
        by_parts = dict(list(of_arm.groupby("scenario")))
        complete = by_parts.pop("complete")
        for left, shown in by_parts.items():
            assert list(shown["case_id"]) == list(complete["case_id"])
            same = probabilities(complete).argmax(axis=1) == probabilities(shown).argmax(axis=1)
            found.append(PartsLeft(arm, str(left), float(same.mean()), answered(complete), answered(shown)))
    return found


def answered(rows: pd.DataFrame) -> Answered:
    target, probs, fold = target_codes(rows), probabilities(rows), rows["fold"].to_numpy(dtype=np.int64)
    ranked = within_folds(macro_auroc, target, probs, np.ones(len(rows)), fold=fold)
    return Answered(float(balanced_accuracy(target, probs)), float(ranked))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, help="folder of `mmskin benchmark`")
    found = unread_parts(pd.read_parquet(parser.parse_args().run / "missing.parquet"))
    print("| arm | left | same answers | balanced accuracy | macro AUROC |\n|---|---|---|---|---|")
    for row in found:
        changes = [f"{number(whole)} → {number(part)}" for whole, part in zip(row.complete, row.shown, strict=True)]
        print(f"| {row.arm} | {row.left} | {number(row.same)} | {' | '.join(changes)} |")


if __name__ == "__main__":
    main()

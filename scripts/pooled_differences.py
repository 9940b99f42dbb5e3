"""One arm against others over several data sets: the paired difference on each, and what they say together.

A difference of each data set has its own patients, so they are independent. Together they are weighted by the inverse
of their squared bootstrap standard errors (fixed effect: Hedges & Olkin, *Statistical methods for meta-analysis*, 1985,
chapter 6); p is that of the normal approximation, not corrected for the number of arms. Q tests whether the data sets
differ by more than their patients explain (Cochran, *Biometrics* 1954).

    python scripts/pooled_differences.py runs/pad-ablation runs/milk10k-history --arm cross_attention

--least 150 reads only classes with so many cases: other cases are left out, and probabilities are those given that the
class is among the ones read. A few seconds a comparison; the folders are those of `mmskin benchmark`.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence
from pathlib import Path
from statistics import NormalDist
from typing import NamedTuple

import pandas as pd
from scipy.stats import chi2

from mmskin.evaluation.differences import POWER_80, Difference, paired_difference
from mmskin.evaluation.frequent_classes import of_frequent_classes
from mmskin.evaluation.predictions import arm_names, class_names
from mmskin.evaluation.results import read_run
from mmskin.report.numbers import difference, p_cell


class Pooled(NamedTuple):
    """Several independent differences as one. q_p: of Cochran's Q, 1 for a single difference."""

    estimate: float
    low: float
    high: float
    p: float
    q_p: float


def pooled(differences: Sequence[Difference]) -> Pooled:
    """The fixed-effect mean of independent differences with an interval of 95 %."""
    weights = [(POWER_80 / one.detectable) ** 2 for one in differences]
    total = sum(weights)
    mean = sum(weight * one.estimate for weight, one in zip(weights, differences, strict=True)) / total
    half = NormalDist().inv_cdf(0.975) / math.sqrt(total)
    p = 2 * NormalDist().cdf(-abs(mean) * math.sqrt(total))
    q = sum(weight * (one.estimate - mean) ** 2 for weight, one in zip(weights, differences, strict=True))
    return Pooled(mean, mean - half, mean + half, p, float(chi2.sf(q, len(differences) - 1)) if len(weights) > 1 else 1)


def compared(tables: Sequence[pd.DataFrame], arm: str, reference: str, metric: str) -> list[Difference]:
    return [
        paired_difference(table[table.arm == arm], table[table.arm == reference], metric=metric) for table in tables
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("runs", type=Path, nargs="+", help="folders of benchmarks that have the same arms")
    parser.add_argument("--arm", required=True)
    parser.add_argument("--references", nargs="+", help="all other arms that every run has, if left out")
    parser.add_argument("--metric", default="balanced_accuracy")
    parser.add_argument("--least", type=int, default=1, help="cases that a class must have to be read")
    asked = parser.parse_args()
    tables = [of_frequent_classes(read_run(run), asked.least)[0].table for run in asked.runs]
    shared = [name for name in arm_names(tables[0]) if all(name in arm_names(table) for table in tables)]
    rows = []
    for reference in asked.references or [name for name in shared if name != asked.arm]:
        differences = compared(tables, asked.arm, reference, asked.metric)
        together = pooled(differences)
        cells = {run.name: difference(one._asdict()) for run, one in zip(asked.runs, differences, strict=True)}
        cells |= {"together": difference(together._asdict()), "p": p_cell(together.p), "p of Q": p_cell(together.q_p)}
        rows.append({"minus": reference, **cells})
    print(f"{asked.arm}, {asked.metric}; classes: {'; '.join(', '.join(class_names(table)) for table in tables)}")
    print(pd.DataFrame(rows).to_string(index=False))


if __name__ == "__main__":
    main()

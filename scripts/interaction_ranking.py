"""Does the benchmark rank its arms as the truth says they must be ranked, at λ = 0 and at λ = 1?

Two clinics of other patients than those on whom the CNN learned to see (`interaction_on_pixels.py`), half of each a
test part. `mmskin benchmark` runs configs/synthetic/benchmark.yaml on both, and every arm stands beside its ceiling:
what Bayes answers to the same test cases, shown what the arm is shown: the photo's latents, the history's, or both. An
additive arm weighs photo and history each by itself; its ceiling is the product of the two experts, which is Bayes at
λ = 0 and, for an arm fitted by balanced log-loss, the best additive answer at λ = 1 too.

What the truth says, written before the first run. "A > B" claims a difference above 0, "A > B + 5" one above 5 points,
"A > B - 3" that A is at most 3 points behind. Exact ceilings, in balanced accuracy: λ = 0, photo .640, history .576,
both and product .803; λ = 1, photo .453, history .443, product .539, both .796.

λ = 0   image_only, text_only, metadata_only > majority
        image_only > text_only
        every fusion, additive or joint > image_only
        every fusion, additive or joint > text_only
        late > cross_attention - 2    (the product of experts is Bayes: there is nothing more to find)
λ = 1   late, concat > image_only
        late, concat > text_only
        every joint fusion > late + 5
        every joint fusion > concat + 5    (side by side under a linear head is a sum: as blind as late)
        late > concat - 3
        late > stacking - 3

The joint fusions are those that multiply or attend: JOINT below. Intervals are of 95 %, paired by patient, each for
itself: of the fifty claims one or two may fail by chance.

    python scripts/interaction_ranking.py --output runs/interaction_ranking     (about 25 CPU minutes)
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import torch
from interaction_on_pixels import SCHOOL_CASES, draw, teach, write_large_test

from mmskin.benchmark.arms import NeuralArm
from mmskin.benchmark.benchmark_config import Benchmark, read_benchmark
from mmskin.benchmark.resolve import resolve
from mmskin.benchmark.run.grid import cell_folder
from mmskin.benchmark.run.local import LocalExecutor
from mmskin.benchmark.run.preparation import Executor
from mmskin.benchmark.run.run import run_benchmark
from mmskin.config.build import build
from mmskin.evaluation.differences import Difference, paired_difference
from mmskin.evaluation.intervals import evaluate
from mmskin.evaluation.predictions import PROB, arm_names, class_names
from mmskin.fusion import FUSIONS
from mmskin.report.numbers import number, with_interval
from mmskin.synthetic import SyntheticCase, Truth, oracle_probs, product_of_experts, read_cases, read_truth
from mmskin.synthetic.latents import Floats

CONFIG = Path(__file__).parents[1] / "configs" / "synthetic" / "benchmark.yaml"
SHOWS = {"image": "photo", "text": "history", "metadata": "history", "fields": "history"}
LINEAR = ("logistic_regression", "stacking")  # table arms that are additive
TOKENS = ("cross_attention", "bottleneck", "co_attention")
PRODUCTS = ("gated", "low_rank", "film", "channel_gate", "metablock_note", "metablock")
JOINT = (*TOKENS, *PRODUCTS)


class Claim(NamedTuple):
    """The first arm's balanced accuracy is above the second's by more than the margin, in points."""

    above: str
    below: str
    margin: float = 0.0

    def __str__(self) -> str:
        return f"{self.above} > {self.below}" + (f" {number(self.margin, digits=0, sign=True)}" if self.margin else "")

    def verdict(self, difference: Difference) -> str:
        if 100 * difference.low > self.margin:
            return "as the truth says"
        return "against the truth" if 100 * difference.high < self.margin else "not shown"


CLAIMS = {
    0.0: [
        *(Claim(arm, "majority") for arm in ("image_only", "text_only", "metadata_only")),
        Claim("image_only", "text_only"),
        *(Claim(fusion, part) for part in ("image_only", "text_only") for fusion in ("late", "concat", *JOINT)),
        Claim("late", "cross_attention", -2),
    ],
    1.0: [
        *(Claim(fusion, part) for part in ("image_only", "text_only") for fusion in ("late", "concat")),
        *(Claim(fusion, additive, 5) for additive in ("late", "concat") for fusion in JOINT),
        *(Claim("late", additive, -3) for additive in ("concat", "stacking")),
    ],
}


def question(folder: Path, clinic: Path, overrides: Sequence[str] = ()) -> Benchmark:
    """The benchmark of the config on one clinic."""
    here = [f"data.root={clinic}", f"data.folds={clinic / 'folds.csv'}", f"features={folder / 'features'}"]
    weights = f"encoders.image.weights={cell_folder(folder / 'image_only', 'image_only', 0, 0) / 'model'}"
    return read_benchmark(CONFIG, [f"name={clinic.name}", *here, weights, *overrides])


def is_additive(benchmark: Benchmark, name: str) -> bool:
    """Whether an arm weighs photo and history each by itself."""
    arm = resolve(benchmark, Path())[name]
    if not isinstance(arm, NeuralArm):
        return arm.table["name"] in LINEAR
    return build("fusion", FUSIONS, arm.experiment.fusion, dict.fromkeys(arm.encoders, 64), 2).is_additive


def shown(benchmark: Benchmark, name: str) -> set[str]:
    """What an arm is shown of a case: photo, history, both or nothing."""
    arm = benchmark.arms[name]
    if arm.stacked:
        return set().union(*(shown(benchmark, over) for over in arm.stacked))
    if arm.fusion is not None:
        return {SHOWS[modality] for modality in resolve(benchmark, Path())[name].encoders}
    on = (arm.table or {}).get("on", [])
    return {SHOWS[part] for part in ([on] if isinstance(on, str) else on)}


def bayes(
    benchmark: Benchmark, name: str, rows: pd.DataFrame, *, cases: Sequence[SyntheticCase], truth: Truth
) -> pd.DataFrame:
    """An arm's ceiling as predictions on its own test cases, by the rule that is best for balanced accuracy: p / π.

    Args:
        benchmark: says what the arm is shown.
        name: of the arm.
        rows: its test rows, of one seed.
        cases: of the clinic.
        truth: of the clinic.
    """
    by_id = {case.case_id: case for case in cases}
    tested = [by_id[case] for case in rows["case_id"]]
    prior = np.array(truth.design.prior)
    parts = shown(benchmark, name)
    probs: Floats = np.tile(prior, (len(tested), 1))
    if parts == {"photo", "history"} and is_additive(benchmark, name):
        experts = [oracle_probs(tested, truth, photo=photo, history=not photo) for photo in (True, False)]
        probs = product_of_experts(truth.design, experts)
    elif parts:
        probs = oracle_probs(tested, truth, photo="photo" in parts, history="history" in parts)
    balanced = probs / prior
    answer = rows.assign(arm="bayes")
    answer[[PROB + name for name in class_names(rows)]] = balanced / balanced.sum(axis=1, keepdims=True)
    return answer


def beside_ceilings(benchmark: Benchmark, test: pd.DataFrame, clinic: Path) -> list[dict[str, Any]]:
    """A row an arm: its balanced accuracy, its ceiling on the same cases, and how far it stays below."""
    metrics = evaluate(test)
    found = metrics[(metrics["metric"] == "balanced_accuracy") & (metrics["subset"] == "all")].set_index("arm")
    cases, truth = read_cases(clinic), read_truth(clinic)
    rows = []
    for name in arm_names(test):
        of_arm = test[test["arm"] == name]
        one_seed = of_arm[of_arm["seed"] == benchmark.seeds[0]]
        best = bayes(benchmark, name, one_seed, cases=cases, truth=truth)
        ceiling = evaluate(best, replicates=1)
        behind = paired_difference(best, of_arm)
        estimate = ceiling.loc[ceiling["metric"] == "balanced_accuracy", "estimate"].iloc[0]
        rows.append(
            {
                "arm": name,
                **{str(key): value for key, value in found.loc[name].items()},
                "ceiling": float(estimate),
                "behind": behind._asdict(),
            }
        )
    return rows


def judge(test: pd.DataFrame, claims: Sequence[Claim]) -> list[dict[str, Any]]:
    """Every claim whose arms are there, with the paired difference and what it says of the claim."""
    by_arm = dict(list(test.groupby("arm")))
    judged = []
    for claim in claims:
        if not {claim.above, claim.below} <= set(by_arm):
            continue
        difference = paired_difference(by_arm[claim.above], by_arm[claim.below])
        judged.append({**claim._asdict(), "difference": difference._asdict(), "verdict": claim.verdict(difference)})
        print(f"{claim!s:36} {in_points(difference._asdict()):24} {judged[-1]['verdict']}", flush=True)
    return judged


def in_points(difference: dict[str, Any]) -> str:
    in_hundredths = {name: 100 * difference[name] for name in ("estimate", "low", "high")}
    return with_interval(in_hundredths, digits=1, sign=True)


def rank(
    folder: Path,
    interaction: float,
    *,
    cases: int,
    seed: int,
    executor: Executor,
    overrides: Sequence[str] = (),
) -> dict[str, Any]:
    """One clinic: make it, run the benchmark on it, print arms beside ceilings and claims beside verdicts."""
    clinic = draw(folder / f"lambda_{interaction:g}", cases=cases, interaction=interaction, seed=seed)
    write_large_test(clinic, parts=20, test_parts=10)
    benchmark = question(folder, clinic, overrides)
    table, failures = run_benchmark(benchmark, folder / f"benchmark_{interaction:g}", executor=executor, quiet=True)
    for failure in failures:
        print(f"{failure.arm} is left out, with every claim on it: {failure.reason}")
    test = table[table["split"] == "test"]
    print(f"\nλ = {interaction:g}, {test['case_id'].nunique()} test cases, balanced accuracy")
    rows = beside_ceilings(benchmark, test, clinic)
    for row in sorted(rows, key=lambda row: -row["estimate"]):
        print(
            f"{row['arm']:28}{with_interval(row):24}ceiling {number(row['ceiling'])}, behind {in_points(row['behind'])}"
        )
    print()
    return {"interaction": interaction, "arms": rows, "claims": judge(test, CLAIMS[interaction])}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--cases", type=int, default=4000, help="of each clinic; half of them test")
    parser.add_argument("--school-cases", type=int, default=SCHOOL_CASES)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--override", nargs="*", default=[], metavar="KEY=VALUE", help="of the benchmark's config")
    options = parser.parse_args()
    teach(options.output, cases=options.school_cases)
    with LocalExecutor(options.jobs) as executor:
        found = [
            rank(
                options.output,
                interaction,
                cases=options.cases,
                seed=seed,
                executor=executor,
                overrides=options.override,
            )
            for interaction, seed in ((0.0, 7), (1.0, 8))
        ]
    (options.output / "interaction_ranking.json").write_text(json.dumps(found, indent=1, default=float) + "\n")


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()

"""Do the parts of an explanation add up, and how long does one take? A saved model on cases of a data set.

    python scripts/explain_completeness.py runs/pad/late/fold_0/model configs/pad_ufes_20/late.yaml --cases 20

The error of words, fields and parts is told as a share of what is allowed: 1 % of the difference explained, or of .05
if that is more. Labels are not looked at.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import torch

from mmskin.config import read_experiment
from mmskin.data.load import load_cases
from mmskin.data.table import history_of
from mmskin.explain.explanation import Explanation
from mmskin.explain.integrated_gradients import bound
from mmskin.explainer import Explainer
from mmskin.predictor import Predictor


def errors(explanation: Explanation) -> dict[str, float]:
    """By part, the completeness error over what is allowed; parts that the explanation lacks are left out."""
    parts = {"words": explanation.words, "fields": explanation.fields, "parts": explanation.shares}
    return {
        name: part.completeness_error / bound(part.score - part.baseline_score)
        for name, part in parts.items()
        if part is not None
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("config", type=Path, help="experiment whose data section is read")
    parser.add_argument("overrides", nargs="*", help="overrides of the experiment, such as data.root=/data")
    parser.add_argument("--cases", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    predictor = Predictor.load(options.model)
    explainer = Explainer(predictor)
    table = load_cases(read_experiment(options.config, options.overrides).data).table
    worst: dict[str, float] = {}
    wall, cpu = [], []
    for row in table.sample(options.cases, random_state=options.seed).to_dict("records"):
        history = history_of(row, predictor.schema)
        began, used = time.perf_counter(), time.process_time()
        explanation = explainer.explain(list(row["images"]) or None, dict(history.fields), history.text)
        wall.append(time.perf_counter() - began)
        cpu.append(time.process_time() - used)
        worst = {name: max(error, worst.get(name, 0.0)) for name, error in errors(explanation).items()}
    print("largest error as a share of what is allowed: " + ", ".join(f"{k} {v:.2g}" for k, v in worst.items()))
    for name, seconds in (("wall", wall), ("CPU", cpu)):
        ranked = sorted(seconds)
        print(f"{name} seconds a case: median {ranked[len(ranked) // 2]:.2f}, most {ranked[-1]:.2f}")


if __name__ == "__main__":
    main()

"""Does cross-attention learn from pixels and notes what lies in photo and history together only (λ = 1)?

The CNN learns to see on another clinic, of other patients at λ = 0, where a photo says something by itself; as one
starts from pretrained weights in practice. At λ = 1 both fusions read that CNN, frozen, so that late fusion can't fail
for want of an image feature; the note encoder and the fusion start from random weights. Both are scored on the same
test cases as the exact posterior.

    python scripts/interaction_on_pixels.py --output runs/interaction
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import pandas as pd
import torch

from mmskin.benchmark.run.grid import cell_folder
from mmskin.benchmark.run.run import run_experiment
from mmskin.config.experiment import Experiment, parse_experiment
from mmskin.data.sources.synthetic import Synthetic
from mmskin.data.splits import make_folds, write_folds
from mmskin.evaluation.predictions import class_names, probabilities
from mmskin.report.numbers import number, points
from mmskin.synthetic import ceiling, make_clinic, oracle_probs, read_cases, read_truth

CASES, PARTS, TEST_PARTS = 12_500, 25, 10  # ten parts of twenty-five test (5,000 cases), one validates, 14 train
SCHOOL_CASES = 10_000  # eight tenths of them teach the CNN


def prepare(folder: Path) -> Path:
    """The clinic at λ = 1 and its fold file, and the CNN's school."""
    clinic = draw(folder / "clinic", cases=CASES, interaction=1.0, seed=5)
    teach(folder, cases=SCHOOL_CASES)
    write_large_test(clinic, parts=PARTS, test_parts=TEST_PARTS)
    return clinic


def draw(place: Path, *, cases: int, interaction: float, seed: int) -> Path:
    """A clinic of photos of 128 px, unless it is there already."""
    if not (place / "truth.json").exists():
        make_clinic(place, cases=cases, size=128, interaction=interaction, seed=seed)
    return place


def teach(folder: Path, *, cases: int, epochs: int = 12) -> None:
    """The school clinic at λ = 0, and what the CNN learns there, in image_only."""
    draw(folder / "school", cases=cases, interaction=0.0, seed=6)
    run_experiment(school_experiment(folder, epochs=epochs), folder / "image_only", progress=False)


def write_large_test(clinic: Path, *, parts: int, test_parts: int) -> None:
    """folds.csv: of equal parts some are fold 0, which tests, one is fold 1, which validates; the rest trains."""
    table = Synthetic().load(clinic).table
    folds = make_folds(table, k=parts).map(lambda part: 0 if part < test_parts else 1 if part == test_parts else 2)
    write_folds(folds, clinic / "folds.csv", table=table)


def school_experiment(folder: Path, *, epochs: int) -> Experiment:
    """The CNN from random weights on photos alone."""
    return parse_experiment(
        {
            "name": "image_only",
            "data": {
                "source": {"name": "synthetic"},
                "root": str(folder / "school"),
                "folds": 10,
                "test_folds": [0],
                "photo_side": 128,
            },
            "encoders": {"image": {"name": "timm", "model": "test_resnet", "image_size": 128}},
            "fusion": {"name": "image_only"},
            "loss": {"name": "cross_entropy"},
            "training": {"epochs": epochs, "batch_size": 32, "learning_rate": 3e-3, "weight_decay": 0.05, "threads": 1},
        }
    )


def experiment(arm: str, folder: Path, *, seed: int) -> Experiment:
    """An arm at λ = 1 that reads the CNN frozen."""
    clinic = folder / "clinic"
    data = {"source": {"name": "synthetic"}, "root": str(clinic), "folds": str(clinic / "folds.csv")}
    image = {"name": "timm", "model": "test_resnet", "image_size": 128}
    image |= {"weights": str(cell_folder(folder / "image_only", "image_only", 0, 0) / "model"), "trainable": "none"}
    return parse_experiment(
        {
            "name": arm,
            "data": data | {"test_folds": [0], "photo_side": 128},
            "encoders": {"image": image, "text": {"name": "hashing", "dim": 64}},
            "fusion": {"name": arm} | ({"hidden_dim": 64} if arm == "cross_attention" else {}),
            "loss": {"name": "cross_entropy"},
            "training": {"epochs": 16, "batch_size": 32, "learning_rate": 3e-3, "weight_decay": 0.05, "threads": 1},
            "seed": seed,
            "features": str(folder / "features"),
        }
    )


def score(table: pd.DataFrame, clinic: Path) -> dict[str, float]:
    """Accuracy of the arm and of Bayes on the arm's own test cases."""
    test = table[table["split"] == "test"]
    names = pd.Index(class_names(test))
    by_id = {case.case_id: case for case in read_cases(clinic)}
    bayes = oracle_probs([by_id[case] for case in test["case_id"]], read_truth(clinic)).argmax(1)
    return {
        "accuracy": float((names[probabilities(test).argmax(1)] == test["target"]).mean()),
        "bayes": float((names[bayes] == test["target"]).mean()),
        "cases": len(test),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    options = parser.parse_args()
    clinic = prepare(options.output)
    design = read_truth(clinic).design
    print(f"exact ceiling, both modalities: {number(ceiling(design, seen=design.attributes).accuracy)}")
    rows = []
    for seed in options.seeds:
        for arm in ("cross_attention", "late"):
            run = options.output / f"{arm}-{seed}"
            table = run_experiment(experiment(arm, options.output, seed=seed), run, progress=False)
            rows.append({"arm": arm, "seed": seed, **score(table, clinic)})
            row = rows[-1]
            print(
                f"seed {seed} {arm:16} accuracy {number(row['accuracy'])}, Bayes {number(row['bayes'])} on the same "
                f"{row['cases']} cases, behind by {points(row['bayes'] - row['accuracy'])} points",
                flush=True,
            )
    (options.output / "interaction_on_pixels.json").write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()

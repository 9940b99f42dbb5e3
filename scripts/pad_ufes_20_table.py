"""Every arm of the README's table on PAD-UFES-20, in order: encoders are fine-tuned first, fusions read them frozen.

    python scripts/pad_ufes_20_table.py --output runs/pad --jobs 2
    mmskin evaluate runs/pad/* --reference image_only --output runs/pad-report

A run that is there already is kept; one that was stopped is gone on with.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import NamedTuple

from mmskin.config.experiment import read_experiment
from mmskin.training.run import run_experiment

CONFIGS = Path(__file__).parents[1] / "configs" / "pad_ufes_20"
HASHING = "encoders.text={name: hashing, dim: 64}"
TEXT_READ = ("encoders.text.weights=runs/pad/text_only/fold_{fold}/model", "encoders.text.trainable=none")


class Arm(NamedTuple):
    """A row of the table: a config and what differs from it."""

    config: str
    variant: str = ""
    overrides: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return f"{self.config}-{self.variant}" if self.variant else self.config


def in_mode(config: str, mode: str, *more: str) -> Arm:
    return Arm(config, mode, (f"data.missingness={mode}", *more))


FUSED = ("cross_attention", "late", "concat")
ARMS = (
    Arm("image_only"),
    Arm("text_only"),
    *(Arm(fusion) for fusion in FUSED),
    Arm("metadata_only"),
    in_mode("metadata_only", "visible"),
    *(in_mode(fusion, "visible") for fusion in FUSED),
    in_mode("text_only", "visible", *TEXT_READ),
    *(in_mode(fusion, "equalized") for fusion in FUSED),
    *(Arm(fusion, "hashing", (HASHING,)) for fusion in FUSED[:2]),
    Arm("cross_attention", "cross_entropy", ("loss={name: cross_entropy}",)),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, default=Path("runs/pad"))
    parser.add_argument("--jobs", type=int, default=2, help="folds at the same time")
    parser.add_argument("--arms", nargs="*", help="names of arms; all if not given")
    options = parser.parse_args()
    for arm in ARMS:
        if options.arms and arm.name not in options.arms:
            continue
        overrides = [f"name={arm.name}", *arm.overrides]
        if arm.name not in ("image_only", "text_only", "cross_attention"):
            overrides.append("training.save_model=false")
        experiment = read_experiment(CONFIGS / f"{arm.config}.yaml", overrides)
        print(arm.name, flush=True)
        run_experiment(experiment, options.output / arm.name, resume=True, jobs=options.jobs, progress=False)


if __name__ == "__main__":
    main()

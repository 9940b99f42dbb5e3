"""Accuracy against interaction strength λ, on the latents of the synthetic clinic themselves: isolates the fusion.

Photo latents go in as image tokens, history latents as text tokens, one-hot; no encoder, no pixels. Late fusion and
cross-attention are trained on the same cases and scored on the same test cases as the exact posterior.

    python scripts/interaction_on_latents.py --output runs/interaction     (about 10 CPU minutes)

Other fusions, and as few cases as a benchmark has, go by options; the figure is of the two.

    python scripts/interaction_on_latents.py --output runs/few --arms bottleneck metablock_note --train 1800 --epochs 12
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor, nn

from mmskin.encoders.encoder_contract import Encoder
from mmskin.features import Features
from mmskin.fusion import FUSIONS
from mmskin.inputs.batch import Batch
from mmskin.losses import LOSSES
from mmskin.model.classifier import MultimodalClassifier
from mmskin.report.metric_figures import svg
from mmskin.report.numbers import number, points
from mmskin.synthetic import ClinicDesign, Latents, ceiling, default_design, latent_tokens, posterior, sample

ARMS: dict[str, dict[str, Any]] = {
    "late": {"dropout": 0.0},
    "cross_attention": {"dropout": 0.0, "token_dropout": 0.0, "hidden_dim": 64},
    "bottleneck": {"dropout": 0.0, "token_dropout": 0.0, "hidden_dim": 64},
    "metablock_note": {"group_width": 1},  # every latent a group of its own: the finest that MetaBlock can be
}
PLOTTED = ("late", "cross_attention")
TRAIN, TEST, EPOCHS, BATCH = 20_000, 10_000, 12, 256


class Schooling(NamedTuple):
    """What the fusions learn from: training cases of a design, and how often they are read."""

    cases: int = TRAIN
    epochs: int = EPOCHS


class Given(Encoder):
    """Stands where an encoder would: its features are handed to the model ready-made."""

    def __init__(self, out_dim: int) -> None:
        super().__init__()
        self.out_dim = out_dim


def features_of(design: ClinicDesign, latents: Latents) -> dict[str, Tensor]:
    """(N, T, D) tokens by modality: each latent one token, one-hot in slots of its own."""
    tokens = latent_tokens(design, latents)
    return {"image": torch.from_numpy(tokens["photo"]), "text": torch.from_numpy(tokens["history"])}


def make_batch(tokens: dict[str, Tensor], target: Tensor, rows: Tensor) -> Batch:
    there = torch.ones(len(rows), dtype=torch.bool)
    inputs: dict[str, Any] = {
        modality: Features(part[rows].sum(1), part[rows], torch.ones(part[rows].shape[:2], dtype=torch.bool))
        for modality, part in tokens.items()
    }
    index = torch.arange(len(rows))
    return Batch(inputs, dict.fromkeys(tokens, index), dict.fromkeys(tokens, there), target[rows], [""] * len(rows))


def batches(tokens: dict[str, Tensor], target: Tensor, order: Tensor) -> Iterator[Batch]:
    for rows in torch.split(order, BATCH):
        yield make_batch(tokens, target, rows)


def train(arm: str, design: ClinicDesign, latents: Latents, *, seed: int, epochs: int) -> MultimodalClassifier:
    """One fusion on the latents, cross-entropy, AdamW, one cycle."""
    torch.manual_seed(seed)
    tokens, target = features_of(design, latents), torch.from_numpy(latents.target)
    dims = {modality: part.shape[-1] for modality, part in tokens.items()}
    classes = len(design.classes)
    loss = LOSSES["cross_entropy"](np.bincount(latents.target, minlength=classes).tolist())
    fusion = FUSIONS[arm](dims, classes, **ARMS[arm])
    fusion.set_prior(loss.prior())
    model = MultimodalClassifier({modality: Given(dim) for modality, dim in dims.items()}, fusion)
    optimizer = torch.optim.AdamW(model.parameters(), weight_decay=0.01)
    steps = epochs * -(-len(target) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 5e-3 if arm == "late" else 2e-3, total_steps=steps)
    for _ in range(epochs):
        for batch in batches(tokens, target, torch.randperm(len(target))):
            output = model(batch)
            total = loss(output.logits, batch.target)
            for _, logits in output.parts():
                total = total + loss(logits, batch.target)
            optimizer.zero_grad()
            total.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
    return model.eval()


@torch.inference_mode()
def right(model: MultimodalClassifier, design: ClinicDesign, test: Latents) -> np.ndarray:
    """(N,) bool: the most likely class is the true one."""
    tokens, target = features_of(design, test), torch.from_numpy(test.target)
    answers = [model(batch).logits.argmax(1) for batch in batches(tokens, target, torch.arange(len(target)))]
    return (torch.cat(answers) == target).numpy()


def run(interactions: list[float], seeds: int, *, arms: Sequence[str], schooling: Schooling) -> list[dict[str, Any]]:
    """A row per λ and arm: accuracy of the oracle and of the arm on the same test cases, mean over seeds."""
    rows = []
    for interaction in interactions:
        design = default_design(interaction=interaction)
        exact = ceiling(design, seen=design.attributes).accuracy
        found: dict[str, list[float]] = {arm: [] for arm in arms}
        behind: dict[str, list[float]] = {arm: [] for arm in arms}
        for seed in range(seeds):
            rng = np.random.default_rng(1000 * seed + 7)
            latents, test = sample(design, schooling.cases, rng), sample(design, TEST, rng)
            bayes = posterior(design, photo=test.photo, history=test.history).argmax(1) == test.target
            for arm in arms:
                model = train(arm, design, latents, seed=seed, epochs=schooling.epochs)
                correct = right(model, design, test)
                found[arm].append(float(correct.mean()))
                behind[arm].append(float(bayes.mean() - correct.mean()))
        for arm in arms:
            rows.append(
                {
                    "interaction": interaction,
                    "arm": arm,
                    "accuracy": float(np.mean(found[arm])),
                    "accuracy_by_seed": found[arm],
                    "behind_bayes_by_seed": behind[arm],
                    "bayes_exact": exact,
                }
            )
            print(
                f"λ={interaction:g} {arm:16} accuracy {number(float(np.mean(found[arm])))}, "
                f"Bayes exactly {number(exact)}, "
                f"behind Bayes on the same cases by {points(float(np.mean(behind[arm])))} points",
                flush=True,
            )
    return rows


def draw(rows: list[dict[str, Any]]) -> str:
    """The figure of the README, as SVG."""
    figure = Figure(figsize=(6.4, 3.8), layout="constrained")
    axes = figure.add_subplot()
    strengths = sorted({row["interaction"] for row in rows})
    exact = [next(row["bayes_exact"] for row in rows if row["interaction"] == x) for x in strengths]
    axes.plot(strengths, exact, color="#444444", linestyle="--", label="Bayes, both modalities (exact)")
    for arm, colour, marker in (("cross_attention", "#0072b2", "o"), ("late", "#d55e00", "s")):
        means = [row["accuracy"] for row in rows if row["arm"] == arm]
        axes.plot(strengths, means, color=colour, marker=marker, label=arm.replace("_", "-") + " fusion")
    axes.set(xlabel="interaction strength λ", ylabel="accuracy", ylim=(0.5, 0.9))
    axes.grid(alpha=0.3)
    axes.legend(frameon=False)
    return svg(figure)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--interactions", type=float, nargs="+", default=[0.0, 0.25, 0.5, 0.75, 1.0])
    parser.add_argument("--arms", nargs="+", default=PLOTTED, choices=ARMS)
    parser.add_argument("--train", type=int, default=TRAIN, help="cases that the fusions learn from")
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    options = parser.parse_args()
    torch.set_num_threads(1)
    schooling = Schooling(options.train, options.epochs)
    rows = run(options.interactions, options.seeds, arms=options.arms, schooling=schooling)
    options.output.mkdir(parents=True, exist_ok=True)
    (options.output / "interaction_on_latents.json").write_text(json.dumps(rows, indent=1) + "\n")
    if set(PLOTTED) <= set(options.arms):
        (options.output / "interaction_on_latents.svg").write_text(draw(rows))


if __name__ == "__main__":
    main()

"""Do heat maps of photos hold? On the synthetic clinic, where the lesion's mask and the pen mark are known.

A small CNN learns on photos of 224 pixels whose lesions lie off the centre; a second one on a clinic where a pen mark
goes with the worrying diseases. Test photos, of patients that no model has seen, then give: the pointing game, deletion
and insertion against random orders, the sanity check by random weights, stability, the cost, and what the pen mark does
to the answer (twins: the same case drawn with it and without) and to the map.

The method was named beforehand, Grad-CAM of the model's own answer; the others stand beside it and choose nothing.

About 8 CPU minutes on one core: 2 draw the photos, 4 train, 2 explain.

    python scripts/explain_synthetic.py --output runs/explain
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import torch
from PIL import Image
from torch import Tensor

from mmskin.api.predictor import Predictor
from mmskin.benchmark.run.run import run_experiment
from mmskin.config.experiment import Experiment, parse_experiment
from mmskin.evaluation.predictions import read_predictions
from mmskin.explain.check import mean_with_interval
from mmskin.explain.faithfulness import (
    Mask,
    deletion_insertion,
    instability,
    pointing_game,
    randomised,
    rank_correlation,
    share_on,
    warmest_first,
)
from mmskin.explain.fixed_history import FixedHistory, hold_presented
from mmskin.explain.gradient import Heat
from mmskin.explain.photo_map import heat_of
from mmskin.report import numbers
from mmskin.report.numbers import number, percent, rough, with_interval
from mmskin.synthetic import Shortcut, ceiling, make_clinic, read_cases, read_truth, render, twin
from mmskin.synthetic.latents import WORRYING

SIZE = 224
AREA = (0.05, 0.14)  # small enough that fewer than half of the lesions cover the centre of the photo
PRIMARY = "grad_cam"
BESIDE = ("grad_cam_plus_plus", "gradient_x_activation")


class Seen(NamedTuple):
    """A test case: its patient, the model as a function of its photo, the class that it answers, the lesion."""

    patient_id: str
    held: FixedHistory
    code: int
    mask: Mask


def experiment(clinic: Path, *, epochs: int) -> Experiment:
    """A small CNN from random weights on photos alone, with a feature map of 14 x 14."""
    return parse_experiment(
        {
            "name": "image_only",
            "data": {
                "source": {"name": "synthetic"},
                "root": str(clinic),
                "folds": 6,
                "test_folds": [0],
                "photo_side": SIZE,
            },
            "encoders": {
                "image": {"name": "timm", "model": "test_resnet", "image_size": SIZE, "output_stride": 16},
            },
            "fusion": {"name": "image_only"},
            "loss": {"name": "cross_entropy"},
            "training": {
                "epochs": epochs,
                "views": epochs,
                "augment": {"zoom": 0.1, "blur": 0.0, "erase": 0.0},
                "batch_size": 16,
                "learning_rate": 2e-3,
                "threads": 1,
                "precision": "bf16",
            },
        }
    )


def train(folder: Path, *, cases: int, epochs: int, shortcut: Shortcut | None = None) -> Predictor:
    """Draw the clinic and train on it, unless that is done."""
    clinic = folder / "clinic"
    if not (clinic / "truth.json").exists():
        make_clinic(clinic, cases=cases, size=SIZE, area=AREA, seed=7, shortcut=shortcut)
    run_experiment(experiment(clinic, epochs=epochs), folder / "run", progress=False)
    return Predictor.load(folder / "run")


def test_rows(folder: Path) -> pd.DataFrame:
    table = read_predictions(folder / "run" / "predictions.parquet")
    return table[table["split"] == "test"]


def look(predictor: Predictor, folder: Path, rows: pd.DataFrame) -> list[Seen]:
    """The test cases, each with the class that the model thinks most likely."""
    seen = []
    for row in rows.itertuples():
        held = hold_presented(predictor.present(folder / "clinic" / "photos" / f"{row.case_id}.jpg"))
        with torch.no_grad():
            code = int(held.logits_of_tokens(held.tokens[None]).argmax())
        with Image.open(folder / "clinic" / "masks" / f"{row.case_id}.png") as mask:
            seen.append(Seen(str(row.patient_id), held, code, np.asarray(mask) > 0))
    return seen


def pointing(seen: Sequence[Seen]) -> dict[str, Any]:
    masks = [case.mask for case in seen]
    found = {}
    for method in (PRIMARY, *BESIDE):
        game = pointing_game([heat_of(case.held, case.code, method=method) for case in seen], masks)
        found[method] = game._asdict()
        share = with_interval({"estimate": game.share, **found[method]})
        print(
            f"pointing, {method}: {share} of {game.n} photos; "
            f"random point {number(game.random)}, centre {number(game.centre)}"
        )
    return found


def curves(predictor: Predictor, seen: Sequence[Seen], *, orders: int) -> dict[str, Any]:
    """Areas of the map's own order, and those of random orders of the same photo, paired."""
    own, random = [], []
    for i, case in enumerate(seen):
        score = probability(predictor, case)
        rng = np.random.default_rng(i)
        heat = heat_of(case.held, case.code)
        shuffled = [rng.permutation(heat.size) for _ in range(orders)]
        areas = [
            deletion_insertion(score, case.held.pixels, order, grid=case.held.grid)
            for order in (warmest_first(heat), *shuffled)
        ]
        own.append(areas[0])
        random.append(np.mean(areas[1:], axis=0))
    found = {}
    patients = pd.Series([case.patient_id for case in seen])
    for i, (name, better) in enumerate((("deletion", "lower"), ("insertion", "higher"))):
        mine, theirs = np.array(own)[:, i], np.array(random)[:, i]
        difference, low, high = mean_with_interval(mine - theirs, patients)
        found[name] = {"own": mine.mean(), "random": theirs.mean(), "difference": difference, "low": low, "high": high}
        paired = numbers.difference({**found[name], "estimate": difference})
        print(
            f"{name}: {number(mine.mean())}, random orders {number(theirs.mean())}; paired difference {paired} over "
            f"{len(seen)} photos; {better} is faithful"
        )
    return found


def probability(predictor: Predictor, case: Seen) -> Callable[[Tensor], Tensor]:
    """Photos (N, 3, H, W) → (N,), the probability of the class that the map explains."""
    return lambda photos: predictor.trained.models[0].loss.probabilities(case.held.logits_of_pixels(photos))[
        :, case.code
    ]


def sanity(predictor: Predictor, seen: Sequence[Seen]) -> dict[str, float]:
    """Rank correlation of a map with that of the same photo after layers have forgotten what they learned."""
    model: Any = predictor.trained.models[0].model
    cnn = model.encoders["image"].model
    found = {}
    for name, modules in {
        "head": (model.head,),
        "head and last stage": (model.head, cnn.layer4),
        "all layers": (model.head, cnn),
    }.items():
        ranks = []
        for i, case in enumerate(seen):
            before = heat_of(case.held, case.code)
            with randomised(*modules, seed=i):
                ranks.append(rank_correlation(before, heat_of(case.held.at(case.held.pixels), case.code)))
        found[name] = float(np.nanmean(ranks))
        correlation = number(found[name], sign=True)
        print(f"random weights, {name}: rank correlation with the learned map {correlation} (1 if it ignores them)")
    return found


def map_at(case: Seen, pixels: Tensor) -> Heat:
    """The heat map of a case as its photo becomes other pixels."""
    return heat_of(case.held.at(pixels), case.code)


def stability(seen: Sequence[Seen]) -> dict[str, float]:
    found = {}
    for noise in (0.01, 0.05):
        changes = [instability(partial(map_at, case), case.held.pixels, noise=noise) for case in seen]
        mean, highest = float(np.nanmean(changes)), float(np.nanmax(changes))
        found[str(noise)] = mean
        print(
            f"noise of {percent(noise)} of the photo's spread: the map changes by {number(mean)} of its "
            f"size (mean over photos of the largest of 4 draws; highest {number(highest)})"
        )
    return found


def cost(predictor: Predictor, case: Seen, *, repeats: int = 15) -> dict[str, float]:
    """CPU seconds of a map, encoder included, beside those of one forward and one backward pass of the model."""
    pixels = case.held.pixels

    def both_ways() -> None:
        torch.autograd.backward(case.held.logits_of_pixels(pixels[None])[0, case.code])
        predictor.trained.models[0].model.zero_grad(set_to_none=True)

    tasks = {"grad_cam": lambda: heat_of(case.held.at(pixels), case.code), "forward and backward": both_ways}
    spent: dict[str, list[float]] = {name: [] for name in tasks}
    for _ in range(repeats):
        for name, task in tasks.items():
            start = time.process_time()
            task()
            spent[name].append(time.process_time() - start)
    found = {name: float(np.median(times)) for name, times in spent.items()}
    ratio = found["grad_cam"] / found["forward and backward"]
    cost = f"{rough(1e3 * found['grad_cam'])} CPU ms, {number(ratio, digits=2)}"
    print(f"cost: Grad-CAM {cost} of one forward and one backward pass")
    return found | {"ratio": ratio}


def pen_mark(models: dict[str, tuple[Predictor, Path]], *, cases: int) -> dict[str, Any]:
    """What ink does to the answer and to the map, in a model that could learn from it and in one that could not."""
    found = {}
    for name, (predictor, folder) in models.items():
        by_id = {case.case_id: case for case in read_cases(folder / "clinic")}
        rows = test_rows(folder).head(cases)
        worrying = [predictor.schema.classes.index(disease) for disease in WORRYING]
        moved, shares, areas = [], [], []
        for case_id in rows["case_id"]:
            drawn = [render(twin(by_id[case_id], {"pen": pen}), size=SIZE, area=AREA).pixels for pen in ("no", "yes")]
            held = [hold_presented(predictor.present(Image.fromarray(pixels))) for pixels in drawn]
            with torch.no_grad():
                loss = predictor.trained.models[0].loss
                probs = [loss.probabilities(one.logits_of_tokens(one.tokens[None]))[0] for one in held]
            moved.append(float(probs[1][worrying].sum() - probs[0][worrying].sum()))
            code = worrying[int(probs[1][worrying].argmax())]
            ink = (drawn[0] != drawn[1]).any(axis=2)
            shares.append(share_on(heat_of(held[1], code), ink))
            areas.append(float(ink.mean()))
        change, low, high = mean_with_interval(np.array(moved), rows["patient_id"])
        found[name] = {"change": change, "low": low, "high": high, "share": float(np.nanmean(shares))}
        found[name]["area"] = float(np.mean(areas))
        raised = numbers.difference({**found[name], "estimate": change})
        print(
            f"pen mark, {name}: it raises p(worrying) by {raised} over {len(rows)} twins; "
            f"{number(found[name]['share'])} of the warmth for a worrying disease lies on the ink, which covers "
            f"{number(found[name]['area'])} of the photo"
        )
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--cases", type=int, default=2400)
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--photos", type=int, default=60, help="test photos for all but pointing, which reads all")
    parser.add_argument("--orders", type=int, default=4, help="random orders a photo")
    options = parser.parse_args()
    plain, inked = options.output / "plain", options.output / "inked"
    predictor = train(plain, cases=options.cases, epochs=options.epochs)
    rows = test_rows(plain)
    answered = [str(column).removeprefix("prob_") for column in rows.filter(like="prob_").idxmax(axis=1)]
    right = rows["target"] == answered
    design = read_truth(plain / "clinic").design
    best = ceiling(design, seen=tuple(design.photo)).accuracy
    print(f"accuracy {number(right.mean())} on {len(rows)} test photos; Bayes from photos alone {number(best)}")
    seen = look(predictor, plain, rows)
    some = seen[: options.photos]
    found: dict[str, Any] = {"accuracy": float(right.mean()), "pointing": pointing(seen)}
    found["curves"] = curves(predictor, some, orders=options.orders)
    found["sanity"] = sanity(predictor, some)
    found["stability"] = stability(some)
    found["cost"] = cost(predictor, seen[0])
    learned = train(inked, cases=options.cases // 3, epochs=options.epochs // 2, shortcut=Shortcut("pen"))
    found["pen"] = pen_mark({"planted": (learned, inked), "not planted": (predictor, plain)}, cases=options.photos)
    (options.output / "explain_synthetic.json").write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()

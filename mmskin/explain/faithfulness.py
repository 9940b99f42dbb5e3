"""Whether a heat map tells the truth about the model, in numbers.

A map that looks right to a person may have nothing to do with the model. Each function here asks one thing of it, of
any map and any model, as callables; none of them knows how the map was made.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import rankdata
from torch import Tensor, nn
from torch.nn import functional as F

from mmskin.explain.gradient import Heat
from mmskin.explain.overlay import enlarged

Mask = NDArray[np.bool_]
Order = NDArray[np.int64]
"""(T,) the cells of a grid, row by row numbered, in the order in which they are taken."""
ScorePhotos = Callable[[Tensor], Tensor]
"""(N, 3, H, W) → (N,)."""

Z_95 = 1.959964  # normal quantile of a 95 % interval


# --- does it point at the lesion? ---------------------------------------------------------------------------


class Pointing(NamedTuple):
    """Share of maps whose warmest cell lies in the lesion, and what would be hit without looking.

    low, high: Wilson's 95 % interval of the share.
    random: of a point anywhere in the photo; centre: of the middle of the photo.
    """

    share: float
    low: float
    high: float
    random: float
    centre: float
    n: int


def pointing_game(heats: Sequence[Heat], masks: Sequence[Mask]) -> Pointing:
    """Zhang et al., 2018, "Top-down neural attention by excitation backprop", section 4.1, without their tolerance.

    Args:
        heats: one map a photo, of the whole photo.
        masks: (H, W) bool, True in the lesion.

    Raises:
        ValueError: no maps, or not as many masks.
    """
    if not heats or len(heats) != len(masks):
        raise ValueError(f"pointing needs a mask for each map, however: {len(heats)} maps, {len(masks)} masks")
    hits = [points_at(heat, mask) for heat, mask in zip(heats, masks, strict=True)]
    low, high = wilson(sum(hits), len(hits))
    centres = [mask[mask.shape[0] // 2, mask.shape[1] // 2] for mask in masks]
    random = float(np.mean([mask.mean() for mask in masks]))
    return Pointing(float(np.mean(hits)), low, high, random, float(np.mean(centres)), len(hits))


def points_at(heat: Heat, mask: Mask) -> bool:
    """Whether the middle of the warmest cell, the first if several are, lies in the mask. A map of zeros does not."""
    if not heat.any():
        return False
    row, column = np.unravel_index(int(heat.argmax()), heat.shape)
    height, width = mask.shape
    at = int((row + 0.5) / heat.shape[0] * height), int((column + 0.5) / heat.shape[1] * width)
    return bool(mask[at])


def share_on(heat: Heat, mask: Mask) -> float:
    """Share of the warmth that lies in the mask, beside whose own share of the photo it is to be read; NaN for 0."""
    large = enlarged(heat, (mask.shape[1], mask.shape[0]))
    total = float(large.sum())
    return float(large[mask].sum()) / total if total > 0 else float("nan")


def wilson(successes: int, n: int) -> tuple[float, float]:
    """95 % interval of a share (Wilson, 1927)."""
    share, z2 = successes / n, Z_95**2
    middle = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = Z_95 * np.sqrt(share * (1 - share) / n + z2 / (4 * n * n)) / (1 + z2 / n)
    return max(0.0, float(middle - half)), min(1.0, float(middle + half))


# --- does the score rest on what it marks? ------------------------------------------------------------------


class Curves(NamedTuple):
    """Areas under the score of one photo. deletion: low is faithful; insertion: high is."""

    deletion: float
    insertion: float


def deletion_insertion(
    score: ScorePhotos, photo: Tensor, order: Order, *, grid: tuple[int, int], steps: int = 14, batch_size: int = 16
) -> Curves:
    """Take the cells away from the photo in order, or put them back into an empty one, and watch the score.

    Petsiuk et al., 2018, "RISE: Randomized Input Sampling for Explanation of Black-box Models", section 4.1. What is
    taken away is replaced by the blurred photo in both curves: grey squares are edges that no photo has.

    Args:
        score: usually the probability of the class that the map explains.
        photo: (3, H, W), prepared for the model.
        order: cells, most important first: `warmest_first`.
        grid: rows and columns of the cells.
        steps: how many times the score is taken after the start; cells are taken in as many parts, as equal as can be.
        batch_size: photos at a time.

    Returns:
        The mean of the score over the share of cells taken away (put back), 0 to 1, by trapezoids.
    """
    counts = np.linspace(0, len(order), min(steps, len(order)) + 1).round().astype(int)
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    taken = torch.from_numpy(rank[None] < counts[:, None]).view(-1, 1, *grid).to(photo)
    taken = F.interpolate(taken, size=photo.shape[1:], mode="nearest")
    empty = blurred(photo)
    shares = counts / len(order)

    def area(weights: Tensor) -> float:
        parts = [weights[i : i + batch_size] for i in range(0, len(weights), batch_size)]
        scores = [score(photo * (1 - part) + empty * part) for part in parts]
        return float(np.trapezoid(torch.cat(scores).double().cpu().numpy(), shares))

    with torch.no_grad():
        return Curves(area(taken), area(1 - taken))


def warmest_first(heat: Heat) -> Order:
    """The cells of a map, the warmest first; equal ones in their own order."""
    return np.argsort(-heat.ravel(), kind="stable")


def blurred(photo: Tensor) -> Tensor:
    """(3, H, W) with everything finer than a quarter of the photo gone: what an emptied cell is filled with."""
    small = F.adaptive_avg_pool2d(photo[None], 4)
    return F.interpolate(small, size=photo.shape[1:], mode="bicubic")[0]


# --- does it depend on what the model has learned? ----------------------------------------------------------


def rank_correlation(first: Heat, second: Heat) -> float:
    """Spearman's, between -1 and 1; NaN where a map is the same everywhere."""
    a, b = (rankdata(heat.ravel()) - (heat.size + 1) / 2 for heat in (first, second))
    norm = float(np.sqrt((a @ a) * (b @ b)))
    return float(a @ b) / norm if norm > 0 else float("nan")


@contextmanager
def randomised(*modules: nn.Module, seed: int = 0) -> Iterator[None]:
    """The weights of the modules are drawn anew as long as the context lasts; afterwards all is as it was.

    Adebayo et al., 2018, "Sanity Checks for Saliency Maps", section 3: a map that stays as it was explains the photo
    and not the model. Layers with weight matrices or kernels draw them anew by their own rule; norms keep theirs, or
    their scale would have to be learned again.
    """
    drawn = [
        part for module in modules for part in module.modules() if isinstance(part, nn.Linear | nn.modules.conv._ConvNd)
    ]
    before = [{name: tensor.clone() for name, tensor in part.state_dict().items()} for part in drawn]
    try:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            for part in drawn:
                part.reset_parameters()
        yield
    finally:
        for part, state in zip(drawn, before, strict=True):
            part.load_state_dict(state)


# --- does it hold still? ------------------------------------------------------------------------------------


def instability(
    explain: Callable[[Tensor], Heat], photo: Tensor, *, noise: float = 0.01, draws: int = 4, seed: int = 0
) -> float:
    """The largest relative change of a map, |after − before| / |before|, when noise is added that nobody would see.

    Alvarez-Melis & Jaakkola, 2018, "On the Robustness of Interpretability Methods", in the form of a finite sample.

    Args:
        explain: (3, H, W) → map, always of the same class.
        photo: (3, H, W), prepared for the model.
        noise: its standard deviation, as a share of the photo's own.
        draws: how many times.
        seed: of the noise.

    Returns:
        0 for a map that does not move; NaN for a map of zeros.
    """
    generator = torch.Generator().manual_seed(seed)
    before = explain(photo)
    size = float(np.linalg.norm(before))
    if size == 0:
        return float("nan")
    spread = noise * float(photo.std())
    moved = [explain(photo + spread * torch.randn(photo.shape, generator=generator)) for _ in range(draws)]
    return max(float(np.linalg.norm(after - before)) / size for after in moved)

"""What Bayes would answer to the cases of a synthetic clinic."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mmskin.synthetic.bayes import posterior
from mmskin.synthetic.case import SyntheticCase
from mmskin.synthetic.clinic import Truth
from mmskin.synthetic.history import SYMPTOMS
from mmskin.synthetic.latents import Floats
from mmskin.synthetic.population import latents_of


def oracle_probs(
    cases: Sequence[SyntheticCase],
    truth: Truth,
    *,
    photo: bool = True,
    history: bool = True,
    planted: bool = False,
) -> Floats:
    """p(y | what a model may see of each case), from its true latents and its recorded fields.

    Args:
        cases: of the clinic, or twins of them.
        truth: of the clinic, by `read_truth`.
        photo: the photo is seen.
        history: the history is seen, as far as it was recorded.
        planted: what was planted counts as evidence too: the mark if the photo is seen, and whether the symptoms were
            recorded if the history is. Without it this is what the disease itself gives away.

    Returns:
        (N, C), rows summing to 1.

    Raises:
        ConfigError: neither photo nor history is seen.
    """
    latents = latents_of(cases, truth.design, recorded_only=True)
    return posterior(
        truth.design,
        photo=latents.photo if photo else None,
        history=latents.history if history else None,
        extra=_planted(cases, truth, photo=photo, history=history) if planted else None,
    )


def _planted(cases: Sequence[SyntheticCase], truth: Truth, *, photo: bool, history: bool) -> Floats:
    """(N, C) likelihood of mark and flags; constant where nothing was planted."""
    classes = truth.design.classes
    told = np.ones((len(cases), len(classes)))
    if history:
        rates = truth.missing.block_rates(classes)
        by_chance = truth.missing.at_random ** len(SYMPTOMS)  # all symptoms can also be left out one by one
        whole = np.array([set(SYMPTOMS) <= set(case.hidden) for case in cases])[:, None]
        told = told * np.where(whole, rates + (1 - rates) * by_chance, 1 - rates)
    if photo and truth.shortcut:
        marked = np.array([case.has(truth.shortcut.mark) for case in cases])[:, None]
        rates = truth.shortcut.rates(classes)
        told = told * np.where(marked, rates, 1 - rates)
    return np.asarray(told, dtype=np.float64)

"""A clinic whose truth is known: finite latents, exact posteriors, photos and histories drawn from them.

`make_clinic(folder)` writes one that the source `synthetic` reads. `oracle_probs` answers its cases as Bayes would,
`ceiling` says how good that is over all cases there can be, and `twin` changes one thing in a case.
"""

from __future__ import annotations

from mmskin.synthetic.bayes import Ceiling, ceiling, late_ceiling, posterior, product_of_experts, sample_ceiling
from mmskin.synthetic.case import SyntheticCase, twin
from mmskin.synthetic.clinic import Truth, make_clinic, read_cases, read_truth
from mmskin.synthetic.history import bands_of, clinic_schema, history_of_case
from mmskin.synthetic.latents import (
    NOT_SEEN,
    ClinicDesign,
    Latents,
    Pair,
    default_design,
    latent_tokens,
    sample,
)
from mmskin.synthetic.oracle import oracle_probs
from mmskin.synthetic.photo import Photo, render
from mmskin.synthetic.population import Missing, Shortcut, draw_cases, latents_of

__all__ = [
    "NOT_SEEN",
    "Ceiling",
    "ClinicDesign",
    "Latents",
    "Missing",
    "Pair",
    "Photo",
    "Shortcut",
    "SyntheticCase",
    "Truth",
    "bands_of",
    "ceiling",
    "clinic_schema",
    "default_design",
    "draw_cases",
    "history_of_case",
    "late_ceiling",
    "latent_tokens",
    "latents_of",
    "make_clinic",
    "oracle_probs",
    "posterior",
    "product_of_experts",
    "read_cases",
    "read_truth",
    "render",
    "sample",
    "sample_ceiling",
    "twin",
]

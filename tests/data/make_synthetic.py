"""A small synthetic clinic; nothing of it is taken from a real patient."""

from __future__ import annotations

from pathlib import Path

from mmskin.synthetic.clinic import make_clinic
from mmskin.synthetic.population import Missing


def make_synthetic(root: Path) -> Path:
    """24 cases with holes in their histories."""
    return make_clinic(root, cases=24, size=96, missing=Missing(at_random=0.2, block=0.2), told="both", workers=1)

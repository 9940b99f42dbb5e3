"""Skin lesion classification from a photo and what the patient says.

An aid for research, not a diagnosis. Importing the package does not import torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"
__all__ = ["Explainer", "History", "Predictor", "Schema", "__version__"]

if TYPE_CHECKING:
    from mmskin.api.predictor import Predictor
    from mmskin.explain.explainer import Explainer
    from mmskin.schema import History, Schema


def __getattr__(name: str) -> Any:  # a module's attribute can be anything
    if name == "Explainer":
        from mmskin.explain.explainer import Explainer

        return Explainer
    if name == "Predictor":
        from mmskin.api.predictor import Predictor

        return Predictor
    if name in ("History", "Schema"):
        import mmskin.schema

        return getattr(mmskin.schema, name)
    raise AttributeError(f"module 'mmskin' has no attribute {name!r}")

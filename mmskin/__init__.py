"""Skin lesion classification from a photo and what the patient says.

An aid for research, not a diagnosis. Importing the package imports neither torch nor pandas: every name of the door is
fetched when it is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"
__all__ = [
    "Cases",
    "Comparison",
    "Encoder",
    "Explainer",
    "Features",
    "Field",
    "Fusion",
    "FusionOutput",
    "History",
    "Loss",
    "Predictor",
    "Schema",
    "__version__",
    "build_classifier",
    "collate",
    "compare",
    "compare_predictions",
    "fit",
    "load",
    "read_source",
    "read_table",
    "register_encoder",
    "register_fusion",
    "register_loss",
    "register_source",
    "register_table_arm",
]

if TYPE_CHECKING:
    from mmskin.api.compare import compare
    from mmskin.api.comparison import Comparison, compare_predictions
    from mmskin.api.explained import Explainer
    from mmskin.api.fit import build_classifier, fit
    from mmskin.api.predictor import Predictor, load
    from mmskin.api.registry import (
        register_encoder,
        register_fusion,
        register_loss,
        register_source,
        register_table_arm,
    )
    from mmskin.api.tables import read_source, read_table
    from mmskin.data.table import Cases
    from mmskin.encoders.encoder_contract import Encoder
    from mmskin.features import Features
    from mmskin.fusion.fusion_contract import Fusion, FusionOutput
    from mmskin.inputs.batch import collate
    from mmskin.losses.loss_contract import Loss
    from mmskin.schema import Field, History, Schema

_MODULES = {
    "mmskin.api.compare": "compare",
    "mmskin.api.comparison": "Comparison compare_predictions",
    "mmskin.api.explained": "Explainer",
    "mmskin.api.fit": "build_classifier fit",
    "mmskin.api.predictor": "Predictor load",
    "mmskin.api.registry": "register_encoder register_fusion register_loss register_source register_table_arm",
    "mmskin.api.tables": "read_source read_table",
    "mmskin.data.table": "Cases",
    "mmskin.encoders.encoder_contract": "Encoder",
    "mmskin.features": "Features",
    "mmskin.fusion.fusion_contract": "Fusion FusionOutput",
    "mmskin.inputs.batch": "collate",
    "mmskin.losses.loss_contract": "Loss",
    "mmskin.schema": "Field History Schema",
}
_HOME = {name: module for module, names in _MODULES.items() for name in names.split()}


def __getattr__(name: str) -> Any:  # a module's attribute can be anything
    if name not in _HOME:
        raise AttributeError(f"module 'mmskin' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})

"""Table arms by name: arms that are no neural fusion. To add one: a file, a line here, a test."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mmskin.config.parts import Parts

if TYPE_CHECKING:
    from mmskin.benchmark.baselines.table_arm_contract import Fit

BASELINES: Parts[Fit] = Parts(
    "table arm",
    {
        "majority": "mmskin.benchmark.baselines.majority:majority",
        "logistic_regression": "mmskin.benchmark.baselines.logistic_regression:logistic_regression",
        "gradient_boosting": "mmskin.benchmark.baselines.gradient_boosting:gradient_boosting",
        "lightgbm": "mmskin.benchmark.baselines.lightgbm_trees:lightgbm",
        "realmlp": "mmskin.benchmark.baselines.tabular_networks:realmlp",
        "tabm": "mmskin.benchmark.baselines.tabular_networks:tabm",
        "flags_only": "mmskin.benchmark.baselines.flags_only:flags_only",
        "product_of_experts": "mmskin.benchmark.baselines.product_of_experts:product_of_experts",
        "product_of_answers": "mmskin.benchmark.baselines.product_of_answers:product_of_answers",
        "averaging": "mmskin.benchmark.baselines.averaging:averaging",
        "stacking": "mmskin.benchmark.baselines.stacking:stacking",
    },
)

"""Table arms by name: arms that are no neural fusion. To add one: a file, a line here, a test."""

from __future__ import annotations

from collections.abc import Callable

from mmskin.benchmark.baselines.flags_only import flags_only
from mmskin.benchmark.baselines.gradient_boosting import gradient_boosting
from mmskin.benchmark.baselines.logistic_regression import logistic_regression
from mmskin.benchmark.baselines.majority import majority
from mmskin.benchmark.baselines.stacking import stacking
from mmskin.benchmark.baselines.table_arm_contract import Facts, Fit

BASELINES: dict[str, Callable[..., Fit]] = {
    "majority": majority,
    "logistic_regression": logistic_regression,
    "gradient_boosting": gradient_boosting,
    "flags_only": flags_only,
    "stacking": stacking,
}
__all__ = ["BASELINES", "Facts"]

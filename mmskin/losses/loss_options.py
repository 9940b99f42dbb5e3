"""The refusal of option values that a loss cannot use."""

from __future__ import annotations

import math


def check_range(name: str, value: float, *, low: float = 0.0, below: float = math.inf) -> float:
    """The value, if low <= value < below.

    Raises:
        ValueError: it is no number, or lies outside; names the option and its value.
    """
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not low <= value < below:
        raise ValueError(f"{name} must be a number in [{low:g}, {below:g}), however: {name}={value!r}")
    return float(value)

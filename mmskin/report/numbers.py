"""Numbers as mmskin prints them: the one place where a metric, a p or a share becomes text."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

MINUS, NOTHING = "\u2212", "\u2013"  # a minus as wide as a plus, and a dash for NaN


def number(value: float, *, digits: int = 3, sign: bool = False) -> str:
    """0.623 for .6231; – for NaN. What rounds to zero has no sign."""
    if not math.isfinite(value):
        return NOTHING
    text = f"{abs(value):.{digits}f}"
    is_zero = not text.strip(".0")
    if value < 0 and not is_zero:
        return f"{MINUS}{text}"
    return f"+{text}" if sign and not is_zero else text


def with_interval(row: Mapping[Any, Any], *, digits: int = 3, sign: bool = False) -> str:
    """0.658 [0.625, 0.690]; the estimate alone where it has no interval. Only the estimate may show a plus."""
    estimate = number(row["estimate"], digits=digits, sign=sign)
    if not math.isfinite(row["low"]):
        return estimate
    return f"{estimate} [{number(row['low'], digits=digits)}, {number(row['high'], digits=digits)}]"


def difference(row: Mapping[Any, Any]) -> str:
    """+0.047 [0.014, 0.080]."""
    return with_interval(row, sign=True)


def p_cell(p: float) -> str:
    """0.003 under a heading that says p; three decimals, never 0."""
    return NOTHING if not math.isfinite(p) else "< 0.001" if p < 0.001 else number(p)


def p_value(p: float) -> str:
    """p = 0.003 inside a sentence."""
    cell = p_cell(p)
    return f"p {cell}" if cell.startswith("<") else f"p = {cell}"


def percent(share: float, *, digits: int = 0) -> str:
    """62% for .623."""
    return f"{share:.{digits}%}"


def points(value: float) -> str:
    """+12.3 for .123: points of a hundred, with their sign."""
    return number(100 * value, digits=1, sign=True)


def count(n: int) -> str:
    """1,237."""
    return f"{n:,}"


def rough(value: float) -> str:
    """What is measured and varies, such as seconds: three significant digits below 100, whole numbers from there."""
    if not math.isfinite(value):
        return NOTHING
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"

"""Numbers as mmskin prints them: the one place where a metric, a p or a share becomes text."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

MINUS, NOTHING = "\u2212", "\u2013"  # a minus as wide as a plus, and a dash for NaN


def number(value: float, *, digits: int = 3, sign: bool = False) -> str:
    """.623 for .6231, as the field prints shares; – for NaN. What rounds to zero has no sign."""
    if not math.isfinite(value):
        return NOTHING
    text = f"{abs(value):.{digits}f}"
    text = text[1:] if text.startswith("0.") else text
    is_zero = not text.strip(".0")
    if value < 0 and not is_zero:
        return f"{MINUS}{text}"
    return f"+{text}" if sign and not is_zero else text


def with_interval(row: Mapping[Any, Any], *, digits: int = 3) -> str:
    """.623 [.581, .662]; the estimate alone where it has no interval."""
    return _bracketed(row, number(row["estimate"], digits=digits), digits=digits)


def difference(row: Mapping[Any, Any]) -> str:
    """+.047 [.014, .080]: inside the brackets only a minus is shown."""
    return _bracketed(row, number(row["estimate"], sign=True), digits=3)


def _bracketed(row: Mapping[Any, Any], estimate: str, *, digits: int) -> str:
    if not math.isfinite(row["low"]):
        return estimate
    return f"{estimate} [{number(row['low'], digits=digits)}, {number(row['high'], digits=digits)}]"


def p_cell(p: float) -> str:
    """.003 under a heading that says p; three decimals, never 0."""
    return NOTHING if not math.isfinite(p) else "< .001" if p < 0.001 else number(p)


def p_value(p: float) -> str:
    """p = .003 inside a sentence."""
    cell = p_cell(p)
    return f"p {cell}" if cell.startswith("<") else f"p = {cell}"


def percent(share: float, *, digits: int = 0) -> str:
    """62% for .623."""
    return f"{share:.{digits}%}"


def points(value: float) -> str:
    """+12.3 for .123: points of a hundred, with their sign."""
    text = f"{abs(100 * value):.1f}"
    return text if text == "0.0" else f"{MINUS if value < 0 else '+'}{text}"


def count(n: int) -> str:
    """1,237."""
    return f"{n:,}"


def rough(value: float) -> str:
    """What is measured and varies, such as seconds: three significant digits below 100, whole numbers from there."""
    if not math.isfinite(value):
        return NOTHING
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"

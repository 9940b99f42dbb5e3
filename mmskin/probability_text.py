"""A probability of a class as a person reads it."""

from __future__ import annotations


def in_percent(probability: float) -> str:
    """Whole percent; never 0% nor 100%, which no model of patients can know.

    >>> in_percent(0.623), in_percent(0.996), in_percent(0.004)
    ('62%', '> 99%', '< 1%')
    """
    if probability > 0.99:
        return "> 99%"
    return "< 1%" if probability < 0.01 else f"{probability:.0%}"

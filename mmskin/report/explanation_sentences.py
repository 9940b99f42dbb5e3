"""An explanation in sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mmskin.report.numbers import percent, points

if TYPE_CHECKING:
    from mmskin.explain.explanation import Explanation

MOST_FIELDS = 3  # named on each side
LEAST_POINTS = 0.005  # half a point: what is less is not worth a word


def sentences(explanation: Explanation) -> list[str]:
    """What there is to say, the most important first."""
    return [
        _answer(explanation),
        _counted(explanation),
        *_alone(explanation),
        *_fields(explanation),
        *_what_if(explanation),
    ]


def _answer(explanation: Explanation) -> str:
    top, target = explanation.top, explanation.target
    said = f"The most likely class is {_title(explanation, top)}, at {percent(explanation.probabilities[top])}"
    if top != target:
        own = percent(explanation.probabilities[target])
        said += f"; what is explained here is {_title(explanation, target)}, at {own}"
    return f"{said}. Before anything is known of the case it is {percent(explanation.shares.baseline_score)}."


def _counted(explanation: Explanation) -> str:
    shares = explanation.shares
    names = {"photo": "the photo", "words": "the patient's own words", "fields": "the fields"}
    counted = _list([f"{names[part]} {points(value)}" for part, value in shares.points.items()])
    return f"Of the {points(shares.score - shares.baseline_score)} points between the two come: {counted}."


def _alone(explanation: Explanation) -> list[str]:
    alone = explanation.shares.alone
    if len(alone) < 2:
        return []
    parts = []
    for name, probs in alone.items():
        top = next(iter(probs))
        parts.append(f"the {name} alone says {_title(explanation, top)} ({percent(probs[top])})")
    said = _list(parts)
    return [f"{said[0].upper()}{said[1:]}."]


def _fields(explanation: Explanation) -> list[str]:
    if explanation.fields is None:
        return []
    ranked = sorted(explanation.fields.fields, key=lambda field: -abs(field.points))
    told = [field for field in ranked if abs(field.points) >= LEAST_POINTS]
    sides = {
        "for it": [field for field in told if field.points > 0][:MOST_FIELDS],
        "against it": [field for field in told if field.points < 0][:MOST_FIELDS],
    }
    said = [
        f"{side}: " + ", ".join(f"{field.title.lower()} {field.value} ({points(field.points)})" for field in fields)
        for side, fields in sides.items()
        if fields
    ]
    return [f"Among the fields, {'; '.join(said)}."] if said else ["No field moves the answer by half a point."]


def _what_if(explanation: Explanation) -> list[str]:
    if not explanation.changes:
        return []
    flip = explanation.smallest_flip
    if flip is None:
        return ["No other value of a single field would change the most likely class."]
    was = "nothing" if flip.was is None else f"“{flip.was}”"
    then = f"{_title(explanation, flip.top)} ({percent(flip.probabilities[flip.top])})"
    change = f"were {flip.title.lower()} “{flip.now}” in place of {was}"
    return [f"The smallest single change that turns the answer: {change}, it would be {then}."]


def _title(explanation: Explanation, name: str) -> str:
    return explanation.titles.get(name, name)


def _list(parts: list[str]) -> str:
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts) or "nothing"

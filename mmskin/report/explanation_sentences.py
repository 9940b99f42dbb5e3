"""An explanation in sentences."""

from __future__ import annotations

from mmskin.explain.explanation import Explanation
from mmskin.report.numbers import count, number, percent, points

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
        *([f"In the free text was read: {'; '.join(explanation.read)}."] if explanation.read else []),
    ]


def method_sentences(explanation: Explanation) -> list[str]:
    """How parts, fields and words got their values."""
    words, fields = explanation.words, explanation.fields
    photos = [part for part in explanation.shares.points if part not in ("words", "fields")] or ["photo"]
    methods = [f"Parts: Shapley values over all subsets of {_list([*photos, 'words', 'fields'])}, exact."]
    if fields is not None:
        how = "exact" if fields.is_exact else "drawn; ± is two standard errors"
        methods.append(
            f"Fields: Shapley values over {count(fields.coalitions)} histories, {how}. Each field against not "
            f"recorded, from {percent(fields.baseline_score)} without any field to {percent(fields.score)}; "
            f"{_list([*photos, 'words'])} as they are."
        )
    if words is not None and words.method == "leaving one word out":
        methods.append(
            "Words: by how much the answer falls when a word is left out, one at a time, for this text encoder does "
            "not run from embeddings. The values need not add up to anything."
        )
    elif words is not None:
        methods.append(
            f"Words: integrated gradients, {words.steps} steps, from a note of as many unknown words "
            f"({percent(words.baseline_score)}) to the note ({percent(words.score)}), everything else as it is; they "
            f"add up to the difference within {number(max(100 * words.completeness_error, 0.01), digits=2)} points."
        )
    return methods


def _answer(explanation: Explanation) -> str:
    top, target = explanation.top, explanation.target
    sentence = f"The most likely class is {explanation.title(top)}, at {percent(explanation.probabilities[top])}"
    if top != target:
        own = percent(explanation.probabilities[target])
        sentence += f"; what is explained here is {explanation.title(target)}, at {own}"
    return f"{sentence}. Before anything is known of the case it is {percent(explanation.shares.baseline_score)}."


def _counted(explanation: Explanation) -> str:
    shares = explanation.shares
    names = {part: f"the {part}" for part in shares.points} | {"words": "the patient's own words"}
    counted = _list([f"{names[part]} {points(value)}" for part, value in shares.points.items()])
    return f"Of the {points(shares.score - shares.baseline_score)} points between the two come: {counted}."


def _alone(explanation: Explanation) -> list[str]:
    alone = explanation.shares.alone
    if len(alone) < 2:
        return []
    parts = []
    for name, probs in alone.items():
        top = next(iter(probs))
        parts.append(f"the {name} alone says {explanation.title(top)} ({percent(probs[top])})")
    sentence = _list(parts)
    return [f"{sentence[0].upper()}{sentence[1:]}."]


def _fields(explanation: Explanation) -> list[str]:
    if explanation.fields is None:
        return []
    ranked = sorted(explanation.fields.fields, key=lambda field: -abs(field.points))
    moving = [field for field in ranked if abs(field.points) >= LEAST_POINTS]
    sides = {
        "for it": [field for field in moving if field.points > 0][:MOST_FIELDS],
        "against it": [field for field in moving if field.points < 0][:MOST_FIELDS],
    }
    parts = [
        f"{side}: " + ", ".join(f"{field.title.lower()} {field.value} ({points(field.points)})" for field in fields)
        for side, fields in sides.items()
        if fields
    ]
    return [f"Among the fields, {'; '.join(parts)}."] if parts else ["No field moves the answer by half a point."]


def _what_if(explanation: Explanation) -> list[str]:
    if not explanation.changes:
        return []
    if not explanation.flips:
        return ["No other value of a single field would change the most likely class."]
    flip = explanation.flips[0]
    was = "nothing" if flip.was is None else f"“{flip.was}”"
    then = f"{explanation.title(flip.top)} ({percent(flip.probabilities[flip.top])})"
    change = f"were {flip.title.lower()} “{flip.now}” in place of {was}"
    return [f"The smallest single change that turns the answer: {change}, it would be {then}."]


def _list(parts: list[str]) -> str:
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts) or "nothing"

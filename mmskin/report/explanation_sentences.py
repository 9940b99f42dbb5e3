"""An explanation in sentences."""

from __future__ import annotations

from collections.abc import Sequence

from mmskin.explain.explanation import Explanation
from mmskin.explain.fields import FieldValue
from mmskin.report.numbers import count, number, percent, points
from mmskin.sentence import Sentence, all_of, joined

MOST_FIELDS = 3  # named on each side
LEAST_POINTS = 0.005  # half a point: what is less is not worth a word
MOSTLY = 0.6  # share of all movement from which one part is named alone
NOT_RECORDED = Sentence("not recorded")
NO_FLIP = Sentence("No other value of a single field would change the most likely class.")


def sentences(explanation: Explanation) -> list[str]:
    """What there is to say, the most important first."""
    return [
        _answer(explanation),
        _counted(explanation),
        *_alone(explanation),
        *_fields(explanation),
        *_what_if(explanation),
        *([Sentence("Read in the free text: {facts}.", facts=joined(explanation.read))] if explanation.read else []),
    ]


def in_one_sentence(explanation: Explanation) -> str:
    """What the answer rests on most, and which two facts on each side moved it most."""
    title = explanation.title(explanation.target)
    ranked = sorted(explanation.shares.points.items(), key=lambda item: -abs(item[1]))
    moved = sum(abs(value) for _, value in ranked)
    if moved < LEAST_POINTS:
        return Sentence("Nothing that was given moved the probability of {title}.", title=title)
    parts = [part for part, value in ranked if abs(value) >= LEAST_POINTS] or [ranked[0][0]]
    if abs(ranked[0][1]) >= MOSTLY * moved:
        rests = Sentence("{title}: decided mostly by {part}", title=title, part=the_part(ranked[0][0]))
    else:
        rests = Sentence("{title}: decided by {parts}", title=title, parts=all_of([the_part(part) for part in parts]))
    raised, lowered = (_facts(side[:2]) for side in _moving(explanation))
    if raised and lowered:
        return Sentence(
            "{rests}; {raised} raised it, {lowered} lowered it.", rests=rests, raised=raised, lowered=lowered
        )
    if raised:
        return Sentence("{rests}; {raised} raised it.", rests=rests, raised=raised)
    return (
        Sentence("{rests}; {lowered} lowered it.", rests=rests, lowered=lowered)
        if lowered
        else Sentence("{rests}.", rests=rests)
    )


def method_sentences(explanation: Explanation) -> list[str]:
    """How parts, fields and words got their values."""
    words, fields = explanation.words, explanation.fields
    photos = [part for part in explanation.shares.points if part not in ("words", "fields")] or ["photo"]
    parts = [the_part(part) for part in (*photos, "words", "fields")]
    methods: list[str] = [Sentence("Parts: Shapley values over all subsets of {parts}, exact.", parts=all_of(parts))]
    if fields is not None:
        how = Sentence("exact") if fields.is_exact else Sentence("drawn; ± is two standard errors")
        methods.append(
            Sentence(
                "Fields: Shapley values over {n} histories, {how}. Each field against not recorded, from {before} "
                "without any field to {after}; {others} as they are.",
                n=count(fields.coalitions),
                how=how,
                before=percent(fields.baseline_score),
                after=percent(fields.score),
                others=all_of(parts[:-1]),
            )
        )
    if words is not None and words.method == "leaving one word out":
        methods.append(
            Sentence(
                "Words: by how much the answer falls when a word is left out, one at a time, for this text encoder "
                "does not run from embeddings. The values need not add up to anything."
            )
        )
    elif words is not None:
        methods.append(
            Sentence(
                "Words: integrated gradients, {steps} steps, from a note of as many unknown words ({before}) to the "
                "note ({after}), everything else as it is; they add up to the difference within {error} points.",
                steps=words.steps,
                before=percent(words.baseline_score),
                after=percent(words.score),
                error=number(max(100 * words.completeness_error, 0.01), digits=2),
            )
        )
    return methods


def the_part(part: str) -> str:
    """A part in a sentence."""
    own = {"words": Sentence("the patient's own words"), "fields": Sentence("the recorded facts")}
    return own.get(part) or Sentence("the {photo}", photo=part)


def fact(title: str, value: str) -> str:
    """A field and its value in a sentence."""
    return Sentence("“{field}: {value}”", field=title, value=value)


def _answer(explanation: Explanation) -> str:
    top, target, before = explanation.top, explanation.target, percent(explanation.shares.baseline_score)
    told = {"title": explanation.title(top), "share": percent(explanation.probabilities[top]), "before": before}
    if top == target:
        return Sentence(
            "The most likely class is {title}, at {share}. Before anything is known of the case it is {before}.", **told
        )
    return Sentence(
        "The most likely class is {title}, at {share}; what is explained here is {target}, at {own}. Before anything "
        "is known of the case that is {before}.",
        target=explanation.title(target),
        own=percent(explanation.probabilities[target]),
        **told,
    )


def _counted(explanation: Explanation) -> str:
    shares = explanation.shares
    if not shares.points:
        return Sentence("Nothing was given that could have moved it.")
    counted = [_with_points(the_part(part), value) for part, value in shares.points.items()]
    moved = points(shares.score - shares.baseline_score)
    return Sentence("Of the {points} points between the two come: {counted}.", points=moved, counted=all_of(counted))


def _with_points(what: str, value: float) -> str:
    return Sentence("{what} {points}", what=what, points=points(value))


def _alone(explanation: Explanation) -> list[str]:
    alone = explanation.shares.alone
    if len(alone) < 2:
        return []
    parts = []
    for name, probs in alone.items():
        top = next(iter(probs))
        part, share = Sentence("the {photo}", photo=name), percent(probs[top])
        parts.append(
            Sentence("{part} alone says {title} ({share})", part=part, title=explanation.title(top), share=share)
        )
    return [Sentence("By itself, {parts}.", parts=all_of(parts))]


def _moving(explanation: Explanation) -> tuple[list[FieldValue], list[FieldValue]]:
    """The fields that raise the probability and those that lower it, each with the strongest first."""
    fields = () if explanation.fields is None else explanation.fields.fields
    moving = sorted((one for one in fields if abs(one.points) >= LEAST_POINTS), key=lambda one: -abs(one.points))
    return [one for one in moving if one.points > 0], [one for one in moving if one.points < 0]


def _facts(fields: Sequence[FieldValue]) -> str:
    """Fields with their values as a list in a sentence, "" of none."""
    return all_of([fact(one.title, one.value) for one in fields]) if fields else ""


def _fields(explanation: Explanation) -> list[str]:
    if explanation.fields is None:
        return []
    raised, lowered = (
        [_with_points(fact(one.title, one.value), one.points) for one in side[:MOST_FIELDS]]
        for side in _moving(explanation)
    )
    told = [
        *([Sentence("for it: {facts}", facts=raised)] if raised else []),
        *([Sentence("against it: {facts}", facts=lowered)] if lowered else []),
    ]
    if not told:
        return [Sentence("No field moves the answer by half a point.")]
    return [Sentence("Among the facts, {sides}.", sides=joined(told))]


def _what_if(explanation: Explanation) -> list[str]:
    if not explanation.changes:
        return []
    if not explanation.flips:
        return [NO_FLIP]
    flip = explanation.flips[0]
    return [
        Sentence(
            "The smallest single change that turns the answer: with {field} {now} instead of {was} it would be {title} "
            "({share}).",
            field=fact_name(flip.title),
            now=flip.now,
            was=flip.was or NOT_RECORDED,
            title=explanation.title(flip.top),
            share=percent(flip.probabilities[flip.top]),
        )
    ]


def fact_name(title: str) -> str:
    """A field in a sentence."""
    return Sentence("“{field}”", field=title)

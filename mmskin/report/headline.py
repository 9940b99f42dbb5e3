"""The answer in ten seconds: what the primary arm adds to its reference, or else the scores of one arm."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mmskin.evaluation.metrics import METRICS
from mmskin.evaluation.results import Results
from mmskin.report.numbers import difference, number, p_value, with_interval
from mmskin.schema import counted_patients

FEW_ARMS = 6  # whose scores fit into one sentence


def headline(results: Results, *, added: str = "") -> list[str]:
    """The difference of the primary arm to its reference and what it rests on; without a reference the scores.

    Args:
        results: of one arm or more.
        added: what the primary arm reads and its reference does not, such as "the history"; "" if that is not all in
            which they differ, or not known.
    """
    compared = next((row for row in results.compared() if row["arm"] == results.arm), None)
    if compared is None:
        return _scores(results)
    named = (
        "This question was named before the run. Everything else on this page is exploratory."
        if compared["role"] == "primary"
        else "The question was not named before the run: exploratory, like everything on this page."
    )
    return [answer(compared, added=added), _scores_of_arms(results), f"{_could_have_shown(compared)}{named}"]


def answer(row: Mapping[Any, Any], *, added: str = "") -> str:
    """What is gained over the reference, or that these patients cannot tell; the difference with its interval and p."""
    arm, reference, metric = row["arm"], row["reference"], METRICS[row["metric"]]
    gained, p = f"{difference(row)} {in_words(row['metric'])}", p_value(row["p_adjusted"])
    both, who = f"{arm} against {reference}, {p}", f"{added[0].upper()}{added[1:]}" if added else arm
    if row["verdict"] == "not distinguishable" or row["low"] <= 0 <= row["high"]:
        if added:
            return f"No difference by {added} can be told: {gained} ({both})."
        return f"No difference between {arm} and {reference} can be told: {gained} ({p})."
    if metric.better == "lower":
        word = "improves" if row["verdict"] == "better" else "worsens"
        return f"{who} {word} {in_words(row['metric'])} by {difference(row)} ({both})."
    if row["verdict"] == "worse":
        return f"{who} does harm: {gained} ({both})."
    return f"{who} adds {gained} ({both})." if added else f"{arm} adds {gained} over {reference} ({p})."


def in_words(metric: str) -> str:
    """Its title inside a sentence; abbreviations stay as they are."""
    title = METRICS[metric].title
    return title if title[:2].isupper() else title[0].lower() + title[1:]


def _could_have_shown(row: Mapping[Any, Any]) -> str:
    if row["verdict"] != "not distinguishable":
        return ""
    return f"A true difference of {number(row['detectable'])} would have shown four times in five. "


def _scores(results: Results) -> list[str]:
    """One arm on all test cases, and on those that are fully recorded."""
    sentences = []
    for subset, words in (("all", "test cases"), ("fully_recorded", "fully recorded test cases")):
        rows = results.overall(subset=subset)
        for row in rows[rows["arm"] == results.arm].to_dict("records"):
            counted = f"{row['n']:,} {words} of {counted_patients(row['patients'], results.patient_unit)}"
            sentences.append(f"{results.arm}: {in_words(results.metric)} {with_interval(row)} on {counted}.")
    return sentences


def _scores_of_arms(results: Results) -> str:
    """The primary arm, its reference, and the others where they are few."""
    rows = {row["arm"]: row for row in results.overall().to_dict("records")}
    named = [results.arm, str(results.reference)]
    arms = [*named, *(arm for arm in rows if arm not in named)] if len(rows) <= FEW_ARMS else named
    first = rows[results.arm]
    counted = f"{first['n']:,} test cases of {counted_patients(first['patients'], results.patient_unit)}"
    scores = ", ".join(f"{arm} {with_interval(rows[arm])}" for arm in arms)
    return f"{METRICS[results.metric].title} on {counted}: {scores}."

"""The answer in ten seconds: what was asked before the run and what came out, or else the scores of one arm."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mmskin.evaluation.metrics import METRICS
from mmskin.evaluation.results import Results
from mmskin.report.numbers import difference, number, p_value, with_interval
from mmskin.schema import counted_patients


def headline(results: Results) -> list[str]:
    """Question and answer, and what the answer rests on; without a question the scores, and the difference if any."""
    compared = next((row for row in results.compared() if row["arm"] == results.arm), None)
    if compared is None:
        return _scores(results)
    sentence = _difference(compared, in_words(results.metric))
    if compared["role"] != "primary":
        return [*_scores(results), sentence]
    question = f"Is {results.arm} better than {results.reference} in {in_words(results.metric)}, on the same patients?"
    return [
        f"{question} {answer(compared)}",
        f"{sentence} {_both_scores(results)}",
        "The question was named before the run. Everything else on this page is exploratory.",
    ]


def answer(row: Mapping[Any, Any]) -> str:
    """Yes, no, or that these patients cannot tell, with the difference."""
    words = {"better": "Yes", "worse": "No, it is worse"}.get(row["verdict"], "These patients cannot tell")
    return f"{words}: {number(row['estimate'], sign=True)}."


def in_words(metric: str) -> str:
    """Its title inside a sentence; abbreviations stay as they are."""
    title = METRICS[metric].title
    return title if title[:2].isupper() else title[0].lower() + title[1:]


def _difference(row: Mapping[Any, Any], title: str) -> str:
    numbers = f"{difference(row)}, {p_value(row['p_adjusted'])}"
    sentence = f"The difference to {row['reference']} in {title} is {numbers}: {row['verdict']}."
    if row["verdict"] != "not distinguishable":
        return sentence
    return f"{sentence} A true difference of {number(row['detectable'])} would have shown four times in five."


def _scores(results: Results) -> list[str]:
    """One arm on all test cases, and on those that are fully recorded."""
    sentences = []
    for subset, words in (("all", "test cases"), ("fully_recorded", "fully recorded test cases")):
        rows = results.overall(subset=subset)
        for row in rows[rows["arm"] == results.arm].to_dict("records"):
            counted = f"{row['n']:,} {words} of {counted_patients(row['patients'], results.patient_unit)}"
            sentences.append(f"{results.arm}: {in_words(results.metric)} {with_interval(row)} on {counted}.")
    return sentences


def _both_scores(results: Results) -> str:
    rows = {row["arm"]: row for row in results.overall().to_dict("records")}
    scores = [f"{arm} {with_interval(rows[arm])}" for arm in (results.arm, results.reference)]
    first = rows[results.arm]
    patients = counted_patients(first["patients"], results.patient_unit)
    return f"{' and '.join(scores)}, on {first['n']:,} test cases of {patients}."

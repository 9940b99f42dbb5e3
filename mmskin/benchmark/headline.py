"""The answer in ten seconds: the question that was named before the run, and what came out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mmskin.benchmark.benchmark_config import Primary
from mmskin.evaluation.metrics import METRICS
from mmskin.report.numbers import number, p_value, with_interval
from mmskin.report.results import Results


def headlines(results: Results, primary: Primary) -> list[str]:
    """Question and answer, what the answer rests on, and both arms by themselves."""
    assert results.differences is not None
    rows = results.differences
    row = rows[(rows["arm"] == primary.arm) & (rows["metric"] == primary.metric)].iloc[0].to_dict()
    title = in_words(primary.metric)
    question = f"Is {primary.arm} better than {primary.reference} in {title}, on the same patients?"
    return [
        f"{question} {answer(row)}",
        f"{_difference(row, title)} {_scores(results, primary)}",
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
    p = p_value(row["p_adjusted"])
    found = f"{number(row['estimate'], sign=True)} [{number(row['low'], sign=True)}, {number(row['high'], sign=True)}]"
    sentence = f"The difference in {title} is {found}, {p}: {row['verdict']}."
    if row["verdict"] != "not distinguishable":
        return sentence
    return f"{sentence} A true difference of {number(row['detectable'])} would have shown four times in five."


def _scores(results: Results, primary: Primary) -> str:
    metrics = results.metrics
    rows = metrics[(metrics["metric"] == primary.metric) & (metrics["subset"] == "all")].set_index("arm")
    told = [f"{arm} {with_interval(rows.loc[arm].to_dict())}" for arm in (primary.arm, primary.reference)]
    first = rows.loc[primary.arm]
    return f"{' and '.join(told)}, on {first['n']:,} test cases of {first['patients']:,} patients."

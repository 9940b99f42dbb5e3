"""What every arm loses when the photos of the test cases are bad: tables of all arms, and the losses of a few drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from mmskin.errors import first_of
from mmskin.evaluation.predictions import arm_names
from mmskin.evaluation.robustness import CLEAN, CorruptedScores
from mmskin.json_values import records
from mmskin.report import metric_figures as draw
from mmskin.report.numbers import NOTHING, count, difference, number, with_interval
from mmskin.report.pages import Grid, Section
from mmskin.report.pictures import Picture

NOTE = (
    "The arms as they were trained, asked about the same test cases, whose photos were given simulated faults; the "
    "history stays as it is. Severity 5 is still a photo of a lesion, but one to be taken again. How often a clinic "
    "has such photos is not said: the mean counts every fault and severity alike. First seed, each fault drawn once, "
    "intervals over patients, exploratory."
)
LOST = "↓"
DRAWN = 4  # arms whose points can still be told apart


def robustness_section(scores: CorruptedScores, *, first: Sequence[str], left_out: Sequence[str]) -> Section:
    """Sentences, tables of all arms, and the losses of four at most that read photos.

    Args:
        scores: from `evaluate_robustness`.
        first: the arms that sentences are about and that are drawn first: the primary arm and its reference, as far as
            they were asked. The gains of the means are over the last of them.
        left_out: arms that were not asked.
    """
    balanced = scores.scores[scores.scores["metric"] == "balanced_accuracy"]
    return Section(
        "When photos are bad",
        NOTE,
        lines=[*_sentences(scores, balanced, first), *_left_out(left_out)],
        pictures=_pictures(scores, balanced, first),
        grids=[_means_grid(scores, first), _worst_grid(scores, balanced), _intervals_grid(scores, balanced)],
        saved={"corrupted_photos": records(scores.scores), "corrupted_photos_mean": records(scores.means)},
    )


def drawn_arms(scores: CorruptedScores, *, first: Sequence[str]) -> list[str]:
    """Four at most of those that read photos: the first ones, then those with the best mean."""
    means = scores.means[(scores.means["metric"] == "balanced_accuracy") & scores.means["reads_photos"]]
    ordered = means.sort_values("estimate", ascending=False, kind="stable")["arm"]
    return [arm for arm in dict.fromkeys([*first, *ordered]) if arm in set(ordered)][:DRAWN]


def _sentences(scores: CorruptedScores, balanced: pd.DataFrame, first: Sequence[str]) -> list[str]:
    """Of each first arm what it loses on average, and under which fault most; what the first gains over the second."""
    lines = []
    means = {row["arm"]: row for row in scores.means.to_dict("records") if row["metric"] == "balanced_accuracy"}
    worst = balanced[balanced["severity"] == scores.severities[-1]]
    for arm in first:
        if not means[arm]["reads_photos"]:
            lines.append(f"{arm} answers as before under every fault: it reads no photo.")
            continue
        most = min(worst[worst["arm"] == arm].to_dict("records"), key=lambda row: float(row["change"]))
        mean = (
            f"{with_interval(means[arm])}, {_change(means[arm])} against clean photos ({number(means[arm]['clean'])})"
        )
        lines.append(f"{arm}: mean corrupted balanced accuracy {mean}. {_most(most)}")
    if len(first) == 2:
        gain = difference(_renamed(means[first[0]], "gain"))
        lines.append(f"On bad photos {first[0]} minus {first[1]} is {gain} on average.")
    return lines


def _most(row: Mapping[Any, Any]) -> str:
    """What the worst of the faults costs, of several of which it was chosen on these very cases."""
    if row["change"] >= 0:
        return f"No fault costs it anything at severity {row['severity']}."
    unsure = ", which cannot be told from zero" if row["change_high"] >= 0 else ""
    return f"It loses most by {_words(row['corruption'])}: {_change(row)} at severity {row['severity']}{unsure}."


def _left_out(arms: Sequence[str]) -> list[str]:
    reason = "controls with shuffled histories, and ensembles of seeds of which only the first is asked"
    return [f"Not asked: {first_of(arms)} ({reason})."] if arms else []


def _means_grid(scores: CorruptedScores, first: Sequence[str]) -> Grid:
    """Arms, clean and on average over faults and severities; both metrics."""
    by_arm = {(row["arm"], row["metric"]): row for row in scores.means.to_dict("records")}
    reference = first[-1] if len(first) == 2 else ""
    rows = []
    for arm in arm_names(scores.means):
        balanced, auroc = by_arm[arm, "balanced_accuracy"], by_arm[arm, "macro_auroc"]
        gain = NOTHING if arm == reference else difference(_renamed(balanced, "gain"))
        cells = [number(balanced["clean"]), with_interval(balanced), _change(balanced), *([gain] if reference else [])]
        rows.append([arm, *cells, number(auroc["clean"]), with_interval(auroc), _change(auroc)])
    head = ["Arm", "Clean", "Mean corrupted", "Change", *([f"Mean minus {reference}"] if reference else [])]
    head += ["Macro AUROC, clean", "Mean corrupted AUROC", "Change of AUROC"]
    asked = f"{count(len(scores.corruptions))} faults at severity {', '.join(map(str, scores.severities))}"
    note = f"Mean over {asked}, each alike. An arm that reads no photo answers as before: its change is 0."
    return Grid("Mean corrupted balanced accuracy", head, rows, note)


def _worst_grid(scores: CorruptedScores, balanced: pd.DataFrame) -> Grid:
    """Arms by fault at the last severity."""
    worst = scores.severities[-1]
    cells = {(row["arm"], row["corruption"], row["severity"]): row for row in balanced.to_dict("records")}
    means = {row["arm"]: row for row in scores.means.to_dict("records") if row["metric"] == "balanced_accuracy"}
    rows = [
        [arm, number(cells[arm, *CLEAN]["estimate"])]
        + [_score(cells[arm, name, worst]) for name in scores.corruptions]
        + [number(means[arm]["estimate"])]
        for arm in arm_names(balanced)
    ]
    head = ["Arm", "Clean", *(_title(name) for name in scores.corruptions), "Mean of all"]
    note = (
        f"{LOST}: the loss against clean photos can be told from zero (95 % interval, not corrected for the number of "
        "faults). The last column is the mean over all severities that were asked."
    )
    return Grid(f"Balanced accuracy by fault, severity {worst}", head, rows, note)


def _intervals_grid(scores: CorruptedScores, balanced: pd.DataFrame) -> Grid:
    """A row an arm that reads photos and fault, every severity with its interval."""
    reads = set(scores.means.loc[scores.means["reads_photos"], "arm"])
    cells = {(row["arm"], row["corruption"], row["severity"]): row for row in balanced.to_dict("records")}
    rows = [
        [f"{arm}, {_words(name)}"]
        + [with_interval(cells[arm, name, severity]) for severity in scores.severities]
        + [_change(cells[arm, name, scores.severities[-1]])]
        for arm in arm_names(balanced)
        if arm in reads
        for name in scores.corruptions
    ]
    head = ["Arm and fault", *(f"Severity {severity}" for severity in scores.severities), "Change at the last"]
    return Grid("Every fault and severity with its interval: balanced accuracy", head, rows, folded=True)


def _pictures(scores: CorruptedScores, balanced: pd.DataFrame, first: Sequence[str]) -> list[Picture]:
    arms = drawn_arms(scores, first=first)
    if not arms:
        return []
    figure = draw.corruption_losses(balanced, arms=arms, severity=scores.severities[-1])
    note = f"Against clean photos of the same cases, with 95 % intervals; sorted by what {arms[0]} loses."
    return [Picture(f"What bad photos cost at severity {scores.severities[-1]}", figure, note)]


def _score(row: Mapping[Any, Any]) -> str:
    return number(row["estimate"]) + (f" {LOST}" if row["change_high"] < 0 else "")


def _change(row: Mapping[Any, Any]) -> str:
    """Of the score against clean photos; 0 alone where no answer changed."""
    if row["change"] == row["change_low"] == row["change_high"] == 0:
        return number(0.0)
    return difference(_renamed(row, "change"))


def _renamed(row: Mapping[Any, Any], name: str) -> dict[str, Any]:
    return {"estimate": row[name], "low": row[f"{name}_low"], "high": row[f"{name}_high"]}


def _words(corruption: str) -> str:
    return corruption.replace("_", " ").replace("jpeg", "JPEG")


def _title(corruption: str) -> str:
    words = _words(corruption)
    return words[0].upper() + words[1:]

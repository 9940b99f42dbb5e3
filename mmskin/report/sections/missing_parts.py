"""What every arm loses when parts of the test cases are missing: two tables of all arms, and the curves of a few."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from mmskin.data.missing_parts import COMPLETE, FIELDS, WORDS
from mmskin.evaluation.missing_curves import Losses
from mmskin.evaluation.predictions import arm_names
from mmskin.json_values import records
from mmskin.report import metric_figures as draw
from mmskin.report.numbers import MINUS, NOTHING, count, number, percent, with_interval
from mmskin.report.pages import Grid, Section
from mmskin.report.pictures import Picture

NOTE = (
    "The arms as they were trained, asked about the same test cases with less of them. Parts alone: photo (each kind "
    "by itself), fields, or the patient's words. Hidden fields: each by chance (at random); all that are recorded "
    "together, by patient (in blocks); or what is not worth writing down first, every “no” before any other answer "
    "(not at random). No arm was trained for it unless its recipe hides fields. First seed, exploratory."
)
NO_ANSWER = "n/a"
DRAWN = 6  # curves that can still be told apart
FEW_PARTS = 3  # whose subsets fit into one table
MIDDLE = 0.5
FORCED = (
    "A case of which an arm has nothing to go by is scored as a forced answer, the arm's mean probabilities on "
    "validation rows: as good as chance. Its share is given after the score; n/a where that is every case."
)
ROBUSTNESS = (
    "Robustness: the mean over the rates {rates} of (score {minus} chance) / (score of complete cases {minus} chance), "
    "chance = {chance}. 1: nothing is lost, as of an arm that does not read the fields; 0: all is lost; {nothing}: the "
    "complete score itself cannot be told from chance. Each rate was drawn once: intervals are over patients."
)


def missing_section(losses: Losses, *, first: Sequence[str]) -> Section:
    """Tables of all arms, and the curves of six at most.

    Args:
        losses: from `evaluate_missing`.
        first: arms to be drawn whatever they score; the first has its interval drawn.
    """
    return Section(
        "When parts are missing",
        NOTE,
        pictures=missing_pictures(losses, first=first),
        grids=missing_grids(losses),
        saved={"missing_parts": records(losses.scores), "robustness": records(losses.robustness)},
    )


def missing_grids(losses: Losses) -> list[Grid]:
    """All arms with parts alone, and with fields hidden by every mechanism."""
    scores = losses.scores
    rates = sorted(scores["rate"][scores["rate"].between(0, 1, inclusive="neither")].unique())
    grids = list(_parts_grids(scores))
    if rates:
        note = ROBUSTNESS.format(
            rates=", ".join(number(rate, digits=2).rstrip("0") for rate in rates),
            minus=MINUS,
            chance=number(losses.chance),
            nothing=NOTHING,
        )
        grids.append(_mechanisms_grid(losses, min(rates, key=lambda rate: abs(rate - MIDDLE)), f"{note} {FORCED}"))
    return grids


def missing_pictures(losses: Losses, *, first: Sequence[str]) -> list[Picture]:
    """Curves of the first arms, of the best one that a photo alone tells nothing, and of the best others."""
    if losses.robustness.empty:
        return []
    arms = drawn_arms(losses.scores, first=first)
    figure = draw.missing_curves(losses.scores, arms=arms, chance=losses.chance)
    note = (
        f"Balanced accuracy; the band is the 95 % interval of {arms[0]}, the dotted line chance. The arms after "
        f"{' and '.join(first)} were chosen by their score on these very cases: for the eye, not for a claim."
    )
    return [Picture("When fields are missing", figure, note)]


def drawn_arms(scores: pd.DataFrame, *, first: Sequence[str]) -> list[str]:
    """Six arms at most; see `missing_pictures`."""
    best = scores[scores["rate"] == 0].sort_values("estimate", ascending=False, kind="stable")
    photos_alone = [name for name in scores["scenario"][scores["rate"] == 1].unique() if _is_photos(name)]
    all_photos = max(photos_alone, key=len, default="")
    blind = set(scores["arm"][(scores["scenario"] == all_photos) & (scores["answered"] == 0)])
    without_photo = [arm for arm in best["arm"] if arm in blind]
    return list(dict.fromkeys([*first, *without_photo[:1], *best["arm"]]))[:DRAWN]


def _parts_grids(scores: pd.DataFrame) -> Iterator[Grid]:
    """One table of all sets of parts; where parts are many, one for every number of parts that are left."""
    parts = scores[scores["rate"].isin([0, 1])]
    names = [name for name in parts["scenario"].drop_duplicates() if name != COMPLETE]
    every = list(dict.fromkeys(part for name in names for part in name.split("+")))
    if len(every) <= FEW_PARTS:
        yield _parts_grid(parts, {name: _title(name) for name in names}, "With parts alone")
        return
    for size in range(1, len(every)):
        sets = [name for name in names if len(name.split("+")) == size]
        if size == len(every) - 1:
            without = {name: next(part for part in every if part not in name.split("+")) for name in sets}
            titles = {name: f"Without {_words(part)}" for name, part in without.items()}
            yield _parts_grid(parts, titles, "With one part missing")
        else:
            titled = {name: _title(name) for name in sets}
            yield _parts_grid(parts, titled, "With one part alone" if size == 1 else f"With {count(size)} parts")


def _parts_grid(parts: pd.DataFrame, titles: Mapping[str, str], title: str) -> Grid:
    """Arms by scenario, the complete cases first. titles: of the columns, by scenario."""
    cells = {(row["arm"], row["scenario"]): _score(row) for row in parts.to_dict("records")}
    lines = [
        [arm, *(cells.get((arm, name), NO_ANSWER) for name in (COMPLETE, *titles)), count(parts["n"].iloc[0])]
        for arm in arm_names(parts)
    ]
    return Grid(f"{title}: balanced accuracy", ["Arm", "Complete", *titles.values(), "n"], lines, FORCED)


def _mechanisms_grid(losses: Losses, middle: float, note: str) -> Grid:
    names = list(losses.robustness["scenario"].drop_duplicates())
    scores = losses.scores[losses.scores["rate"] == middle]
    cells = {(row["arm"], row["scenario"]): _score(row) for row in scores.to_dict("records")}
    shares = {(row["arm"], row["scenario"]): with_interval(row) for row in losses.robustness.to_dict("records")}
    lines = [
        [arm, *(column.get((arm, name), NO_ANSWER) for column in (shares, cells) for name in names)]
        for arm in arm_names(losses.scores)
    ]
    words = [name.replace("_", " ") for name in names]
    head = ["Arm", *(f"Robustness, {name}" for name in words), *(f"{percent(middle)} hidden, {name}" for name in words)]
    return Grid("With fields hidden: robustness and balanced accuracy", head, lines, note)


def _score(row: Mapping[Any, Any]) -> str:
    if row["answered"] == 0:
        return NO_ANSWER
    unanswered = f" ({percent(1 - row['answered'])} not answered)" if row["answered"] < 1 else ""
    return with_interval(row) + unanswered


def _title(scenario: str) -> str:
    titled = " and ".join(map(_words, scenario.split("+"))).capitalize()
    return titled if "+" in scenario else f"{titled} alone"


def _words(part: str) -> str:
    return part.replace("_", " ")


def _is_photos(scenario: str) -> bool:
    """Whether photos are all that is left."""
    return not {FIELDS, WORDS} & set(scenario.split("+"))

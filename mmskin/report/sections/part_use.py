"""Which parts of a case each arm reads: a plain sentence for every arm that ignores one, and a table of all."""

from __future__ import annotations

from typing import Any

import pandas as pd

from mmskin.evaluation.part_use import GONE, IGNORED, OTHERS, ignored_parts
from mmskin.json_values import records
from mmskin.report.numbers import NOTHING, number, percent, with_interval
from mmskin.report.pages import Grid, Section

NOTE = (
    "The same test cases with one part taken away, and with that part of another patient: the share of cases in which "
    "the most likely class stays, and the mean change of the probabilities (total variation, 0 to 1). An arm whose "
    "answers stay has not gained from that part, whatever it scores. First seed, exploratory."
)


def part_use_section(use: pd.DataFrame) -> Section:
    """Sentences and the table. use: of `evaluate_part_use`, one row or more."""
    given = use[use["reads"]]
    lines = [_sentence(row) for row in ignored_parts(use).to_dict("records")]
    none = f"No arm gives the same answer without a part that it is given in {percent(IGNORED)} of cases or more."
    cells = {(row["arm"], row["part"], row["how"]): row for row in given.to_dict("records")}
    parts = list(use["part"].drop_duplicates())
    asked = [(part, how) for part in parts for how in (GONE, OTHERS)]
    rows = [[arm, *(_cell(cells.get((arm, part, how))) for part, how in asked)] for arm in use["arm"].drop_duplicates()]
    head = ["Arm", *(f"{_words(part)} {how}" for part, how in asked)]
    note = f"Share of answers that stay [95 % interval]; mean change. {NOTHING}: the arm is not given that part."
    return Section(
        "What the arms read",
        NOTE,
        lines or [none],
        grids=[Grid("", head, rows, note)],
        saved={"part_use": records(use)},
    )


def _sentence(row: dict[Any, Any]) -> str:
    share = f"{percent(row['stays'])} of cases [{percent(row['low'])}, {percent(row['high'])}]"
    part = row["part"].replace("_", " ")
    return f"{row['arm']} answers the same without the {part} in {share}: it hardly reads it."


def _cell(row: dict[Any, Any] | None) -> str:
    if row is None:
        return NOTHING
    share = with_interval({"estimate": row["stays"], "low": row["low"], "high": row["high"]})
    return f"{share}; {number(row['change'], digits=2)}"


def _words(part: str) -> str:
    return part.replace("_", " ").capitalize()

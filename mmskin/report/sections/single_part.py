"""The primary arm beside the best arm of one part alone, in one sentence."""

from __future__ import annotations

from mmskin.evaluation.single_part import BesideSinglePart
from mmskin.json_values import plain
from mmskin.report.headline import in_words
from mmskin.report.numbers import difference, p_value
from mmskin.report.pages import Section


def single_part_section(beside: BesideSinglePart, *, primary: str) -> Section:
    """Whether fusing has gained anything over the better of its parts."""
    found = beside.difference._asdict()
    chosen = (
        "the only one"
        if len(beside.candidates) == 1
        else f"on validation rows the best of {', '.join(beside.candidates)}"
    )
    sentence = (
        f"{primary} minus {beside.arm}, {chosen}, in {in_words(beside.difference.metric)}: {difference(found)}, "
        f"{p_value(beside.difference.p)}, {beside.difference.verdict}. Exploratory."
    )
    saved = {"arm": beside.arm, "candidates": list(beside.candidates), "primary": primary, **found}
    return Section("Beside the best single part", lines=[sentence], saved={"single_part": plain(saved)})

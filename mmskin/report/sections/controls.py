"""Arms that must fail: their training histories were given to other patients, so nothing of the history is left."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mmskin.evaluation.metrics import METRICS
from mmskin.evaluation.results import Results
from mmskin.json_values import records
from mmskin.report.numbers import difference, number, p_cell
from mmskin.report.pages import Grid, Section

NOTE = (
    "Histories shuffled across patients: the advantage over the reference must vanish. Where it does not, it comes "
    "from something else than what these patients said. Controls are neither ranked nor part of its correction."
)


def control_section(controls: Results, ranked: Results, *, originals: Mapping[str, str]) -> Section:
    """Each control against the reference, beside what its original gained.

    Args:
        controls: of the controls and the reference.
        ranked: of all other arms.
        originals: the arm that is the same but for its histories, by control, where there is one.
    """
    gains = {row["arm"]: row for row in ranked.compared()}
    lines, rows = [], []
    for row in controls.compared():
        original = originals.get(row["arm"], "")
        lines.append(sentence(row, gains.get(original)))
        p = p_cell(row["p_adjusted"])
        rows.append([row["arm"], original, difference(row), p, number(row["detectable"]), row["verdict"]])
    title = f"{METRICS[controls.metric].title} minus {controls.reference}"
    grid = Grid("", ["Control", "The same with its own histories", title, "p", "Detectable", "Verdict"], rows)
    return Section("Controls", NOTE, lines, grids=[grid], saved={"controls": records(controls.differences)})


def sentence(row: Mapping[Any, Any], original: Mapping[Any, Any] | None) -> str:
    """Whether the advantage vanished. An arm that is no longer better has none left that these patients could show."""
    gain = f"{row['arm']}: {difference(row)} against {row['reference']}"
    if row["verdict"] == "better":
        return f"{gain}. The advantage did not vanish: part of it does not come from the histories."
    had = f", where {original['arm']} had {difference(original)}" if original is not None else ""
    if original is not None and original["verdict"] != "better":
        return f"{gain}{had}: there was no advantage to vanish."
    return f"{gain}{had}. The advantage vanished."

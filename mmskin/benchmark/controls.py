"""Arms that must fail: their training histories were given to other patients, so nothing of the history is left."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mmskin.benchmark.benchmark_config import Benchmark
from mmskin.evaluation.metrics import METRICS
from mmskin.json_values import records
from mmskin.report.numbers import difference, number, p_cell
from mmskin.report.pages import Grid, Section
from mmskin.report.results import Results

NOTE = (
    "Histories shuffled across patients: the advantage over the reference must vanish. Where it does not, it comes "
    "from something else than what these patients said. Controls stand outside the ranking and its correction."
)


def control_names(benchmark: Benchmark) -> list[str]:
    return [name for name, arm in benchmark.arms.items() if arm.shuffle_histories]


def original_of(benchmark: Benchmark, control: str) -> str | None:
    """The arm that is the same but for its histories, which are the patients' own; None if there is none."""
    wanted = benchmark.arms[control].model_dump() | {"shuffle_histories": False}
    for name, arm in benchmark.arms.items():
        if arm.model_dump() == wanted:
            return name
    return None


def control_section(benchmark: Benchmark, controls: Results, compared: Results) -> Section:
    """Each control against the reference, beside what its original gained.

    Args:
        benchmark: names the arms.
        controls: of the controls and the reference.
        compared: of all other arms.
    """
    assert controls.differences is not None
    metric, title = benchmark.primary.metric, METRICS[benchmark.primary.metric].title
    gains = {row["arm"]: row for row in _rows(compared, metric)}
    lines, rows = [], []
    for row in _rows(controls, metric):
        original = original_of(benchmark, row["arm"])
        lines.append(sentence(row, gains.get(original)))
        p = p_cell(row["p_adjusted"])
        rows.append([row["arm"], original or "", difference(row), p, number(row["detectable"]), row["verdict"]])
    head = ["Control", "The same with its own histories", f"{title} minus {benchmark.primary.reference}"]
    grid = Grid("", [*head, "p", "Detectable", "Verdict"], rows)
    return Section("Controls", NOTE, lines, grids=[grid], saved={"controls": records(controls.differences)})


def sentence(row: Mapping[Any, Any], original: Mapping[Any, Any] | None) -> str:
    """Whether the advantage vanished. An arm that is no longer better has none left that these patients could show."""
    found = f"{row['arm']}: {difference(row)} against {row['reference']}"
    if row["verdict"] == "better":
        return f"{found}. The advantage did not vanish: part of it does not come from the histories."
    had = f", where {original['arm']} had {difference(original)}" if original is not None else ""
    if original is not None and original["verdict"] != "better":
        return f"{found}{had}: there was no advantage to vanish."
    return f"{found}{had}. The advantage vanished."


def _rows(results: Results, metric: str) -> list[dict[Any, Any]]:
    assert results.differences is not None
    rows = results.differences
    return rows[rows["metric"] == metric].to_dict("records")

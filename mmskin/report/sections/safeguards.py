"""What calibration, answer sets and triage of one arm are worth: tables, and curves of its decisions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import pandas as pd

from mmskin.features import is_photo, photo_title
from mmskin.json_values import records
from mmskin.report import safeguard_figures as draw
from mmskin.report.numbers import NOTHING, count, number, percent, with_interval
from mmskin.report.pages import Grid, Section
from mmskin.report.pictures import Picture
from mmskin.trained.answer_sets import LEVEL
from mmskin.trained.parts_there import HISTORY
from mmskin.trained.triage import ALARMED, MISSED, TITLES, Level

AS_TRAINED = "as trained"


class Safety(NamedTuple):
    """Tables, a row a number.

    calibration: parts, method, metric, estimate, low, high. coverage: parts, promise, class ("" for all), n, covered,
    low, high, band_low, band_high, size. triage: parts, of, level, k, n, low, high, cases, of_cases. points: thresholds
    of the dangerous group; decisions: net benefit; both empty where no class is dangerous. risk_coverage: as of
    `mmskin.evaluation.risk_coverage`. reliability: parts, method, bins of confidence.
    """

    calibration: pd.DataFrame
    coverage: pd.DataFrame
    triage: pd.DataFrame
    points: pd.DataFrame
    decisions: pd.DataFrame
    risk_coverage: pd.DataFrame
    reliability: pd.DataFrame


NOTE = (
    "Fitted to the validation patients of each fold and measured on its test patients, first seed, folds pooled. "
    "Probabilities are calibrated, sets and thresholds found, for each set of parts that may be there by itself."
)
METRICS = {
    "debiased_ece": "Debiased ECE",
    "ece": "ECE",
    "classwise_ece": "Class-wise ECE",
    "brier": "Brier score",
    "log_loss": "Log-loss",
}
METHODS = {
    AS_TRAINED: "as trained",
    "temperature": "temperature",
    "bias_corrected": "temperature and a bias a class (used)",
    "vector": "a slope and a bias a class",
}
CALIBRATION_NOTE = (
    "Debiased ECE: root-mean-square error of the confidence in bins of equal mass, the chance of few cases taken out "
    "(Kumar et al. 2019); ECE and class-wise ECE are not debiased. After calibration under the class shares of the "
    "validation cases. Intervals over patients."
)
SET_NOTE = (
    "One case a patient. Promised: of each class, the true one is in the set in {level} of patients or more; the band "
    "is where the count lies if that holds, in all classes together with 95 %. All together: a set that promises "
    "{level} over all patients alone, which is smaller and may fail rare classes."
)
TRIAGE_NOTE = (
    "Patients with a case called so, of all patients of the class, with exact 95 % intervals; a patient with several "
    "cases may stand in two columns. Thresholds: dangerous cases called least urgent in {missed} or fewer, harmless "
    "ones called urgent in {alarmed} or fewer, in expectation over new patients."
)
POINTS_NOTE = (
    "The threshold is chosen on the test cases themselves, anew in every resample: what is possible, not a rule to use."
)


def safeguards_section(safety: Safety, *, arm: str, titles: Mapping[str, str]) -> Section:
    """Tables and figures.

    Args:
        safety: what was measured.
        arm: whose.
        titles: of classes.
    """
    by_parts = dict(_by_parts(safety.reliability))
    note = (
        "Share of right answers by the confidence of the answer, with exact intervals over cases. Dotted: calibrated."
    )
    pictures = [Picture("Reliability before and after calibration", draw.reliability(by_parts), note)]
    if len(safety.decisions):
        note = "Net benefit of acting on a dangerous class from each probability on, of acting on everybody, on nobody."
        pictures.append(Picture("Decision curve", draw.decision_curve(safety.decisions), f"{note} Band: 95 %."))
    note = "Cases are answered in the order of their confidence. Balanced: the mean over classes."
    pictures.append(Picture("Risk and coverage", draw.risk_coverage(safety.risk_coverage), f"{note} Bands: 95 %."))
    return Section(
        f"Safeguards of {arm}",
        NOTE,
        pictures=pictures,
        grids=[
            *_calibration_grids(safety),
            *_coverage_grids(safety.coverage, titles),
            *_triage_grids(safety.triage, titles),
            *_points(safety),
        ],
        saved={"safeguards": {name: records(table) for name, table in safety._asdict().items()}},
    )


ELSEWHERE = (
    "As they were found at home, unchanged. A set promises its level for patients like those of validation; whether "
    "these are is what its coverage here shows."
)


def safeguards_elsewhere_section(
    coverage: pd.DataFrame, triage: pd.DataFrame, *, arm: str, titles: Mapping[str, str]
) -> Section:
    """Sets and triage of a model on patients from elsewhere.

    Args:
        coverage: as of `Safety`, class by class alone.
        triage: as of `Safety`.
        arm: the model.
        titles: of classes.
    """
    grids = [*_coverage_grids(coverage, titles), *_triage_grids(triage, titles)]
    saved = {"coverage": records(coverage), "triage": records(triage)}
    return Section(f"Answer sets and triage: {arm}", ELSEWHERE, grids=grids, saved={f"safeguards of {arm}": saved})


def parts_words(key: str) -> str:
    """A set of parts as a heading, such as "Photo and history"."""
    words = [photo_title(part) if is_photo(part) and part != HISTORY else part for part in key.split("+")]
    return " and ".join(words).capitalize()


def _by_parts(table: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    for key, rows in table.groupby("parts", sort=False):
        yield parts_words(str(key)), rows


def _calibration_grids(safety: Safety) -> list[Grid]:
    head = ["Parts that are there", "Calibration", *METRICS.values()]
    rows = []
    for title, of_parts in _by_parts(safety.calibration):
        for method, words in METHODS.items():
            cells = {row["metric"]: row for row in of_parts[of_parts["method"] == method].to_dict("records")}
            rows.append([title, words, *(with_interval(cells[name]) for name in METRICS)])
    return [Grid("Calibration", head, rows, CALIBRATION_NOTE)]


def _coverage_grids(coverage: pd.DataFrame, titles: Mapping[str, str]) -> list[Grid]:
    head = ["True class", "Patients", "In the set", "Band", "Classes in a set"]
    jointly = [*head, "All together: in the set", "Classes"]
    note = SET_NOTE.format(level=percent(LEVEL))
    grids = []
    for title, rows in _by_parts(coverage):
        cells = {(row["promise"], row["class"]): row for row in rows.to_dict("records")}
        has_joint = ("marginal", "") in cells
        lines = []
        for name in rows["class"].drop_duplicates():
            own = cells["by_class", name]
            line = [titles.get(name, name) or "all", count(own["n"]), _share(own), _band(own), _size(own)]
            joint = [cells["marginal", name]] if has_joint else []
            lines.append([*line, *(cell for of in joint for cell in (_share(of), _size(of)))])
        grids.append(Grid(f"Answer sets: {title.lower()}", jointly if has_joint else head, lines, note))
    return grids


def _band(row: dict[Any, Any]) -> str:
    low, high = row["band_low"], row["band_high"]
    return f"{count(int(low))} to {count(int(high))}" if low >= 0 else NOTHING


def _size(row: dict[Any, Any]) -> str:
    return number(row["size"], digits=1)


def _share(row: dict[Any, Any]) -> str:
    if not row["n"]:
        return NOTHING
    ends = f"[{percent(row['low'])}, {percent(row['high'])}]"
    return f"{count(row['covered'])} ({percent(row['covered'] / row['n'])}) {ends}"


def _triage_grids(triage: pd.DataFrame, titles: Mapping[str, str]) -> list[Grid]:
    order = sorted(Level, reverse=True)
    head = ["True class", "Patients", *(TITLES[level].partition(";")[0] for level in order)]
    note = TRIAGE_NOTE.format(missed=percent(MISSED), alarmed=percent(ALARMED))
    grids = []
    for title, rows in _by_parts(triage) if len(triage) else ():
        cells = {(row["of"], row["level"]): row for row in rows.to_dict("records")}
        lines = [
            [titles.get(of, of), count(cells[of, "least"]["n"]), *(_called(cells[of, lv.name.lower()]) for lv in order)]
            for of in rows["of"].drop_duplicates()
        ]
        grids.append(Grid(f"Triage: {title.lower()}", head, lines, note))
    return grids


def _called(row: dict[Any, Any]) -> str:
    if not row["n"]:
        return NOTHING
    ends = f"[{percent(row['low'], digits=1)}, {percent(row['high'], digits=1)}]"
    return f"{count(row['k'])} ({percent(row['k'] / row['n'], digits=1)}) {ends}"


def _points(safety: Safety) -> list[Grid]:
    if safety.points.empty:
        return []
    head = ["Aimed at", "Threshold", "Sensitivity", "Specificity", "Flagged for each dangerous case"]
    rows = [
        [
            f"{row['aimed']} {number(row['aim'], digits=2)}",
            number(row["threshold"]),
            *(with_interval(row[name]) for name in ("sensitivity", "specificity")),
            with_interval(row["per_cancer"], digits=2),
        ]
        for row in safety.points.to_dict("records")
    ]
    return [Grid("Dangerous classes against the others", head, rows, POINTS_NOTE)]

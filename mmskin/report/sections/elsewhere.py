"""Patients from elsewhere: scores beside those at home, other shares of the classes, thresholds chosen before, and whom
or what the model knows already."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from mmskin.evaluation.operating_points import OperatingPoint
from mmskin.json_values import plain, records
from mmskin.report.numbers import NOTHING, count, number, percent, with_interval
from mmskin.report.pages import Grid, Section
from mmskin.report.tables import column_title

BESIDE = ("balanced_accuracy", "macro_auroc", "log_loss", "ece", "calibration_slope")
PRIORS = ("log_loss", "brier", "ece", "balanced_accuracy")
HOME, ELSEWHERE = "test folds at home", "elsewhere"
PRIOR_NOTE = (
    "Shares of the classes differ between places, and with them what a probability should be. The answers are brought "
    "to the shares of the model's own validation cases, from there by Bayes' rule to the shares estimated from the new "
    "cases without their labels, and to the shares that the labels show, which a clinic does not know beforehand. This "
    "is right where classes look alike in both places; a camera or a patient group that is new is not mended by it. "
    "To evaluate under one of them: mmskin evaluate --prior."
)


def beside_home_section(
    metrics: pd.DataFrame, home: Mapping[str, pd.DataFrame], classes: Mapping[str, Sequence[str]]
) -> Section:
    """Two rows a model: its own test folds, and the new patients.

    Args:
        metrics: of the new patients, as of `evaluate_some`.
        home: the same of the test rows of the model's own run, by arm.
        classes: by arm, those that the new patients have cases of, where they are fewer.
    """
    rows, saved = [], []
    for arm in dict.fromkeys(metrics["arm"]):
        for place, table in ((HOME, home.get(arm)), (ELSEWHERE, metrics[metrics["arm"] == arm])):
            if table is None:
                rows.append([arm, place, *[NOTHING] * len(BESIDE), NOTHING])
                continue
            whole = table.set_index("metric")
            cells = [with_interval(whole.loc[name].to_dict()) for name in BESIDE]
            rows.append([arm, place, *cells, count(int(whole["n"].iloc[0]))])
            saved += records(table.assign(place=place))
    note = (
        "Two groups of patients with other shares of the classes: shown side by side, never subtracted. Means over "
        "classes are over those that have cases."
    )
    for arm, left in classes.items():
        note += f" {arm}: elsewhere has cases of {', '.join(left)} alone."
    head = ["Model", "Patients", *(column_title(name, "") for name in BESIDE), "n"]
    return Section("At home and elsewhere", note, grids=[Grid("", head, rows)], saved={"home_and_elsewhere": saved})


def prior_shift_section(
    arm: str, metrics: pd.DataFrame, shares: Mapping[str, Sequence[float]], classes: Sequence[str]
) -> Section:
    """What probabilities of one model are worth under which shares of the classes.

    Args:
        arm: the model.
        metrics: as of `evaluate_some`; its arms are the shares in words.
        shares: of the classes, by the same words where they are known.
        classes: in their order.
    """
    names = list(dict.fromkeys(metrics["arm"]))
    cells = {(row["arm"], row["metric"]): with_interval(row) for row in metrics.to_dict("records")}
    scores = [[name, *(cells[name, metric] for metric in PRIORS)] for name in names]
    table = [[name, *(percent(share, digits=1) for share in of)] for name, of in shares.items()]
    return Section(
        f"Shares of the classes: {arm}",
        PRIOR_NOTE,
        grids=[
            Grid("Probabilities under", ["Shares", *(column_title(metric, "") for metric in PRIORS)], scores),
            Grid("The shares", ["Shares", *classes], table),
        ],
        saved={
            f"prior_shift_{arm}": {
                "metrics": records(metrics),
                "shares": plain({k: list(v) for k, v in shares.items()}),
            }
        },
    )


def thresholds_section(found: Sequence[tuple[str, str, str, float, OperatingPoint]]) -> Section:
    """Thresholds of validation cases on the new patients.

    Args:
        found: model, class group, sensitivity on validation cases, threshold, and what it does elsewhere.
    """
    rows = [
        [
            arm,
            group,
            percent(float(aimed)),
            number(threshold),
            *map(_share, point),
            f"{count(point.sensitivity.n)} / {count(point.specificity.n)}",
        ]
        for arm, group, aimed, threshold, point in found
    ]
    head = ["Model", "Classes", "Sensitivity aimed at", "Threshold", "Sensitivity", "Specificity", "n inside / outside"]
    note = (
        "A case is flagged where the probability of the classes together reaches the threshold. It was chosen on the "
        "model's own validation cases, as the highest one with the sensitivity aimed at, and is applied here unchanged."
    )
    saved = [
        {
            "arm": a,
            "group": g,
            "aimed": float(s),
            "threshold": t,
            "sensitivity": p.sensitivity._asdict(),
            "specificity": p.specificity._asdict(),
        }
        for a, g, s, t, p in found
    ]
    return Section("Thresholds chosen before", note, grids=[Grid("", head, rows)], saved={"thresholds": plain(saved)})


def _share(share: object) -> str:
    return with_interval(share._asdict())  # type: ignore[attr-defined]

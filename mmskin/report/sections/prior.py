"""What probabilities are worth once all arms tell them under the same shares of the classes."""

from __future__ import annotations

import pandas as pd

from mmskin.evaluation.predictions import arm_names
from mmskin.json_values import records
from mmskin.report.numbers import NOTHING, number, with_interval
from mmskin.report.pages import Grid, Section
from mmskin.report.tables import column_title

TITLE = "Probabilities under the shares of the data"
NOTE = (
    "A loss that weighs classes alike answers as if they were about equally frequent. Here every arm is brought to the "
    "shares of the labelled cases by a temperature and a bias for each class, fitted on validation rows, so that "
    "probabilities of arms with different losses can be compared. In brackets: as the arm answered. For the shares of "
    "another clinic: mmskin evaluate --prior."
)


def prior_section(answered: pd.DataFrame, restated: pd.DataFrame) -> Section:
    """A row an arm.

    Args:
        answered: one row an arm and metric, as the arms answered.
        restated: the same under the shares of the data.
    """
    metrics = list(dict.fromkeys(restated["metric"]))
    before = {(row["arm"], row["metric"]): number(row["estimate"]) for row in answered.to_dict("records")}
    after = {(row["arm"], row["metric"]): with_interval(row) for row in restated.to_dict("records")}
    rows = [
        [arm, *(f"{after[arm, metric]} ({before.get((arm, metric), NOTHING)})" for metric in metrics)]
        for arm in arm_names(restated)
    ]
    head = ["Arm", *(column_title(metric, "") for metric in metrics)]
    return Section(TITLE, NOTE, grids=[Grid("", head, rows)], saved={"under_shares_of_data": records(restated)})

"""The primary arm beside the best arm that reads one part of a case alone, photos or history.

A fusion that beats the photo may still be beaten by the history alone, and has then gained nothing by fusing. Which arm
is the best single part is chosen on validation rows. With rotating folds these are test rows of other folds, so the
choice favours the single part a little, never the fusion.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import pandas as pd

from mmskin.evaluation.differences import Difference, paired_difference
from mmskin.evaluation.intervals import REPLICATES, draw_patients, replicate
from mmskin.evaluation.metrics import METRICS
from mmskin.evaluation.predictions import arm_names


class BesideSinglePart(NamedTuple):
    """arm: the best single part, of the candidates; difference: the primary arm minus it, on test rows."""

    arm: str
    candidates: tuple[str, ...]
    difference: Difference


def beside_best_single_part(
    table: pd.DataFrame, *, primary: str, singles: Sequence[str], metric: str, replicates: int = REPLICATES
) -> BesideSinglePart | None:
    """The comparison; None without a single part that is finished, or if the primary arm is one itself.

    Args:
        table: predictions, validation and test rows.
        primary: the arm that is compared.
        singles: arms that read one part alone.
        metric: for which more or less is better, for the choice and the comparison.
        replicates: resamples of the patients.
    """
    finished = [arm for arm in singles if arm in arm_names(table)]
    val = table[table["split"] == "val"]
    if primary in singles or not finished or val.empty:
        return None
    scores = {arm: _score(val[val["arm"] == arm], metric) for arm in finished}
    best = (max if METRICS[metric].better == "higher" else min)(scores, key=lambda arm: scores[arm])
    ours, theirs = (table[table["arm"] == arm] for arm in (primary, best))
    difference = paired_difference(ours, theirs, metric=metric, replicates=replicates)
    return BesideSinglePart(best, tuple(finished), difference)


def _score(rows: pd.DataFrame, metric: str) -> float:
    """The metric itself, the mean over seeds."""
    alone = draw_patients(rows["patient_id"], replicates=1)
    return float(replicate(rows, resamples=alone, metrics={metric: METRICS[metric]})[metric, ""][0])

"""From the predictions table to a report. No torch here."""

from __future__ import annotations

from mmskin.evaluation.delong import clustered_auc, clustered_auc_difference
from mmskin.evaluation.differences import Difference, compare_arms, paired_difference
from mmskin.evaluation.intervals import evaluate, patient_weights
from mmskin.evaluation.metrics import METRICS
from mmskin.evaluation.permutation import permutation_test
from mmskin.evaluation.predictions import check_predictions, class_names, read_predictions, write_predictions
from mmskin.evaluation.subgroup_gaps import evaluate_subgroup_gaps
from mmskin.evaluation.subgroups import evaluate_subgroups

__all__ = [
    "METRICS",
    "Difference",
    "check_predictions",
    "class_names",
    "clustered_auc",
    "clustered_auc_difference",
    "compare_arms",
    "evaluate",
    "evaluate_subgroup_gaps",
    "evaluate_subgroups",
    "paired_difference",
    "patient_weights",
    "permutation_test",
    "read_predictions",
    "write_predictions",
]

"""Answers for a whole table of cases: probabilities, and what follows from them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from mmskin.evaluation.metrics import Floats
from mmskin.trained.answer_sets import LEVEL
from mmskin.trained.ensemble import Trained
from mmskin.trained.judgement import judge_cases
from mmskin.trained.parts_there import is_flagged, parts_of_rows
from mmskin.trained.photo_check import unlike_rows
from mmskin.trained.safeguards import guarded
from mmskin.trained.trained_model import TrainedModel
from mmskin.trained.triage import Level


def answer_table(trained: Trained, table: pd.DataFrame, *, level: float = LEVEL) -> pd.DataFrame:
    """A row a case.

    Args:
        trained: the model, or several.
        table: of cases, `mmskin.data.table`; targets are not read.
        level: of the answer sets.

    Returns:
        case_id; prob_<class>…, as trained, as the predictions table of a run has them; and of a model with safeguards:
        parts, those of the case that are there; calibrated_<class>…, under the class shares of the training data;
        unlike_training, why photos are unlike those of training; answer_set, classes joined by +; triage, where the
        schema names a dangerous class. NaN and "" where nothing is there.

    Raises:
        UserError: a level outside (0, 1).
    """
    of_models = {id(model): model.probabilities(table) for model in trained.models}  # read once a model

    def ask(model: TrainedModel) -> Floats:
        return of_models[id(model)]

    classes, probs = trained.schema.classes, trained.answered(ask)
    columns: dict[str, Any] = {"case_id": table["case_id"].tolist()}
    columns |= {f"prob_{name}": probs[:, code] for code, name in enumerate(classes)}
    models = guarded(trained)
    if not models:
        return pd.DataFrame(columns)
    unlike = unlike_rows(trained, [(one.trained, one.safeguards.photos) for one in models], table)
    parts, flagged = parts_of_rows(table, trained.schema, trained.modalities), is_flagged(table, trained.schema)
    is_unlike = np.array([bool(reasons) for reasons in unlike], dtype=bool)
    judged = judge_cases(trained, ask, parts, flagged=flagged, unlike=is_unlike, level=level)
    assert judged is not None
    columns["parts"] = parts
    columns |= {f"calibrated_{name}": judged.probabilities[:, code] for code, name in enumerate(classes)}
    columns["unlike_training"] = ["; ".join(reasons) for reasons in unlike]
    columns["answer_set"] = ["+".join(np.array(classes)[inside]) for inside in judged.inside]
    if judged.levels is not None:
        named = [Level(reached).name.lower() for reached in judged.levels]
        columns["triage"] = [name if key else "" for name, key in zip(named, parts, strict=True)]
    return pd.DataFrame(columns)

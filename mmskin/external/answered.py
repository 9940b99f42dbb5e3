"""What models answer of patients from elsewhere, as a predictions table that is evaluated like any other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mmskin.data.patient_digests import patient_digests, population_of
from mmskin.data.table import Cases
from mmskin.errors import DataError, ModelError
from mmskin.evaluation.metrics import Floats
from mmskin.evaluation.predictions import GROUP, PROB, check_predictions
from mmskin.evaluation.results import read_run
from mmskin.trained.ensemble import Trained
from mmskin.trained.judgement import Judged, judge_cases
from mmskin.trained.parts_there import is_flagged, parts_of_rows
from mmskin.trained.prior_shift import estimated_prior, restated
from mmskin.trained.run_models import run_of
from mmskin.trained.safeguards import validation_shares
from mmskin.trained.stated_prior import DATA, ESTIMATED, Prior, shares_of


@dataclass(frozen=True)
class Elsewhere:
    """One model on patients from elsewhere.

    arm: its name in tables.
    table: predictions as the model answers, all rows "test".
    judged: what its safeguards say of the rows, the probabilities under the shares of the classes among its validation
        cases; None of a model that has none.
    internal: predictions on test rows of its own run; None where the run is not at hand.
    shared: patients of the cases that the model was trained on, left out.
    same_ids: patients with an id that a training patient of another data set has as well.
    unanswered: cases of which the model could read nothing.
    """

    arm: str
    trained: Trained
    table: pd.DataFrame
    judged: Judged | None
    internal: pd.DataFrame | None
    shared: int = 0
    same_ids: int = 0
    unanswered: int = 0

    def under(self, prior: Prior) -> pd.DataFrame:
        """The predictions under other shares of the classes: those of the cases, estimated without labels, or given.

        Raises:
            ModelError: the model does not remember the shares of its validation cases.
            ConfigError: no such prior.
        """
        probs, own = self.own_shares()
        to = estimated_prior(probs, of=own) if prior == ESTIMATED else shares_of(prior, self.table)
        return self._with(restated(probs, of=own, to=to))

    def under_own(self) -> pd.DataFrame:
        """The predictions under the shares of the model's own validation cases."""
        return self._with(self.own_shares()[0])

    def shares(self) -> dict[str, Floats]:
        """(C,) of the validation cases, as estimated of the new cases without their labels, and of the new cases."""
        probs, own = self.own_shares()
        return {"own": own, ESTIMATED: estimated_prior(probs, of=own), DATA: shares_of(DATA, self.table)}

    def own_shares(self) -> tuple[Floats, Floats]:
        """(N, C) the answers under the shares of the classes among the validation cases, and these, (C,).

        Raises:
            ModelError: the model does not keep them.
        """
        if self.judged is None:
            raise ModelError(
                f"{self.arm} was saved before models kept the shares of their validation cases: train again"
            )
        return self.judged.probabilities, validation_shares(self.trained)

    def _with(self, probs: Floats) -> pd.DataFrame:
        columns = [name for name in self.table if str(name).startswith(PROB)]
        return self.table.assign(**{str(name): probs[:, code] for code, name in enumerate(columns)})


def answer_elsewhere(trained: Trained, cases: Cases, *, arm: str, folder: Path | None = None) -> Elsewhere:
    """What a model answers of cases from elsewhere, without the patients that it was trained on.

    Args:
        trained: the model.
        cases: see `labelled_new_cases`.
        arm: its name.
        folder: it was loaded from; where that lies in a run, the run's own test rows are compared with.

    Raises:
        DataError: the model was trained on all of the patients, or can read nothing of any case.
    """
    seen = _seen(trained, cases)
    table = cases.table[~seen["shared"]].reset_index(drop=True)
    shared = cases.table["patient_id"][seen["shared"]].nunique()
    if table.empty:
        raise DataError(f"{arm} was trained on every patient of {cases.schema.name}: the folds of its own run test it")
    of_models = {id(model): model.probabilities(table) for model in trained.models}  # photos are read once a model
    probs = trained.answered(lambda model: of_models[id(model)])
    answered = np.flatnonzero(~np.isnan(probs).any(axis=1))
    if not len(answered):
        raise DataError(f"{arm} finds nothing that it reads in any case of {cases.schema.name}")
    rows = table.iloc[answered].reset_index(drop=True)
    return Elsewhere(
        arm,
        trained,
        check_predictions(_predictions(rows, probs[answered], trained, arm)),
        judge_rows(trained, {key: of[answered] for key, of in of_models.items()}, rows),
        _internal(folder, trained),
        shared=shared,
        same_ids=cases.table["patient_id"][seen["same_ids"]].nunique(),
        unanswered=len(table) - len(answered),
    )


def _predictions(rows: pd.DataFrame, probs: Floats, trained: Trained, arm: str) -> pd.DataFrame:
    columns: dict[str, Any] = {
        "case_id": rows["case_id"],
        "patient_id": rows["patient_id"],
        "fold": 0,
        "seed": 0,
        "arm": arm,
        "split": "test",
        "target": rows["target"],
    }
    columns |= {PROB + name: probs[:, code] for code, name in enumerate(trained.schema.classes)}
    columns |= {str(name): rows[name] for name in rows if str(name).startswith(GROUP)}
    return pd.DataFrame(columns)


def _seen(trained: Trained, cases: Cases) -> Mapping[str, pd.Series[bool]]:
    """By row: whether the patient was trained on, or only has an id that a training patient elsewhere has."""
    ids = cases.table["patient_id"]
    shared = pd.Series(False, index=ids.index)
    same_ids = shared.copy()
    own = population_of(cases.schema)
    for model in trained.models:
        for source, digests in model.record.get("trained_on", {}).items():
            known = set(digests)
            found = ids.map(lambda one, of=source, known=known: patient_digests([one], source=of)[0] in known)
            if source == own:
                shared |= found
            else:
                same_ids |= found
    return {"shared": shared, "same_ids": same_ids & ~shared}


def judge_rows(trained: Trained, of_models: Mapping[int, Floats], rows: pd.DataFrame) -> Judged | None:
    """What follows from the answers (N, C) of each single model; None of a model without safeguards."""
    parts = parts_of_rows(rows, trained.schema, trained.modalities)
    flagged = is_flagged(rows, trained.schema)
    return judge_cases(trained, lambda model: of_models[id(model)], parts, flagged=flagged)


def _internal(folder: Path | None, trained: Trained) -> pd.DataFrame | None:
    """The test rows of the model's own run, of its arm; of one model of the run those of its fold and seed."""
    run = None if folder is None else run_of(folder)
    if run is None or not (run.folder / "predictions.parquet").exists():
        return None
    table = read_run(run.folder).table
    rows = table[table["split"] == "test"]
    for column, value in (("arm", run.arm or _arm_of(trained)), ("fold", run.fold), ("seed", run.seed)):
        rows = rows if value is None else rows[rows[column] == value]
    return None if rows.empty else rows


def _arm_of(trained: Trained) -> str | None:
    """Of the models of a run together, whose they are."""
    made_of = trained.record.get("ensemble", [])
    return made_of[0]["arm"] if made_of else None

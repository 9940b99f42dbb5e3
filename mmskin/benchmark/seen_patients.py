"""An encoder that was trained on patients whom a fold validates or tests may not be read there."""

from __future__ import annotations

from mmskin.benchmark.arms import ResolvedArm
from mmskin.data.load import Fold
from mmskin.data.patient_digests import patient_digests, population_of
from mmskin.errors import DataError
from mmskin.trained.saved_model import patients_seen
from mmskin.training.fit_fold import fold_slots


def check_encoders_unseen(arm: ResolvedArm, fold: Fold) -> None:
    """No encoder that an arm reads from a saved model has learned from a patient of the fold's other parts.

    Models of before digests were kept, and weights of other libraries, say nothing and pass.

    Raises:
        DataError: one has; says how many, and what to give in its place.
    """
    source = population_of(fold.schema)
    held_out = set(patient_digests([*fold.split.val.patient_id, *fold.split.test.patient_id], source=source))
    for seed in arm.seeds:
        for modality, slot in fold_slots(arm.encoders, fold=fold.number, seed=seed).items():
            met = held_out & set(patients_seen(slot).get(source, ()))
            if met:
                raise DataError(
                    f"arms.{arm.name}.encoders.{modality}: {slot['weights']} was trained on {len(met):,} of the "
                    f"{len(held_out):,} patients whom fold {fold.number} validates or tests, so that would be no test; "
                    "give the encoder of each fold, as in weights: runs/x/cells/arm/fold_{fold}/seed_0/model, or "
                    "{from: <arm>}, or one trained on other patients (of another table with the same ids: its data set "
                    f"must have another name than {source!r})"
                )

"""The folds as each arm sees them: its mode of missingness decides the fields; a control has its histories shuffled."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from mmskin.benchmark.arms import ResolvedArm
from mmskin.benchmark.seen_patients import check_encoders_unseen
from mmskin.config.build import build
from mmskin.data.load import Fold, prepare_fold
from mmskin.data.shuffle import shuffle_histories
from mmskin.data.splits import Split
from mmskin.data.table import Cases
from mmskin.encoders import METADATA_ENCODERS
from mmskin.errors import ConfigError, DataError, first_of

Folds = dict[tuple[str, int], Fold]
"""By arm and number. Arms that see the same are given the same object."""


def folds_of_arms(
    arms: Iterable[ResolvedArm], cases: Cases, numbers: pd.Series[int], tested: Iterable[int], *, test: bool
) -> Folds:
    """Every fold that is tested, for every arm.

    Args:
        arms: of the run.
        cases: labelled.
        numbers: fold by case id.
        tested: the folds to be tested.
        test: whether test rows are given; without them none of a run's parts can touch one.

    Raises:
        DataError: an arm reads nothing but fields, and all of them are excluded; or an encoder that was trained on
            patients whom a fold validates or tests.
        ConfigError: an encoder of fields that cannot hold those of a fold.
    """
    seen: dict[tuple[str, bool, int], Fold] = {}
    by_arm: Folds = {}
    for k in tested:
        for arm in arms:
            key = (arm.data.missingness, arm.shuffled, k)
            if key not in seen:
                fold = prepare_fold(arm.data, cases, numbers, k)
                fold = _with_shuffled_histories(fold, seed=arm.seeds[0]) if arm.shuffled else fold
                seen[key] = fold if test else fold._replace(split=fold.split._replace(test=fold.split.test.iloc[:0]))
            check_has_history(arm, seen[key])
            check_reads_fields(arm, seen[key])
            check_encoders_unseen(arm, seen[key])
            by_arm[arm.name, k] = seen[key]
    return by_arm


def check_has_history(arm: ResolvedArm, fold: Fold) -> None:
    """An arm of photos needs no field; one that reads columns needs one, one that reads notes a field or free text.

    Raises:
        DataError: it has none, for all are excluded.
    """
    if fold.schema.fields or not fold.excluded:
        return
    if "metadata" in arm.encoders or ("text" in arm.encoders and fold.split.train.text.isna().all()):
        reasons = first_of([f"{name} ({reason})" for name, reason in fold.excluded.items()])
        raise DataError(
            f"arms.{arm.name}: missingness: always_recorded leaves no field of {fold.schema.name} to read: {reasons}; "
            "read photos only (image_only), or set missingness: equalized (optional_block must name these fields), or "
            "visible, in which what is missing can give the class away"
        )


def check_reads_fields(arm: ResolvedArm, fold: Fold) -> None:
    """Build its encoder of fields, so that one which is too narrow for them is refused before hours are spent.

    Raises:
        ConfigError: names the arm.
    """
    slot = arm.encoders.get("metadata")
    if slot is None:
        return
    try:
        build("metadata encoder", METADATA_ENCODERS, slot, fold.schema)
    except ConfigError as error:
        raise ConfigError(f"arms.{arm.name}.encoders.metadata, fold {fold.number}: {error}") from None


def _with_shuffled_histories(fold: Fold, *, seed: int) -> Fold:
    parts = [shuffle_histories(part, fold.schema, seed=seed + place) for place, part in enumerate(fold.split)]
    return fold._replace(split=Split(*parts))

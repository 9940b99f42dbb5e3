"""Two further tests of every arm against the reference, which assume other things than the bootstrap of `differences`.

Whether arms are equally often right is asked by swapping their answers patient by patient (`permutation`), whether
they rank one class, or a class group such as malignant, equally well by DeLong's error with patients as clusters
(`delong`). Both are exploratory: nothing is corrected for the number of arms, classes and tests, so that about one p in
twenty lies below .05 where no arm differs.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mmskin.errors import ConfigError, one_of
from mmskin.evaluation.delong import AucDifference, clustered_auc_difference
from mmskin.evaluation.differences import check_same_cases
from mmskin.evaluation.intervals import ClassGroups, group_codes
from mmskin.evaluation.metrics import Floats
from mmskin.evaluation.permutation import permutation_test
from mmskin.evaluation.predictions import arm_names, class_names, probabilities, reported_rows, target_codes

COLUMNS = ("arm", "reference", "test", "metric", "class", "estimate", "low", "high", "p", "n", "patients")
PERMUTATION, DELONG = "permutation", "delong"
NOT_DEFINED = AucDifference(*(float("nan"),) * 5)


def paired_tests(
    table: pd.DataFrame,
    *,
    reference: str,
    class_groups: ClassGroups | None = None,
    replicates: int = 10_000,
    seed: int = 0,
) -> pd.DataFrame:
    """Right and wrong answers by permutation, and the AUROC of every class and class group by clustered DeLong.

    Args:
        table: predictions; only test rows are read.
        reference: arm that is subtracted.
        class_groups: named sets of classes.
        replicates: random swaps, where there are too many to enumerate.
        seed: of the swaps.

    Returns:
        One row per arm, test, and class or class group: arm, reference; test: "permutation" or "delong"; metric:
        "balanced_accuracy", "auroc" or "group_auroc"; class: "" for balanced accuracy; estimate: arm minus reference,
        the mean over seeds, AUROC within folds; low, high: 95 %, NaN for permutation, which has no interval; p: two-
        sided, not corrected; n: test cases, or those of the class or group; patients: patients with test cases. DeLong
        is NaN if a patient stands in several folds, or in another one by arm or seed: its error adds up folds that
        have no patient in common.

    Raises:
        ConfigError: no such arm.
        DataError: see `compare_arms`; a class group with a class that is not there.
    """
    test = reported_rows(table)
    if reference not in arm_names(test):
        raise ConfigError(one_of("reference arm", reference, arm_names(test)))
    by_arm = {str(arm): rows for arm, rows in test.groupby("arm", sort=False)}
    for rows in by_arm.values():
        check_same_cases(rows, by_arm[reference])
    cases = test.drop_duplicates("case_id").sort_values("case_id", ignore_index=True)
    has_own_fold = bool((test.groupby("patient_id")["fold"].nunique() == 1).all())
    right = {arm: _share_right(rows) for arm, rows in by_arm.items()}
    scores = {arm: _scores(rows) for arm, rows in by_arm.items()} if has_own_fold else {}
    facts = {"reference": reference, "patients": cases["patient_id"].nunique()}
    target, fold = target_codes(cases), cases["fold"].to_numpy(dtype=np.int64)
    lines = []
    for arm in (name for name in by_arm if name != reference):
        swapped = permutation_test(
            right[arm], right[reference], cases["patient_id"], target=target, replicates=replicates, seed=seed
        )
        found = {"test": PERMUTATION, "metric": "balanced_accuracy", "class": "", "n": len(cases)}
        lines.append({"arm": arm, **facts, **found, "estimate": swapped.estimate, "p": swapped.p})
        for metric, of, members in _questions(cases, class_groups or {}):
            positive = np.isin(target, members)
            difference = NOT_DEFINED
            if has_own_fold:
                first, second = (scores[name][..., list(members)].sum(axis=-1) for name in (arm, reference))
                difference = clustered_auc_difference(positive, first, second, cases["patient_id"], fold=fold)
            found = {"test": DELONG, "metric": metric, "class": of, "n": int(positive.sum())}
            lines.append({"arm": arm, **facts, **found, **difference._asdict()})
    return pd.DataFrame(lines, columns=list(COLUMNS))


def _questions(cases: pd.DataFrame, class_groups: ClassGroups) -> Iterator[tuple[str, str, tuple[int, ...]]]:
    """Metric, class or class group, and the class codes that are positive."""
    names = class_names(cases)
    yield from (("auroc", name, (code,)) for code, name in enumerate(names))
    yield from (("group_auroc", group, members) for group, members in group_codes(names, class_groups).items())


def _share_right(rows: pd.DataFrame) -> Floats:
    """(N,): the share of seeds and folds that answered each case right, cases sorted by id."""
    is_right = pd.Series(probabilities(rows).argmax(axis=1) == target_codes(rows))
    share: Floats = is_right.groupby(rows["case_id"].to_numpy()).mean().to_numpy(dtype=np.float64)
    return share


def _scores(rows: pd.DataFrame) -> NDArray[np.float64]:
    """(S, N, C): probabilities by seed, cases sorted by id."""
    by_seed = (one_seed.sort_values("case_id") for _, one_seed in rows.groupby("seed"))
    return np.stack([probabilities(one_seed) for one_seed in by_seed])

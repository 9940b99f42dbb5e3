"""A comparison on the classes that have enough cases to decide anything, named before the run."""

from __future__ import annotations

from mmskin.errors import ConfigError
from mmskin.evaluation.predictions import PROB, class_names, reported_rows
from mmskin.evaluation.results import Runs


def of_frequent_classes(runs: Runs, least: int) -> tuple[Runs, str]:
    """Predictions of the classes with so many test cases, and a sentence that says what was left out.

    Cases of other classes are left out of validation rows too; the probabilities that stay are those given that the
    case is of one of the classes kept, p(y | kept) = p(y) / Σ p(kept).

    Args:
        runs: checked predictions.
        least: test cases that a class must have.

    Raises:
        ConfigError: fewer than two classes have so many.
        DataError: there are no test rows.
    """
    table = runs.table
    counts = reported_rows(table).drop_duplicates("case_id")["target"].value_counts()
    kept = [name for name in class_names(table) if counts.get(name, 0) >= least]
    if len(kept) < 2:
        raise ConfigError(
            f"--least {least} keeps {len(kept)} of {len(class_names(table))} classes and needs two or more: the "
            f"second largest has {counts.iloc[1] if len(counts) > 1 else 0} test cases"
        )
    rare = [name for name in class_names(table) if name not in kept]
    rows = table[table["target"].isin(kept)].drop(columns=[PROB + name for name in rare])
    columns = [PROB + name for name in kept]
    groups = {group: tuple(name for name in of if name in kept) for group, of in runs.class_groups.items()}
    left_out = int(counts.reindex(rare).fillna(0).sum())
    note = (
        f"Read on the {len(kept)} classes with {least} test cases or more: {', '.join(kept)}. Left out: {left_out} "
        f"test cases of {', '.join(rare) or 'no class'}. Probabilities are those given that a case is of a class kept."
    )
    return runs._replace(
        table=rows.assign(**rows[columns].div(rows[columns].sum(axis=1), axis=0)),
        class_groups={group: of for group, of in groups.items() if of},
        class_titles={name: title for name, title in runs.class_titles.items() if name not in rare},
    ), note

"""Three folds inside the training part of one, by patient; what is answered in them is nobody's test row."""

from __future__ import annotations

import pandas as pd

from mmskin.data.load import Fold
from mmskin.data.splits import Split, inner_folds

INNER_FOLDS = 3


def folds_inside(fold: Fold) -> list[Fold]:
    """Folds whose parts are all training rows of this one.

    A third is answered; of the other two a fifth validates and the rest trains. The fields are those that the fold
    shows: which these are was decided on the whole of its training part, so that notes read alike inside and outside.

    Args:
        fold: of whose rows only the training rows are read.

    Raises:
        DataError: too few groups of patients.
    """
    train = fold.split.train
    third = train.case_id.map(inner_folds(train, k=INNER_FOLDS))
    return [fold._replace(split=_split(train[third != k], train[third == k])) for k in sorted(set(third))]


def _split(rest: pd.DataFrame, answered: pd.DataFrame) -> Split:
    rest = rest.reset_index(drop=True)
    validates = rest.case_id.map(inner_folds(rest)) == 0
    parts = (rest[~validates], rest[validates], answered)
    return Split(*(part.reset_index(drop=True) for part in parts))

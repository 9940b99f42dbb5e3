"""Photos that new cases share with those a model was trained on: the same bytes, or the same picture made anew."""

from __future__ import annotations

from typing import NamedTuple

import pandas as pd
from pydantic import ValidationError

from mmskin.audit.duplicates import Pair, find_copies
from mmskin.config.experiment import DataConfig
from mmskin.data.load import read_source
from mmskin.data.table import Cases
from mmskin.errors import UserError
from mmskin.trained.ensemble import Trained

HOME, NEW = "home:", "new:"  # before case ids, so that those of two places cannot be taken for each other
_READ = ["case_id", "patient_id", "lesion_id", "images", "image_kinds", "target"]


class Overlap(NamedTuple):
    """What was compared and found.

    pairs: the first case is of the training data set, the second a new one.
    home: name of the training data set. photos: how many of either were compared.
    """

    pairs: list[Pair]
    home: str
    photos: tuple[int, int]

    @property
    def cases(self) -> list[str]:
        """The new cases that hold a copy, in order."""
        return sorted({pair.second.removeprefix(NEW) for pair in self.pairs})


def find_overlap(trained: Trained, cases: Cases) -> Overlap:
    """Compare the photos of new cases with all photos of the data set that a model was trained on.

    Raises:
        UserError: the training data set is not where it was, or the model does not say where.
    """
    home = _home(trained)
    both = pd.concat([_marked(home, HOME), _marked(cases, NEW)], ignore_index=True)
    pairs = [_home_first(pair) for pair in find_copies(Cases(home.schema, both)) if _crosses(pair)]
    counts = tuple(len({path for images in of.table["images"] for path in images}) for of in (home, cases))
    return Overlap(pairs, home.schema.name, (counts[0], counts[1]))


def _home(trained: Trained) -> Cases:
    own = trained.record.get("experiment", {}).get("data")
    try:
        return read_source(DataConfig.model_validate(own))
    except (UserError, ValidationError) as error:
        raise UserError(f"copies of training photos cannot be looked for: {str(error).splitlines()[0]}") from None


def _marked(cases: Cases, mark: str) -> pd.DataFrame:
    ids = {name: mark + cases.table[name].astype(str) for name in ("case_id", "patient_id", "lesion_id")}
    return cases.table[_READ].assign(**ids)


def _crosses(pair: Pair) -> bool:
    return pair.first.startswith(HOME) != pair.second.startswith(HOME)


def _home_first(pair: Pair) -> Pair:
    if pair.first.startswith(HOME):
        return pair
    turned = {"first": pair.second, "second": pair.first, "photos": pair.photos[::-1]}
    return Pair(**{**pair.__dict__, **turned})

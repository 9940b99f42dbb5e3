"""One invented case: everything that its photo and its history are drawn from, and its counterfactual twins."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal
from zlib import crc32

import numpy as np

from mmskin.errors import DataError, one_of
from mmskin.synthetic.latents import HISTORY_VALUES, NUISANCE_VALUES, PHOTO_VALUES

VALUES: Mapping[str, tuple[str, ...]] = {**PHOTO_VALUES, **HISTORY_VALUES, **NUISANCE_VALUES}

Told = Literal["fields", "text", "both"]


@dataclass(frozen=True)
class SyntheticCase:
    """A case before it is drawn.

    target: class name. Neither photo nor history is drawn from it, only from `values`.
    values: one value for every name in `VALUES`.
    hidden: fields of the history that are not recorded.
    told: where the symptoms are told: in the fields, in free text, or in both.
    seed: of the clinic; with the ids it fixes all chance in the drawing.
    """

    case_id: str
    patient_id: str
    target: str
    values: Mapping[str, str]
    hidden: tuple[str, ...] = ()
    told: Told = "fields"
    seed: int = 0

    def stream(self, part: str, *, of_patient: bool = False) -> np.random.Generator:
        """The chance of one part of the drawing, its own: what changes one part cannot move another."""
        owner = self.patient_id if of_patient else self.case_id
        return np.random.default_rng([self.seed, crc32(owner.encode()), crc32(part.encode())])

    def has(self, name: str) -> bool:
        """Whether a yes/no value is yes."""
        return self.values[name] == "yes"


def twin(case: SyntheticCase, change: Mapping[str, str]) -> SyntheticCase:
    """The same case but for some values: same nuisance, same noise, same wording of all else.

    Its target stays: a twin asks what a model makes of the change, and the change of Bayes' answer is
    `posterior` of both. Any value can change: what the photo shows, what the patient tells, or a nuisance such as a pen
    mark.

    Raises:
        DataError: no such value to change, or it cannot become that.

    Example:
        >>> bled = twin(case, {"bleeding": "yes"})  # doctest: +SKIP
    """
    for name, value in change.items():
        if name not in VALUES:
            raise DataError(one_of("value to change", name, VALUES))
        if value not in VALUES[name]:
            raise DataError(one_of(f"{name} value", value, VALUES[name]))
    return replace(case, values={**case.values, **change})

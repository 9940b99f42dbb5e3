"""What can go wrong, by whose hand.

MmskinError
├── UserError          bad input: one plain line, exit code 2
│   ├── ConfigError    an experiment file or an option
│   ├── DataError      a table, a field value, a label
│   │   └── LeakError  a patient, lesion or photo in two parts of a split
│   └── ImageError     a photo that cannot be read, or must not be
└── ModelError         a saved model that is damaged or does not fit, exit code 3
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import get_close_matches


class MmskinError(Exception):
    """Any error that mmskin raises on purpose."""

    exit_code = 1


class UserError(MmskinError):
    """Something in the input has to be changed by its owner."""

    exit_code = 2


class ConfigError(UserError):
    """An experiment file or an option that cannot be used."""


class DataError(UserError):
    """A table, a field value or a label that cannot be used.

    faults: every single one, where the message names only the first of many.
    """

    def __init__(self, message: str, *, faults: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.faults = tuple(faults) or (message,)


class LeakError(DataError):
    """The same patient, lesion or photo in two parts of a split."""


class ImageError(UserError):
    """A photo that cannot be read, or must not be."""


class ModelError(MmskinError):
    """A saved model that is damaged, foreign, or does not fit."""

    exit_code = 3


def one_of(what: str, value: object, choices: Iterable[str]) -> str:
    """The sentence for a value outside its choices, with the nearest match."""
    known = sorted(choices)
    by_lower = {choice.lower(): choice for choice in known}
    near = get_close_matches(str(value).lower(), by_lower, n=1)
    hint = f" Did you mean {by_lower[near[0]]!r}?" if near else ""
    return f"{what} {value!r} does not exist.{hint} It must be one of: {', '.join(known)}."


def first_of(offenders: Sequence[object], limit: int = 10) -> str:
    """The first offenders with a count of the rest, for one line of an error."""
    shown = ", ".join(str(offender) for offender in offenders[:limit])
    rest = len(offenders) - limit
    return f"{shown} and {rest} more" if rest > 0 else shown

"""Single values of a column that tell the class where the column as a whole does not.

An AUROC looks at a column whole, and needs cases. Behind it hides a value that one class alone has, such as the
follow-up of HAM10000's `dx_type` (3,704 naevi and nothing else), a value that a frequent class never has, and, in a
small table, a column that is the class in other words.

Each is named only where chance does not do it: the chance that so many patients, drawn by the shares of the classes,
fall so, times the number of values tried (Bonferroni), is at most `CHANCE`. Patients are counted, not photos.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import lgamma

import numpy as np
import pandas as pd

from mmskin.audit.columns import is_categorical
from mmskin.audit.counts import suffice
from mmskin.audit.held_out import HeldOut
from mmskin.audit.proxies import roles
from mmskin.schema import Schema

CHANCE = 1e-3
FREQUENT = 0.10  # share of the cases from which a class is frequent
# Patients of a class that its share lets expect of a value, from which their absence is a finding. An honest symptom
# may be twenty times rarer in one class: of 20 expected none is then met every third time, of 50 hardly ever.
EXPECTED = 50

ONE_CLASS = "one class alone has it"
NEVER = "a frequent class never has it"
CONSTANT = "every class has one value"

COLUMNS = ["column", "role", "value", "class", "n", "patients", "expected", "chance", "verdict"]


def find_telling_values(held_out: HeldOut, schema: Schema) -> pd.DataFrame:
    """Values that one class alone has, or that a frequent class never has; columns with one value a class.

    Columns of numbers are read whole by `find_proxies` and not here, unless each class has one. Shares of the classes
    are those of the rows in which the column is recorded: whether it is recorded is another question.

    Returns:
        column, role (field, outcome, column), value ("" for the whole column), class, n, patients: of the value;
        expected: patients of the class, by its share; chance: corrected, at most `CHANCE`; verdict: `ONE_CLASS`,
        `NEVER` or `CONSTANT`. Values have `counts.RULE` cases at least, columns any number.
    """
    found = []
    for name, role in roles(held_out.cases, schema).items():
        rows = held_out.cases[held_out.cases[name].notna()]
        constant = _constant(rows, name)
        if constant is not None:
            found.append((name, role, *constant))
        elif len(rows) and is_categorical(rows[name]):
            found += [(name, role, *told) for told in _values(rows, name)]
    return pd.DataFrame(found, columns=COLUMNS)


def _values(rows: pd.DataFrame, name: str) -> Iterator[tuple[object, ...]]:
    """The values of one column that tell something: value, class, n, patients, expected, chance, verdict."""
    share = rows.target.value_counts(normalize=True)
    enough = [(value, of) for value, of in rows.groupby(rows[name].astype(str)) if suffice(of.patient_id)]
    tried = len(enough) * len(share)
    for value, of in enough:
        patients, met = of.patient_id.nunique(), set(of.target)
        size = len(of), patients
        if len(met) == 1:
            (only,) = met
            chance = tried * float(share[only]) ** patients
            if chance <= CHANCE:
                yield value, only, *size, patients * float(share[only]), chance, ONE_CLASS
            continue
        for other in share.index[share >= FREQUENT]:
            chance, expected = tried * (1 - float(share[other])) ** patients, patients * float(share[other])
            if other not in met and chance <= CHANCE and expected >= EXPECTED:
                yield value, other, *size, expected, chance, NEVER


def _constant(rows: pd.DataFrame, name: str) -> tuple[object, ...] | None:
    """What is found where the class gives the value away, and the other way about to some extent; else None.

    The chance is that of the same values shuffled over the patients: one way in N! / Π m!, m patients a value, times
    the ways to give the values to the classes.
    """
    cells = rows[name].astype(str)
    one_each = rows.assign(cell=cells).drop_duplicates(["patient_id", "target", "cell"])
    by_class = one_each.groupby("target").cell.nunique()
    if cells.nunique() < 2 or (by_class > 1).any() or one_each.groupby("target").patient_id.nunique().min() < 2:
        return None
    sizes = one_each.cell.value_counts().to_numpy()
    ways = lgamma(len(one_each) + 1) - sum(lgamma(size + 1) for size in sizes)
    chance = float(np.exp(min(0.0, len(by_class) * np.log(len(sizes)) - ways)))
    patients = rows.patient_id.nunique()
    return ("", "", len(rows), patients, float("nan"), chance, CONSTANT) if chance <= CHANCE else None

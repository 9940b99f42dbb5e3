"""Who comes to the synthetic clinic: cases drawn from the tables, with what was planted among them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from mmskin.errors import ConfigError, one_of
from mmskin.synthetic.case import SyntheticCase, Told
from mmskin.synthetic.history import FIELDS, SYMPTOMS
from mmskin.synthetic.latents import (
    HISTORY_VALUES,
    NOT_SEEN,
    NUISANCE_VALUES,
    PHOTO_VALUES,
    WORRYING,
    ClinicDesign,
    Floats,
    Ints,
    Latents,
    sample,
)

SECOND_LESIONS = 0.15  # share of the cases that are a patient's second lesion; PAD-UFES-20 has about as many

# p(value) of what is independent of the disease; a mark has these odds where it is not the shortcut.
NUISANCE: Mapping[str, tuple[float, ...]] = {
    "skin_tone": (0.40, 0.30, 0.18, 0.12),
    "site": (0.30, 0.10, 0.25, 0.20, 0.15),
    "light": (0.25, 0.50, 0.25),
    "hair": (0.50, 0.35, 0.15),
    "ruler": (0.85, 0.15),
    "pen": (0.90, 0.10),
}


@dataclass(frozen=True)
class Missing:
    """How fields come to be not recorded, each on top of the others.

    at_random: chance of every field, on its own.
    block: chance that all symptoms are left out together, the same for every class.
    by_class: the same by class, in place of `block` for the classes named: the flag then gives the class away.
    """

    at_random: float = 0.0
    block: float = 0.0
    by_class: Mapping[str, float] = field(default_factory=dict)

    def block_rates(self, classes: tuple[str, ...]) -> Floats:
        """(C,) chance that the block is left out, by class.

        Raises:
            ConfigError: a rate outside [0, 1], or a name that is no class.
        """
        for name, rate in {"at_random": self.at_random, "block": self.block, **self.by_class}.items():
            if not 0 <= rate <= 1:
                raise ConfigError(f"missing: {name}={rate} must lie between 0 and 1")
        for name in self.by_class:
            if name not in classes:
                raise ConfigError(one_of("missing: class", name, classes))
        return np.array([self.by_class.get(name, self.block) for name in classes])


@dataclass(frozen=True)
class Shortcut:
    """A mark in the photo that goes with worrying diseases: p(mark | worrying) − p(mark | other) = strength."""

    mark: Literal["pen", "ruler"] = "pen"
    strength: float = 1.0

    def rates(self, classes: tuple[str, ...]) -> Floats:
        """(C,) chance of the mark by class.

        Raises:
            ConfigError: no such mark, or a strength outside [0, 1].
        """
        if self.mark not in ("pen", "ruler"):
            raise ConfigError(one_of("shortcut: mark", self.mark, ("pen", "ruler")))
        if not 0 <= self.strength <= 1:
            raise ConfigError(f"shortcut: strength={self.strength} must lie between 0 and 1")
        return np.array([0.5 + 0.5 * self.strength * (1 if name in WORRYING else -1) for name in classes])


def draw_cases(
    design: ClinicDesign,
    n: int,
    *,
    seed: int = 0,
    missing: Missing | None = None,
    shortcut: Shortcut | None = None,
    told: Told = "fields",
) -> list[SyntheticCase]:
    """Draw cases without drawing their photos. Some patients have two lesions.

    The latents of every case follow the joint table exactly. Second lesions are found by joining cases that happen to
    agree in what belongs to the patient (age, previous cancer), which leaves the table as it is.

    Raises:
        ConfigError: an option out of its range, or a design with other attributes than the clinic's.
    """
    if n < 1:
        raise ConfigError(f"cases={n} must be 1 or more")
    if told not in ("fields", "text", "both"):
        raise ConfigError(one_of("told", told, ("fields", "text", "both")))
    if design.attributes != (*PHOTO_VALUES, *HISTORY_VALUES):
        raise ConfigError(f"only the clinic's own attributes can be drawn, however: {', '.join(design.attributes)}")
    rng = np.random.default_rng(seed)
    latents = sample(design, n, rng)
    patients = _patients(latents, rng)
    nuisance = {name: rng.choice(len(odds), size=n, p=odds) for name, odds in NUISANCE.items()}
    nuisance["skin_tone"] = nuisance["skin_tone"][patients]
    if shortcut:
        nuisance[shortcut.mark] = (rng.random(n) < shortcut.rates(design.classes)[latents.target]).astype(np.int64)
    hidden = _hidden(missing or Missing(), design.classes, latents.target, rng)
    return [
        SyntheticCase(
            case_id=f"case_{i:05d}",
            patient_id=f"patient_{patients[i]:05d}",
            target=design.classes[latents.target[i]],
            values=_words(latents, i) | {name: NUISANCE_VALUES[name][nuisance[name][i]] for name in NUISANCE},
            hidden=tuple(f.name for f, gone in zip(FIELDS, hidden[i], strict=True) if gone),
            told=told,
            seed=seed,
        )
        for i in range(n)
    ]


def latents_of(cases: Sequence[SyntheticCase], design: ClinicDesign, *, recorded_only: bool = False) -> Latents:
    """The truth of cases as indices: what `sample` gave when they were drawn.

    Args:
        cases: any cases, twins too.
        design: gives the order of the classes.
        recorded_only: `NOT_SEEN` for what the history does not tell.
    """
    target = [design.classes.index(case.target) for case in cases]
    photo = [[values.index(case.values[name]) for name, values in PHOTO_VALUES.items()] for case in cases]
    history = [[values.index(case.values[name]) for name, values in HISTORY_VALUES.items()] for case in cases]
    gone = [[recorded_only and name in case.hidden for name in HISTORY_VALUES] for case in cases]
    return Latents(np.array(target), np.array(photo), np.where(gone, NOT_SEEN, history))


def _patients(latents: Latents, rng: np.random.Generator) -> Ints:
    """(N,) the patient of each case, told by the number of their first case."""
    n = len(latents.target)
    patients = np.arange(n)
    names = list(HISTORY_VALUES)
    own = latents.history[:, [names.index("age"), names.index("previous_cancer")]]
    order = rng.permutation(n)
    wanted = round(SECOND_LESIONS * n)
    waiting: dict[tuple[int, ...], int] = {}
    for i in order:
        if not wanted:
            break
        key = tuple(own[i].tolist())
        first = waiting.pop(key, None)
        if first is None:
            waiting[key] = int(i)
        else:
            patients[i] = first
            wanted -= 1
    return patients


def _hidden(missing: Missing, classes: tuple[str, ...], target: Ints, rng: np.random.Generator) -> NDArray[np.bool_]:
    """(N, fields) True where a field is not recorded."""
    symptom = np.array([f.name in SYMPTOMS for f in FIELDS])
    scattered = rng.random((len(target), len(FIELDS))) < missing.at_random
    block = rng.random(len(target)) < missing.block_rates(classes)[target]
    return np.asarray(scattered | (block[:, None] & symptom), dtype=np.bool_)


def _words(latents: Latents, i: int) -> dict[str, str]:
    photo = {name: values[latents.photo[i, k]] for k, (name, values) in enumerate(PHOTO_VALUES.items())}
    return photo | {name: values[latents.history[i, k]] for k, (name, values) in enumerate(HISTORY_VALUES.items())}

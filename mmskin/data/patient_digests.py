"""Which patients a model has learned from, without their names, so that nobody tests it on them unawares.

A digest cannot be read back, but whoever has a list of ids can tell which of them are among the digests: keep a model
of secret ids as its table is kept.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence

from mmskin.schema import Schema

DIGEST_BYTES = 8  # two patients of a million share one with a chance of 3e-8

Seen = dict[str, list[str]]
"""By population, the digests of its patients, sorted."""


def population_of(schema: Schema) -> str:
    """Under which name its patients are filed."""
    return schema.population or schema.name


def patient_digests(patient_ids: Iterable[object], *, source: str) -> list[str]:
    """One digest a patient, sorted. The name of their population goes into it: "12" is another person elsewhere."""
    return sorted({_digest(f"{source}\0{patient}") for patient in patient_ids})


def joined_digests(several: Sequence[Mapping[str, Sequence[str]]]) -> Seen:
    """Everyone whom one of several models has seen."""
    sources = dict.fromkeys(source for seen in several for source in seen)
    return {source: sorted({one for seen in several for one in seen.get(source, ())}) for source in sources}


def _digest(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=DIGEST_BYTES).hexdigest()

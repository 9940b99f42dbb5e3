"""What a run depends on, so that one that goes on is the same run: data by case, arms by option, versions by name."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import version
from typing import Any

import pandas as pd

import mmskin
from mmskin.data.table import Cases, history_of
from mmskin.errors import first_of
from mmskin.inputs.feature_store import file_digest
from mmskin.schema import Schema

PACKAGES = ("torch", "torchvision", "timm", "transformers", "open_clip_torch", "numpy", "pandas", "scikit-learn")
ASPECTS = ("patient", "lesion", "label", "fold", "fields", "free text", "photos", "subgroups")
"""Of a case, in the words of the message that one of them has changed."""


def data_fingerprint(cases: Cases, folds: pd.Series[int]) -> dict[str, Any]:
    """Schema, and by case the digest of everything that a run reads of it; photos by their bytes.

    Args:
        cases: labelled.
        folds: fold by case id.
    """
    fold_of = folds.to_dict()
    groups = [column for column in cases.table.columns if column.startswith("group_")]
    rows = {row["case_id"]: row for row in cases.table.to_dict("records")}
    return {
        "schema": cases.schema.to_json(),
        "cases": {name: _case(row, cases.schema, fold_of.get(name), groups) for name, row in rows.items()},
    }


def _case(row: Mapping[Any, Any], schema: Schema, fold: object, groups: Sequence[str]) -> list[str]:
    history = history_of(row, schema)
    kinds = row.get("image_kinds") or ()
    aspects = (
        row["patient_id"],
        row["lesion_id"],
        row["target"],
        fold,
        dict(history.fields),
        history.text,
        [[file_digest(photo) for photo in row["images"]], list(kinds)],
        [str(row[group]) for group in groups],
    )
    return [_digest(aspect) for aspect in aspects]


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()[:16]


def changed_data(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """What has changed of the data, in words, each with the cases it has changed of; [] if nothing."""
    old, new = before["cases"], now["cases"]
    changed = {
        "cases gone": [case for case in old if case not in new],
        "cases added": [case for case in new if case not in old],
    }
    for place, aspect in enumerate(ASPECTS):
        changed[f"other {aspect}"] = [case for case in new if case in old and old[case][place] != new[case][place]]
    schema = [f"schema.{path} differs" for path in differing(before["schema"], now["schema"])]
    return schema + [f"{what}: {first_of(cases, 3)}" for what, cases in changed.items() if cases]


def versions() -> dict[str, str]:
    """Of everything whose change may change a digit."""
    found = {"mmskin": mmskin.__version__, "python": platform.python_version()}
    return found | {package: version(package) for package in PACKAGES}


def differing(first: Mapping[str, Any], second: Mapping[str, Any], path: str = "") -> Iterator[str]:
    """Dotted paths of what differs."""
    for key in sorted({*first, *second}):
        one, two = first.get(key), second.get(key)
        if isinstance(one, Mapping) and isinstance(two, Mapping):
            yield from differing(one, two, f"{path}{key}.")
        elif one != two or (key in first) != (key in second):
            yield f"{path}{key}"

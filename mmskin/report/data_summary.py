"""What a data set holds, as a person wants to see it before training on it: `mmskin data describe`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from textwrap import fill, shorten
from typing import Any

import pandas as pd

from mmskin.data.missingness import excluded_fields, fully_recorded
from mmskin.data.table import Cases, histories, photos_by_kind
from mmskin.inputs.note import say_value
from mmskin.report.numbers import count, percent
from mmskin.schema import UNKNOWN, Field, FieldValue, Schema, counted_patients

WIDTH = 100
_WIDEST_NAME = 34
_MOST_VALUES = 60  # characters of the column that tells a field's values


def describe(cases: Cases) -> str:
    """Counts, classes, fields and remarks as plain text, at most 100 characters a line.

    Photos are looked for on disk, not opened. "Stays" is a field that models may read under
    `missingness: always_recorded`, had all labelled cases been training cases; the others are told with their reasons.
    """
    schema, table = cases.schema, cases.table
    blocks = [_counts(schema, table), _classes(schema, table)]
    if schema.fields:
        excluded = excluded_fields(schema, table[table.target.notna()])
        blocks.append(_fields(cases, excluded))
        if excluded:
            blocks.append(_listed("Excluded by missingness: always_recorded, the default", _by_reason(excluded)))
    if schema.outcomes:
        blocks.append(_listed("Outcomes, never inputs", _by_reason(schema.outcomes)))
    if cases.remarks:
        blocks.append(_listed("Remarks", cases.remarks))
    source = [("Licence", schema.licence or "not stated"), ("Citation", schema.citation or "not stated")]
    blocks.append("\n".join(_wrapped(f"{what}: ", text) for what, text in source))
    return "\n\n".join(blocks) + "\n"


def data_facts(cases: Cases) -> dict[str, Any]:
    """What `describe` tells, as plain values."""
    schema, table = cases.schema, cases.table
    excluded = excluded_fields(schema, table[table.target.notna()]) if schema.fields else {}
    photos, lost = _photos(table)
    return {
        "name": schema.name,
        "cases": len(table),
        "cases_without_label": int(table.target.isna().sum()),
        "cases_with_free_text": int(table.text.notna().sum()),
        "cases_fully_recorded": int(fully_recorded(table, schema).sum()),
        "patients": int(table.patient_id.nunique()),
        "patient_unit": schema.patient_unit,
        "lesions": int(table.lesion_id.nunique()),
        "photos": len(photos),
        "photos_not_found": lost,
        "photos_by_kind": _by_kind(schema, table),
        "classes": [_class_facts(schema, name, table[table.target == name]) for name in schema.classes],
        "fields": [
            _field_facts(field, values) | {"excluded": excluded.get(field.name)} for field, values in _values_of(cases)
        ],
        "outcomes": dict(schema.outcomes),
        "remarks": list(cases.remarks),
        "licence": schema.licence or None,
        "citation": schema.citation or None,
    }


def _class_facts(schema: Schema, name: str, rows: pd.DataFrame) -> dict[str, Any]:
    return {
        "name": name,
        "title": schema.class_titles.get(name, name),
        "groups": [group for group, members in schema.class_groups.items() if name in members],
        "cases": len(rows),
        "patients": int(rows.patient_id.nunique()),
    }


def _field_facts(field: Field, values: Sequence[FieldValue]) -> dict[str, Any]:
    absent, unknown = values.count(None), values.count(UNKNOWN)
    return {
        "name": field.name,
        "kind": field.kind,
        "unit": field.unit or None,
        "answered": len(values) - absent - unknown,
        "unknown": unknown,
        "not_recorded": absent,
    }


def _values_of(cases: Cases) -> list[tuple[Field, list[FieldValue]]]:
    every = histories(cases.table, cases.schema)
    return [(field, [history.fields[field.name] for history in every]) for field in cases.schema.fields]


def _photos(table: pd.DataFrame) -> tuple[set[str], int]:
    """The photos, each once, and how many of them are not on disk."""
    photos = {photo for images in table.images for photo in images}
    return photos, sum(not Path(photo).is_file() for photo in photos)


def _counts(schema: Schema, table: pd.DataFrame) -> str:
    photos, lost = _photos(table)
    per_case = sorted(Counter(len(images) for images in table.images).items())
    lines = [
        ("cases", count(len(table))),
        ("patients", counted_patients(table.patient_id.nunique(), schema.patient_unit).removesuffix(" patients")),
        ("lesions", count(table.lesion_id.nunique())),
        ("photos", count(len(photos)) + (f", {lost:,} of them not found" if lost else "")),
        *([("photos by kind", _photos_by_kind(schema, table))] if len(schema.photos) > 1 else []),
        ("photos per case", ", ".join(f"{number}: {count:,}" for number, count in per_case)),
        ("free text", f"{table.text.notna().sum():,} cases"),
    ]
    unlabelled = int(table.target.isna().sum())
    if unlabelled:
        lines.append(("without label", f"{unlabelled:,} cases"))
    full = fully_recorded(table, schema)
    if not full.all():
        patients = counted_patients(table.patient_id[full].nunique(), schema.patient_unit)
        lines.append(("fully recorded", f"{full.sum():,} cases of {patients}"))
    return "\n".join([schema.name, *(_wrapped(f"  {what:<17}", text) for what, text in lines)])


def _photos_by_kind(schema: Schema, table: pd.DataFrame) -> str:
    return ", ".join(f"{kind}: {number:,}" for kind, number in _by_kind(schema, table).items())


def _by_kind(schema: Schema, table: pd.DataFrame) -> dict[str, int]:
    of_cases = photos_by_kind(table, schema)
    return {kind: len({photo for photos in of_cases for photo in photos[kind]}) for kind in schema.photos}


def _classes(schema: Schema, table: pd.DataFrame) -> str:
    labelled = int(table.target.notna().sum())
    rows = []
    for name in schema.classes:
        of_class = table[table.target == name]
        title = schema.class_titles.get(name, "")
        groups = ", ".join(group for group, members in schema.class_groups.items() if name in members)
        share = percent(len(of_class) / labelled, digits=1) if labelled else "-"
        patients = count(of_class.patient_id.nunique())
        rows.append((name, count(len(of_class)), share, patients, "; ".join(filter(None, (title, groups)))))
    return _table(("Class", "cases", "share", "patients", ""), rows)


def _by_reason(reasons: Mapping[str, str]) -> list[str]:
    """Names by the reason that they share."""
    by_reason: dict[str, list[str]] = {}
    for name, reason in reasons.items():
        by_reason.setdefault(reason, []).append(name)
    return [f"{', '.join(names)}: {reason}" for reason, names in by_reason.items()]


def _fields(cases: Cases, excluded: Collection[str]) -> str:
    rows = []
    for field, values in _values_of(cases):
        answered = [value for value in values if value is not None and value != UNKNOWN]
        stays = "" if field.name in excluded else "stays"
        facts = _field_facts(field, values)
        counts = tuple(count(facts[key]) for key in ("answered", "unknown", "not_recorded"))
        rows.append((field.name, *counts, stays, _values(field, answered)))
    return _table(("Field", "answered", "unknown", "not recorded", "", "values"), rows)


def _values(field: Field, answered: Sequence[FieldValue]) -> str:
    """Range and median of numbers, the most frequent of other values."""
    if not answered:
        return ""
    if field.is_number:
        numbers = pd.Series(list(answered), dtype=float)
        low, median, high = (say_value(field, float(n)) for n in (numbers.min(), numbers.median(), numbers.max()))
        unit = f" {field.unit}" if field.kind == "numeric" and field.unit else ""
        return f"{low} to {high}{unit}, median {median}"
    counts = sorted(Counter(str(value) for value in answered).items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(f"{value} ({count:,})" for value, count in counts)


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns aligned: the first and last to the left, the others to the right; the last takes what room is left."""
    *firsts, last = zip(header, *((_cut(row[0], _WIDEST_NAME), *row[1:]) for row in rows), strict=True)
    widths = [max(map(len, cells)) for cells in firsts]
    lines = []
    for i, tail in enumerate(last):
        cells = [cells[i].rjust(width) for cells, width in zip(firsts, widths, strict=True)]
        cells[0] = firsts[0][i].ljust(widths[0])
        line = "  ".join(cells)
        lines.append(f"{line}  {_cut(tail, min(_MOST_VALUES, WIDTH - len(line) - 2))}".rstrip())
    return "\n".join(lines)


def _listed(title: str, entries: Sequence[str]) -> str:
    return "\n".join([title, *(_wrapped("- ", entry) for entry in entries)])


def _wrapped(start: str, text: str) -> str:
    return fill(text, WIDTH, initial_indent=start, subsequent_indent=" " * len(start), break_on_hyphens=False)


def _cut(text: str, width: int) -> str:
    """At most so many characters, cut between words if it can be."""
    if len(text) <= width:
        return text
    return shorten(text, width, placeholder=" …") if " " in text[: width - 2] else f"{text[: width - 1]}…"

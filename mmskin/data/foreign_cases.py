"""The cases of another data set as a model's own declaration reads them: a field is the one of the same name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from mmskin.data.table import Cases, make_table
from mmskin.errors import ConfigError, DataError, first_of, one_of
from mmskin.features import is_photo
from mmskin.schema import UNKNOWN, Field, FieldValue, Schema, is_missing


def in_schema(
    cases: Cases, schema: Schema, modalities: Sequence[str], *, kinds: Mapping[str, str] | None = None
) -> Cases:
    """The same cases under another declaration, with name, labels, patients, photos and subgroups of their own.

    A field that the cases do not have is not recorded; a word that the field does not know is unknown; both are
    remarked. Free text, and photos of the kinds that the declaration has, stay.

    Args:
        cases: as their source gives them.
        schema: of the model.
        modalities: that the model reads.
        kinds: the kind of photo of the cases by that of the model, where they are called otherwise, such as
            {"image": "clinical"}; the only kind of the cases is that of a model with one kind.

    Raises:
        ConfigError: a kind that does not exist.
        DataError: numbers outside the range of their field, in another unit or of another kind; no photo of a kind that
            the model reads, while it reads nothing else.
    """
    if cases.schema == schema and not kinds:
        return cases
    remarks: list[str] = []
    faults: list[str] = []
    values: dict[str, list[Any]] = {str(name): list(column) for name, column in cases.table.items()}
    for field in schema.fields:
        values[field.name] = _field_values(field, cases, remarks, faults)
    lacking = [name for name in schema.field_names if name not in cases.schema.field_names]
    if lacking and set(modalities) - {m for m in modalities if is_photo(m)}:
        remarks.append(f"{cases.schema.name} has no field {first_of(lacking, 30)}: not recorded for any case")
    if faults:
        raise DataError(f"{cases.schema.name}: {len(faults)} values do not fit the model: {first_of(faults)}")
    values["images"], values["image_kinds"] = _photos(cases, schema, modalities, kinds or {}, remarks)
    whose = {
        "name": cases.schema.name,
        "population": cases.schema.population,
        "patient_unit": cases.schema.patient_unit,
    }
    read = schema.model_copy(update=whose)
    return Cases(read, make_table(read, values), (*cases.remarks, *remarks), cases.absent_photos)


def _field_values(field: Field, cases: Cases, remarks: list[str], faults: list[str]) -> list[FieldValue]:
    """A column of the cases as a field of the model, None where they do not have it."""
    if field.name not in cases.schema.field_names:
        return [None] * len(cases.table)
    own = cases.schema.field(field.name)
    if field.is_number and not _same_quantity(own, field):
        faults.append(f"{field.name} is {_described(own)}, and the model reads {_described(field)}")
        return [None] * len(cases.table)
    column = [None if is_missing(value) else value for value in cases.table[field.name]]
    read: dict[object, FieldValue] = {None: None}
    unknown: Counter[str] = Counter()
    for value, count in Counter(column).items():
        try:
            read[value] = (
                field.within_range(float(value)) if field.is_number and value is not None else field.parse(value)
            )
        except DataError as error:
            if field.is_number:
                faults.append(str(error))
            read[value] = UNKNOWN
            unknown[str(value)] += count
    if unknown and not field.is_number:
        words = ", ".join(f"{word!r} ({count})" for word, count in unknown.most_common(10))
        remarks.append(f"{field.name}: {words} is no value that the model knows: read as unknown")
    return [read[value] for value in column]


def _same_quantity(one: Field, other: Field) -> bool:
    """Durations are stored in days, whatever their unit; other numbers as they are."""
    if one.kind == other.kind == "duration":
        return True
    return one.kind == other.kind and (one.unit == other.unit or not (one.unit and other.unit))


def _described(field: Field) -> str:
    return f"{field.kind} of {field.unit}" if field.unit else field.kind


def _photos(
    cases: Cases, schema: Schema, modalities: Sequence[str], kinds: Mapping[str, str], remarks: list[str]
) -> tuple[list[tuple[str, ...]], list[tuple[str, ...]]]:
    """Photos and kinds of every case, under the kinds of the model."""
    named = _kinds(cases, schema, kinds)
    pairs = [
        [(photo, named[kind]) for photo, kind in zip(photos, of, strict=True) if kind in named]
        for photos, of in zip(cases.table["images"], cases.table["image_kinds"], strict=True)
    ]
    remarks += [f"{theirs} photos are read as {own}" for theirs, own in named.items() if theirs != own]
    left_out = sum(map(len, cases.table["images"])) - sum(map(len, pairs))
    there = {kind for of_case in pairs for _, kind in of_case}
    absent = [kind for kind in modalities if is_photo(kind) and kind not in there]
    if absent and len(absent) == len(modalities):
        raise DataError(
            f"{cases.schema.name} has no {first_of(absent)} photos, which the model reads; its photos are "
            f"{first_of(list(cases.schema.photos))}: say which they are, such as --photos {absent[0]}="
            f"{cases.schema.photos[0]}"
        )
    if absent:
        remarks.append(f"{cases.schema.name} has no {first_of(absent)} photos, which the model reads")
    if left_out:
        remarks.append(f"{left_out} photos of other kinds than the model's are left out")
    return [tuple(p for p, _ in of) for of in pairs], [tuple(k for _, k in of) for of in pairs]


def _kinds(cases: Cases, schema: Schema, kinds: Mapping[str, str]) -> dict[str, str]:
    """The model's kind by that of the cases."""
    theirs = cases.schema.photos
    for own, other in kinds.items():
        if own not in schema.photos:
            raise ConfigError(one_of("kind of photo of the model", own, schema.photos))
        if other not in theirs:
            raise ConfigError(one_of(f"kind of photo of {cases.schema.name}", other, theirs))
    if kinds:
        return {other: own for own, other in kinds.items()}
    if len(theirs) == len(schema.photos) == 1:
        return {theirs[0]: schema.photos[0]}
    return {kind: kind for kind in schema.photos if kind in theirs}

"""The one engine: from the rows of a table and their declaration to the table of cases, every fault told at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from mmskin.data.column_reading import read_column
from mmskin.data.suspicions import ONE_DIAGNOSIS, diagnoses_in, name_rows, odd_patients
from mmskin.data.table import Cases, check_table, make_table
from mmskin.data.tables.declaration import Declaration, read_declaration
from mmskin.data.tables.faults import first_fault
from mmskin.data.tables.field_spec import FieldSpec
from mmskin.data.tables.photos import Named, locate_photos, named_photos, photo_stem
from mmskin.data.tables.rows import LABEL, Rows, read_rows
from mmskin.data.vocabulary import age_group
from mmskin.errors import ConfigError, DataError, first_of, one_of
from mmskin.schema import Field, Schema

LEAVE_OUT = "To leave classes out or merge some: data.classes, such as {naevus: [naevus, mole], melanoma: [melanoma]}."
OFFICIAL_SPLIT = "official_split"  # a column that goes into the table of cases where a source makes it

Values = dict[str, list[Any]]


class DeclaredSource:
    """A data set of which the declaration says all."""

    def __init__(self, name: str) -> None:
        self.declaration = read_declaration(name)

    def load(self, root: str | Path) -> Cases:
        """See `read_cases`."""
        return read_cases(self.declaration, root)


def read_cases(declaration: Declaration, root: str | Path) -> Cases:
    """The cases of a data set whose layout is plain.

    Raises:
        DataError: files or columns missing, cells that are not admissible; all at once, with rows and columns.
    """
    rows = read_rows(declaration, root)
    return cases_of(declaration, rows, parse_rows(declaration, rows))


def parse_rows(declaration: Declaration, rows: Rows) -> Values:
    """Columns of the table of cases by name; problems and remarks go to the findings of the rows."""
    cases = _case_ids(declaration, rows)
    values: Values = {"case_id": cases, **_patients_and_lesions(declaration, rows, cases)}
    values["target"] = _targets(declaration, rows)
    values["text"] = [" ".join(filter(None, cells)) or None for cells in rows.across(declaration.text)]
    specs = {**declaration.fields, **declaration.observed}
    for field in _fields(specs, rows):
        values[field.name] = _parse_field(specs[field.name], field, rows)
    for column in (*declaration.kept, *([OFFICIAL_SPLIT] if OFFICIAL_SPLIT in rows.cells else [])):
        values.setdefault(column, [cell or None for cell in rows.cells[column]])
    named = named_photos(declaration, rows)
    values |= _photo_scores(declaration, rows, named)
    if declaration.photo_rows or declaration.rows_are_photos:
        values, named = _one_row_a_case(declaration, values, named, rows)
    values["images"], values["image_kinds"] = locate_photos(
        declaration, rows.folder, named, values["case_id"], rows.findings
    )
    if "age" in declaration.fields and "age_group" in declaration.subgroups:
        values["age_group"] = [age_group(age) for age in values["age"]]
    return values


def cases_of(declaration: Declaration, rows: Rows, values: Values) -> Cases:
    """The table of cases and its schema, if there is no problem.

    Raises:
        DataError: there are problems, or fewer than two classes.
        ConfigError: entries of the declaration contradict each other.
    """
    rows.findings.refuse_if_any()
    schema = _schema(declaration, rows, values)
    table = make_table(schema, values)
    if declaration.unlabelled == "drop":
        table = table[table.target.notna()].reset_index(drop=True)
    findings = rows.findings
    return check_table(Cases(schema, table, tuple(findings.remarks), tuple(findings.absent_photos)))


def _case_ids(declaration: Declaration, rows: Rows) -> list[str]:
    if declaration.case is None:
        return [f"row_{row}" for row in rows.cells.index]
    cells = list(rows.cells[declaration.case])
    _refuse_blanks(declaration.case, rows)
    if declaration.photo_names != "stem" or declaration.case not in declaration.photo_columns:
        return cells
    return [cell if "/" in cell or "\\" in cell else photo_stem(cell, declaration.case) for cell in cells]


def _refuse_blanks(column: str, rows: Rows) -> None:
    if blank := rows.where(column, ""):
        rows.findings.problems.append(f"column {column!r} is blank in {name_rows(blank)}")


def _patients_and_lesions(declaration: Declaration, rows: Rows, cases: list[str]) -> Values:
    if declaration.patient is None:
        rows.findings.remarks.append(
            f"no patient ids: every {declaration.no_patient_ids} counts as a patient of its own"
        )
        lesions = _lesions(declaration, rows, cases)
        return {"patient_id": lesions, "lesion_id": lesions}
    if declaration.patient_in_any_case:
        _spell_patients_alike(declaration.patient, rows)
    findings = rows.findings
    findings.remarks += [
        f"column {declaration.patient!r}: {odd}" for odd in odd_patients(list(rows.cells[declaration.patient]))
    ]
    if declaration.patient_may_be_missing:
        _name_blank_patients(declaration.patient, cases, rows)
    elif blank := rows.where(declaration.patient, ""):
        way = "" if declaration.declared_in else "; name them, or set blank_patients: own: each a patient of its own"
        findings.problems.append(f"column {declaration.patient!r} is blank in {name_rows(blank)}{way}")
    return {
        "patient_id": list(rows.cells[declaration.patient]),
        "lesion_id": _lesions(declaration, rows, cases),
    }


def _spell_patients_alike(column: str, rows: Rows) -> None:
    """Ids that differ in capital letters only are written as the first of them."""
    spelling: dict[str, str] = {}
    own = [spelling.setdefault(cell.casefold(), cell) for cell in rows.cells[column]]
    respelled = sum(cell != first for cell, first in zip(rows.cells[column], own, strict=True))
    rows.cells[column] = own
    if respelled:
        rows.findings.remarks.append(
            f"column {column!r}: {respelled} ids differ from an earlier one in capital letters only: the same patient"
        )


def _name_blank_patients(column: str, cases: list[str], rows: Rows) -> None:
    """Cases without a patient id are patients of their own, under the name of the case."""
    blank = rows.where(column, "")
    if not blank:
        return
    pairs = zip(rows.cells[column], cases, strict=True)
    rows.cells[column] = [cell or f"{case} (no patient id)" for cell, case in pairs]
    rows.findings.remarks.append(f"{len(blank)} rows have no patient id: each counts as a patient of its own")


def _lesions(declaration: Declaration, rows: Rows, cases: list[str]) -> list[str]:
    if not declaration.lesion:
        return list(cases)
    own = [name for name in declaration.lesion if name != declaration.patient]
    is_named = [all(cells) for cells in rows.across(own)]
    if not declaration.lesion_may_be_missing:
        for column in own:
            _refuse_blanks(column, rows)
    elif without := is_named.count(False):
        counts = "a lesion" if declaration.patient else "a lesion and a patient"
        rows.findings.remarks.append(f"{without} cases have no lesion id: each counts as {counts}")
    whole = rows.across(declaration.lesion)
    return [
        declaration.lesion_separator.join(ids) if named else case
        for ids, named, case in zip(whole, is_named, cases, strict=True)
    ]


def _targets(declaration: Declaration, rows: Rows) -> list[str | None]:
    """The class of every row; None where the label is missing, or is none of the classes by declaration."""
    findings, column = rows.findings, LABEL if declaration.one_hot else str(declaration.target)
    labels = list(rows.cells[column])
    class_of: dict[str, str | None] = {**{name: name for name in declaration.classes}, **declaration.labels}
    parsed_as_field = {spec.source_column for spec in declaration.observed.values()}
    way = "" if declaration.declared_in else f" {LEAVE_OUT}"
    unknown = sorted({*labels} - {"", *class_of})
    several = {} if declaration.declared_in else _several_diagnoses(unknown, known=[*class_of, *labels])
    for label, diagnoses in several.items():
        findings.problems.append(
            f"column {column!r}, {name_rows(rows.where(column, label))}: {label!r} lists {' and '.join(diagnoses)}; "
            f"{ONE_DIAGNOSIS}; if it is one class, name it under classes"
        )
    if declaration.classes and column not in parsed_as_field:
        for label in (label for label in unknown if label not in several):
            where = name_rows(rows.where(column, label))
            findings.problems.append(f"column {column!r}, {where}: {one_of('class', label, class_of)}{way}")
    blank = rows.where(column, "")
    if blank and declaration.unlabelled == "error":
        findings.problems.append(
            f"column {column!r}: no label in {name_rows(blank)}; label them, or set unlabelled to keep or drop"
        )
    elif blank:
        fate = "left out" if declaration.unlabelled == "drop" else "kept without target"
        findings.remarks.append(f"{len(blank)} cases without label {fate}")
    no_class = Counter(label for label in labels if label and class_of.get(label, label) is None)
    if no_class:
        names = first_of(sorted(no_class))
        findings.remarks.append(f"{no_class.total()} cases are {names}, no class: kept without target")
    return [class_of.get(label, label) or None for label in labels]


def _several_diagnoses(labels: Sequence[str], *, known: Sequence[str]) -> dict[str, list[str]]:
    """Labels that list several of those known, with what they list."""
    listed = {label: diagnoses_in(label, known) for label in labels}
    return {label: diagnoses for label, diagnoses in listed.items() if diagnoses}


def _fields(specs: Mapping[str, FieldSpec], rows: Rows) -> list[Field]:
    """The fields of the schema, as far as they are declared or can be guessed from their columns."""
    declared = (spec.declare([cell for cell in rows.cells[spec.source_column] if cell])[0] for spec in specs.values())
    return [field for field in declared if field]


def _with_missing_words(field: Field, missing: Sequence[str]) -> Field:
    """The field with the words that mean a blank cell in its table, so that they mean it wherever they are typed."""
    return field.model_copy(update={"values": {**dict.fromkeys(missing, ""), **field.values}})


def _parse_field(spec: FieldSpec, field: Field, rows: Rows) -> list[Any]:
    column, findings = spec.source_column, rows.findings
    read = read_column(field, rows.cells[column])
    findings.problems += [f"row {fault.row}, column {column!r}: {fault.why}" for fault in read.faults]
    findings.remarks += [f"column {column!r}: {rule}" for rule in read.rules]
    return list(read.values)


def _photo_scores(declaration: Declaration, rows: Rows, named: list[Named]) -> Values:
    """Columns of numbers about photos; where a row is a photo, one a kind, empty in the rows of other kinds."""
    scores: Values = {}
    for column in (name for name in declaration.photo_scores if name in rows.cells):
        try:
            numbers = [float(cell) if cell else None for cell in rows.cells[column]]
        except ValueError:
            rows.findings.problems.append(f"column {column!r} must hold numbers")
            continue
        if declaration.photo_rows is None:
            scores[column] = numbers
            continue
        kinds = [photos[0].kind if photos else None for photos in named]
        for kind in declaration.photos:
            scores[f"{column}_{kind}"] = [n if of == kind else None for n, of in zip(numbers, kinds, strict=True)]
    return scores


def _one_row_a_case(
    declaration: Declaration, values: Values, named: list[Named], rows: Rows
) -> tuple[Values, list[Named]]:
    """The rows of the photos of a case as one, its photos in the order of their kinds.

    What is kept and is not the same in all of its rows is told of each: "instrument only | altered".
    """
    order = list(declaration.photos)
    places: dict[str, list[int]] = {}
    for place, case in enumerate(values["case_id"]):
        places.setdefault(case, []).append(place)
    for of in places.values():
        of.sort(key=lambda place: [order.index(photo.kind) for photo in named[place]])
    several = {*declaration.undeclared}
    if declaration.photo_rows:
        several |= {name for name in declaration.kept if name not in declaration.subgroups}
    scores = {f"{column}_{kind}" for column in declaration.photo_scores for kind in declaration.photos}
    merged: Values = {name: [] for name in values}
    photos: list[Named] = []
    is_sound = not rows.findings.problems  # a cell that was refused differs from all others
    for case, of in places.items():
        photos.append([photo for place in of for photo in named[place]])
        differing = []
        for name, column in values.items():
            different = list(dict.fromkeys(column[place] for place in of))
            if name in scores:  # of the photo of one kind; of two the count below complains
                merged[name].append(next((value for value in different if value is not None), None))
                continue
            if name in several:
                merged[name].append(" | ".join(filter(None, different)) or None)
                continue
            merged[name].append(different[0])
            differing += [f"different {name}"] if len(different) > 1 else []
        kinds = Counter(photo.kind for photo in photos[-1])
        if declaration.photo_rows:
            differing += [f"{count} {kind} photos" for kind, count in kinds.items() if count > 1]
        if differing and case and is_sound:
            where = " and ".join(str(rows.cells.index[place]) for place in sorted(of))
            of_kinds = "one of each kind, of" if declaration.photo_rows else "of"
            rows.findings.problems.append(
                f"{case} in rows {where} with {', '.join(differing)}; the photos of a case are {of_kinds} one patient"
            )
    return merged, photos


def _schema(declaration: Declaration, rows: Rows, values: Values) -> Schema:
    counts = Counter(target for target in values["target"] if target is not None)
    path = rows.findings.path
    classes = declaration.classes
    if not classes:
        classes = tuple(sorted(counts))
        if len(classes) < 2:
            raise DataError(f"{path}, column {declaration.target!r}: two classes are needed, however: {dict(counts)}")
    groups = {}
    for name, group in declaration.class_groups_from.items():
        pairs = zip(values["target"], values[group.column], strict=True)
        members = {target for target, value in pairs if value in group.values}
        groups[name] = [label for label in classes if label in members]
    try:
        fields = [_with_missing_words(field, declaration.missing) for field in _fields(declaration.fields, rows)]
        return declaration.make_schema(fields, classes=classes, groups=groups)
    except ValidationError as error:
        raise ConfigError(f"{path}: {first_fault(error)}") from None

"""Bring your own data: one table, one row per case, its columns mapped in the experiment file."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, NamedTuple, get_args

import pandas as pd
from pydantic import ValidationError

from mmskin.data.delimited import RawTable, read_delimited, require_columns
from mmskin.data.mapped_field import MappedField, first_message
from mmskin.data.photo_paths import MissingPhoto, PhotoFolder
from mmskin.data.suspicions import alike_labels, giveaways, labels_in_texts, name_rows, shared_photos
from mmskin.data.table import COLUMNS, Cases, check_table
from mmskin.errors import ConfigError, DataError, first_of, one_of
from mmskin.schema import Field, FieldValue, Schema

Unlabelled = Literal["error", "keep", "drop"]

MISSING = ("NA", "N/A", "NaN", "NULL")
_SHOWN = 20  # problems in one message


class _Rows(NamedTuple):
    """The table by column: cells stripped, blank where they are missing; row numbers of the file."""

    numbers: list[int]
    cells: dict[str, list[str]]

    def where(self, column: str, cell: str) -> list[int]:
        """The rows that hold exactly this."""
        return [row for row, other in zip(self.numbers, self.cells[column], strict=True) if other == cell]

    def across(self, columns: Sequence[str]) -> list[tuple[str, ...]]:
        """Some columns by row; empty tuples where there are no columns."""
        return list(zip(*(self.cells[c] for c in columns), strict=True)) if columns else [()] * len(self.numbers)


@dataclass
class _Findings:
    """Everything wrong with a table, and everything guessed about it or done to it."""

    path: Path
    remarks: list[str]
    problems: list[str] = field(default_factory=list)

    def refuse_if_any(self) -> None:
        """Raises: DataError with all problems, if there are some."""
        if self.problems:
            rest = len(self.problems) - _SHOWN
            listed = [*self.problems[:_SHOWN], *([f"and {rest} more"] if rest > 0 else [])]
            count = "1 problem" if len(self.problems) == 1 else f"{len(self.problems)} problems"
            raise DataError(
                f"{self.path}: {count} (the header is row 1)\n  " + "\n  ".join(listed),
                faults=[f"{self.path.name}: {problem}" for problem in self.problems],
            )


class CsvTable:
    """Your own table (comma, semicolon, tab or pipe; UTF-8 or UTF-16) with one row per case.

    Nothing is dropped, repaired or guessed in silence: every guess is a remark, every fault is named with its row.
    Everything that is wrong is reported at once.

        name: csv
        table: cases.csv
        images: [photo_1, photo_2]
        target: diagnosis
        patient: patient_id
        text: complaint
        fields:
          age: {kind: numeric, unit: years, low: 0, high: 120}
          itch: {column: "Juckt es?", kind: yes_no, values: {ja: "yes", nein: "no"}}
          duration: {kind: duration, unit: weeks}
          region: {}
        outcomes: {biopsied: a biopsy is taken because of the suspected diagnosis}

    *Fields* that give no kind get the one that their column suggests. Without `fields`, every column that is not
    named elsewhere is tried; long and free text and ids never become fields by themselves. A column that gives the
    label away alone is remarked: it may be an outcome.

    *Labels* must be spelled alike: those that differ only in case, blanks, invisible characters or look-alike letters
    are refused, not taken for two classes.

    Args:
        table: file under the root.
        target: column of the label.
        images: column or columns of photo paths, relative to `image_root`. None: cases without photos.
        image_separator: what stands between several photos in one cell.
        image_root: folder of the photos, relative to the root. No path may lead out of it.
        image_suffix: appended to every photo name, such as ".jpg" where the table holds ids.
        patient: column that says who the patient is: what may not cross a split.
        one_case_per_patient: say so if there is no such column and no patient has two rows.
        case: column of the case ids; "row_2" and so on if None.
        lesion: column that tells lesions of one patient apart; every case is a lesion of its own if None.
        text: column or columns of free text, put after one another.
        fields: by name, each with its `column` (the name if left out), `values` (what cells mean, cell → value) and the
            entries of `mmskin.schema.Field`; or a list of columns; or None. A duration's unit is days, weeks, months or
            years.
        classes: in the order wanted; sorted labels if None.
        class_titles: how reports name classes.
        class_groups: named sets of classes, such as malignant.
        outcomes: columns known only after the diagnosis, with the reason; never inputs.
        subgroups: columns by which reports break results down.
        unlabelled: rows without label are an "error", or cases to "keep" without target, or to "drop".
        missing: words that mean a blank cell, in any case.
        delimiter: None finds it from the header.
        name: of the data set; that of the file if None.
        licence: shown by reports.
        citation: shown by reports.
    """

    def __init__(
        self,
        *,
        target: str,
        table: str = "cases.csv",
        images: str | Sequence[str] | None = None,
        image_separator: str | None = None,
        image_root: str = ".",
        image_suffix: str = "",
        patient: str | None = None,
        one_case_per_patient: bool = False,
        case: str | None = None,
        lesion: str | None = None,
        text: str | Sequence[str] | None = None,
        fields: Mapping[str, Mapping[str, Any] | None] | Sequence[str] | None = None,
        classes: Sequence[str] | None = None,
        class_titles: Mapping[str, str] | None = None,
        class_groups: Mapping[str, Sequence[str]] | None = None,
        outcomes: Mapping[str, str] | None = None,
        subgroups: Sequence[str] = (),
        unlabelled: Unlabelled = "error",
        missing: Sequence[str] = MISSING,
        delimiter: str | None = None,
        name: str | None = None,
        licence: str = "",
        citation: str = "",
    ) -> None:
        if patient and one_case_per_patient:
            raise ConfigError(f"patient: {patient!r} and one_case_per_patient exclude each other; leave one out")
        if unlabelled not in get_args(Unlabelled):
            raise ConfigError(one_of("unlabelled", unlabelled, get_args(Unlabelled)))
        self.table = table
        self.target = target
        self.images = _as_list(images)
        self.image_separator = image_separator
        self.image_root = image_root
        self.image_suffix = image_suffix
        self.patient = patient
        self.one_case_per_patient = one_case_per_patient
        self.case = case
        self.lesion = lesion
        self.text = _as_list(text)
        self.fields = None if fields is None else _mapped(fields)
        self.classes = None if classes is None else tuple(str(name) for name in classes)
        self.class_titles = dict(class_titles or {})
        self.class_groups = {group: tuple(members) for group, members in (class_groups or {}).items()}
        self.outcomes = dict(outcomes or {})
        self.subgroups = tuple(subgroups)
        self.unlabelled = unlabelled
        self.missing = {word.lower() for word in missing}
        self.delimiter = delimiter
        self.name = name or Path(table).stem
        self.licence = licence
        self.citation = citation
        self._check_names()

    def load(self, root: str | Path) -> Cases:
        """Read the table under a folder; photos are looked for, not opened.

        Raises:
            DataError: the file cannot be read as a table; columns are missing; no patient column and no word about it;
                blank ids or labels; near-duplicate labels; values not admissible; paths that lead out of the folder;
                one photo with two labels; one class only; none of the photos is there.
        """
        path = Path(root) / self.table
        raw = read_delimited(path, delimiter=self.delimiter)
        require_columns(raw.rows, self._named_columns(), path=path)
        self._require_patients(raw, path)
        findings = _Findings(path, list(raw.remarks))
        rows = self._rows(raw)
        targets = self._targets(raw, rows, findings)
        ids = self._ids(rows, findings)
        images = self._images(rows, Path(root) / self.image_root, findings)
        declared, values = self._histories(rows, findings)
        differing, agreeing = shared_photos(rows.numbers, images, targets)
        findings.problems += [f"photo {told}; a photo has one label" for told in differing]
        if agreeing:
            findings.remarks.append(f"{len(agreeing)} photos stand in several rows: {first_of(agreeing, 5)}")
        findings.refuse_if_any()
        texts = [" ".join(filter(None, cells)) or None for cells in rows.across(self.text)]
        columns: dict[str, Sequence[object]] = {**ids, "images": images, "target": targets, "text": texts, **values}
        for column in (*self.outcomes, *self.subgroups):
            columns.setdefault(column, [cell or None for cell in rows.cells[column]])
        findings.remarks += _suspicions(values, texts, targets)
        # object: pandas would turn None into NaN otherwise, and None is what "not recorded" is
        table = pd.DataFrame(columns, dtype=object)
        if self.unlabelled == "drop":
            table = table[table.target.notna()].reset_index(drop=True)
        schema = self._schema(targets, declared, path)
        return check_table(Cases(schema=schema, table=table, remarks=tuple(findings.remarks)))

    def _check_names(self) -> None:
        """Outcomes and the target cannot be read as fields; the names of the table of cases cannot be taken."""
        fields = self.fields or {}
        for what, names in (("field", fields), ("outcome", self.outcomes), ("subgroup", self.subgroups)):
            taken = [name for name in names if name in COLUMNS]
            if taken:
                raise ConfigError(f"{what} {taken[0]!r}: the table of cases has a column of that name; choose another")
        for name, mapped in fields.items():
            if mapped.column in self.outcomes:
                raise ConfigError(f"field {name!r} reads {mapped.column!r}, an outcome: {self.outcomes[mapped.column]}")
            if mapped.column == self.target:
                raise ConfigError(f"field {name!r} reads {mapped.column!r}, the target")

    def _named_columns(self) -> list[str]:
        fields = self.fields or {}
        single = [column for column in (self.case, self.patient, self.lesion) if column]
        kept = [column for column in (*self.outcomes, *self.subgroups) if column not in fields]
        mapped = [mapped.column for mapped in fields.values()]
        return [self.target, *single, *self.images, *self.text, *mapped, *kept]

    def _require_patients(self, raw: RawTable, path: Path) -> None:
        if not (self.patient or self.one_case_per_patient):
            raise DataError(
                f"{path}: no patient column is named, so photos of one person could stand on both sides of a split. "
                "Name it (patient: <column>), or say that nobody has two rows (one_case_per_patient: true). "
                f"The columns are: {first_of(list(raw.rows.columns), 60)}"
            )

    def _rows(self, raw: RawTable) -> _Rows:
        def clean(cell: str) -> str:
            stripped = cell.strip()
            return "" if stripped.lower() in self.missing else stripped

        cells = {str(column): [clean(cell) for cell in raw.rows[column]] for column in raw.rows.columns}
        return _Rows([int(row) for row in raw.rows.index], cells)

    def _targets(self, raw: RawTable, rows: _Rows, findings: _Findings) -> list[str | None]:
        column, cells = self.target, rows.cells[self.target]
        blank = rows.where(column, "")
        if blank and self.unlabelled == "error":
            findings.problems.append(
                f"column {column!r}: no label in {name_rows(blank)}; label them, or set unlabelled to keep or drop"
            )
        elif blank:
            fate = "left out" if self.unlabelled == "drop" else "kept without target"
            findings.remarks.append(f"{len(blank)} cases without label {fate}")
        written = zip(rows.numbers, raw.rows[column], cells, strict=True)
        for told in alike_labels({row: label for row, label, cell in written if cell}):
            findings.problems.append(f"column {column!r}: one class spelled differently? {told}")
        if self.classes is not None:
            for label in sorted({*cells} - {"", *self.classes}):
                where = name_rows(rows.where(column, label))
                findings.problems.append(f"column {column!r}, {where}: {one_of('class', label, self.classes)}")
        return [cell or None for cell in cells]

    def _ids(self, rows: _Rows, findings: _Findings) -> dict[str, list[str]]:
        cases = rows.cells[self.case] if self.case else [f"row_{row}" for row in rows.numbers]
        patients = rows.cells[self.patient] if self.patient else cases
        for column in filter(None, (self.case, self.patient)):
            if blank := rows.where(column, ""):
                findings.problems.append(f"column {column!r} is blank in {name_rows(blank)}")
        if self.case:
            for case in sorted(case for case, count in Counter(cases).items() if case and count > 1):
                where = name_rows(rows.where(self.case, case))
                findings.problems.append(f"column {self.case!r}: one row per case, however {case!r} is in {where}")
        if not self.patient:
            findings.remarks.append("no patient column: every case counts as a patient (one_case_per_patient)")
        findings.remarks += _equal_rows(rows)
        lesions = cases
        if self.lesion:
            named = zip(patients, rows.cells[self.lesion], cases, strict=True)
            lesions = [f"{patient}/{lesion}" if lesion else case for patient, lesion, case in named]
            if blank := rows.where(self.lesion, ""):
                findings.remarks.append(f"{len(blank)} cases have no lesion id: a lesion of its own each")
        return {"case_id": cases, "patient_id": patients, "lesion_id": lesions}

    def _images(self, rows: _Rows, root: Path, findings: _Findings) -> list[tuple[str, ...]]:
        folder = PhotoFolder(root)
        found: list[tuple[str, ...]] = []
        absent: list[str] = []
        refused: list[str] = []
        for row, cells in zip(rows.numbers, rows.across(self.images), strict=True):
            photos = []
            for name in self._photo_names(cells):
                try:
                    photos.append(folder.locate(name))
                except MissingPhoto as missing:
                    absent.append(f"row {row} {missing}")
                except DataError as fault:
                    refused.append(f"row {row}, photo {fault}")
            found.append(tuple(dict.fromkeys(photos)))
        findings.problems += refused
        if absent and not any(found) and not refused:
            findings.problems.append(
                f"none of {len(absent)} photos is under {root}, looked for: {first_of(absent, 3)}; set image_root or "
                "image_suffix, or leave images out"
            )
        elif absent:
            findings.remarks.append(f"{len(absent)} photos not found: {first_of(absent)}")
        without = sum(not photos for photos in found)
        if self.images and without:
            findings.remarks.append(f"{without} cases without a photo")
        return found

    def _photo_names(self, cells: Sequence[str]) -> list[str]:
        separator = self.image_separator
        names = [name for cell in cells for name in (cell.split(separator) if separator else [cell])]
        return [name.strip() + self.image_suffix for name in names if name.strip()]

    def _histories(self, rows: _Rows, findings: _Findings) -> tuple[list[Field], dict[str, list[FieldValue]]]:
        """The fields declared, with what was not given guessed and told, and their values by name."""
        declared: list[Field] = []
        values: dict[str, list[FieldValue]] = {}
        guessed, left_out = [], []
        others = self._other_columns(rows)
        sources = _mapped(others) if self.fields is None else self.fields
        for name, source in sources.items():
            candidate, told = source.declare([cell for cell in rows.cells[source.column] if cell])
            if candidate is None:
                left_out.append(f"{name} ({told})")
                continue
            if told:
                guessed.append(f"{name} ({told})")
            declared.append(candidate)
            values[name] = _parse(source, candidate, rows, findings)
        if guessed:
            findings.remarks.append(
                f"guessed from their columns, to be mended under fields: {first_of(guessed, _SHOWN)}"
            )
        idle = left_out if self.fields is None else others
        if idle:
            findings.remarks.append(f"columns not used: {first_of(idle, _SHOWN)}")
        if self.fields is not None:
            findings.problems += [f"field {told}: give its kind, or leave it out" for told in left_out]
        return declared, values

    def _other_columns(self, rows: _Rows) -> list[str]:
        """Columns that no option names. Without `fields`, subgroups may be fields as well."""
        named = {*self._named_columns(), *COLUMNS}
        if self.fields is None:
            named -= set(self.subgroups)
        return [column for column in rows.cells if column not in named]

    def _schema(self, targets: Sequence[str | None], declared: Sequence[Field], path: Path) -> Schema:
        counts = Counter(target for target in targets if target is not None)
        if len(counts) < 2:
            raise DataError(f"{path}, column {self.target!r}: two classes are needed, however: {dict(counts)}")
        classes = self.classes or tuple(sorted(counts))
        named = {"class_titles": [*self.class_titles], **{f"class_groups {g}": m for g, m in self.class_groups.items()}}
        for what, members in named.items():
            for member in members:
                if member not in classes:
                    raise ConfigError(one_of(f"{what}: class", member, classes))
        try:
            return Schema(
                name=self.name,
                classes=classes,
                class_titles=self.class_titles,
                class_groups=self.class_groups,
                fields=tuple(declared),
                subgroups=self.subgroups,
                outcomes=self.outcomes,
                licence=self.licence,
                citation=self.citation,
            )
        except ValidationError as error:
            raise ConfigError(f"{path}: {first_message(error)}") from None


def _as_list(columns: str | Sequence[str] | None) -> list[str]:
    return [] if columns is None else [columns] if isinstance(columns, str) else list(columns)


def _mapped(fields: Mapping[str, Mapping[str, Any] | None] | Sequence[str]) -> dict[str, MappedField]:
    specs = fields if isinstance(fields, Mapping) else dict.fromkeys(_as_list(fields))
    return {name: MappedField.from_spec(name, spec) for name, spec in specs.items()}


def _parse(source: MappedField, declared: Field, rows: _Rows, findings: _Findings) -> list[FieldValue]:
    values: list[FieldValue] = []
    for row, cell in zip(rows.numbers, rows.cells[source.column], strict=True):
        try:
            values.append(source.parse(cell, declared))
        except DataError as fault:
            findings.problems.append(f"row {row}, column {source.column!r}: {fault}")
    return values


def _equal_rows(rows: _Rows) -> list[str]:
    where: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for row, cells in zip(rows.numbers, rows.across(list(rows.cells)), strict=True):
        where[cells].append(row)
    equal = [" = ".join(map(str, numbers)) for numbers in where.values() if len(numbers) > 1]
    return [f"rows equal in every cell: {first_of(equal)}"] if equal else []


def _suspicions(
    values: Mapping[str, Sequence[FieldValue]], texts: Sequence[str | None], targets: Sequence[str | None]
) -> list[str]:
    """Fields and texts that may have been written after the diagnosis."""
    labelled = [i for i, target in enumerate(targets) if target is not None]
    columns = {name: [column[i] for i in labelled] for name, column in values.items()}
    remarks = giveaways(columns, [str(targets[i]) for i in labelled])
    holding = labels_in_texts(texts, targets)
    if holding:
        remarks.append(f"{holding} free texts hold their label word for word: were they written after the diagnosis?")
    return remarks

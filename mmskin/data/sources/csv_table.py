"""Bring your own data: one table, one row per case, its columns mapped in the experiment file.

The engine is that of all data sets, with the user's declaration. What is different here: fields may be guessed, and the
table is looked at with suspicion, for nobody has read it before.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, get_args

import pandas as pd

from mmskin.data.not_history import after_the_diagnosis, bookkeeping
from mmskin.data.sources.csv_suspicions import suspect
from mmskin.data.splits import PART_OF_WORD, PARTS
from mmskin.data.table import COLUMNS, Cases
from mmskin.data.tables.declaration import Declaration, parse_declaration
from mmskin.data.tables.engine import OFFICIAL_SPLIT, cases_of, parse_rows
from mmskin.data.tables.field_spec import FieldSpec
from mmskin.data.tables.rows import LABEL, Rows, read_rows
from mmskin.errors import ConfigError, DataError, first_of, one_of
from mmskin.schema import DEFAULT_PHOTOS

Unlabelled = Literal["error", "keep", "drop"]
BlankPatients = Literal["error", "own"]

AFTERWARDS = "it is known only after the diagnosis"
MISSING = ("NA", "N/A", "NaN", "NULL")
_SHOWN = 20  # guesses in one remark


class CsvTable:
    """Your own table with one row per case: text (comma, semicolon, tab or pipe between columns; gzip or not), an Excel
    workbook, Parquet or JSON lines.

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
    named elsewhere is tried; long and free text, ids, dates, row numbers, and columns that are named like what follows
    the diagnosis or give the label away alone never become fields by themselves. One that gives it away and is named
    under `fields` is remarked: it may be an outcome.

    *Labels* must be spelled alike: those that differ only in case, blanks, invisible characters or look-alike letters
    are refused, not taken for two classes. A case has one diagnosis: a label that lists several, such as "MEL;NEV", and
    a row with a 1 in two columns of classes are refused.

    Args:
        table: file under the root.
        target: column of the label, or one column a class, of 0 and 1.
        images: column or columns of photo paths, relative to `image_root`. None: cases without photos.
        photos: the same by kind of photo, such as {clinical: [photo], dermoscopic: [dermoscopy]}, instead of `images`.
        image_separator: what stands between several photos in one cell.
        image_root: folder of the photos, relative to the root. No path may lead out of it.
        image_suffix: appended to every photo name, such as ".jpg" where the table holds ids.
        patient: column that says who the patient is: what may not cross a split.
        blank_patients: a row without a patient id is an "error", or its "own" patient, which is counted.
        patient_in_any_case: whether ids that differ in capital letters only are one patient.
        one_case_per_patient: say so if there is no such column and no patient has two rows.
        case: column of the case ids; "row_2" and so on if None.
        one_row_per_photo: the rows of a case id are its photos; what else they say must agree. Where a column tells
            the kind of each photo, that column and what its cells mean, such as {column: view, kinds: {close-up:
            clinical, dermoscopic: dermoscopic}}.
        lesion: column that tells lesions of one patient apart; every case is a lesion of its own if None. Without
            `patient` a lesion counts as one.
        text: column or columns of free text, put after one another.
        fields: by name, each with the entries of `mmskin.data.tables.field_spec.FieldSpec`: its `column` (the name if
            left out), `values` (what cells mean, cell → value), kind, label, unit and so on; or a list of columns; or
            None. A duration's unit is days, weeks, months or years.
        optional_block: fields that are recorded or left out together; `missingness: equalized` hides them.
        classes: in the order wanted; sorted labels if None.
        labels: labels of the table that mean another one: {bcc: BCC}.
        class_titles: how reports name classes.
        class_groups: named sets of classes; those called malignant and premalignant are what triage goes by.
        class_information: what the clinician's page says of a class: {MEL: {text: what it is, next_steps: what usually
            happens next, source: where that stands}}; or a word for one that is shared, such as {MEL: melanoma}, a key
            of `mmskin/data/class_information.yaml`.
        red_flags: reasons to be seen soon: [{reason: it has bled, when: {bleed: yes}}, …]; by field a word, or
            {at_least: 50} for a number. A flag whose fields are not all read is left out.
        outcomes: columns known only after the diagnosis, with the reason or without; never inputs.
        split: column of a split that is there already, in words such as train, valid and test: for `folds: official`.
            Without validation rows a fifth of the training patients validates.
        subgroups: columns by which reports break results down.
        unlabelled: rows without label are an "error", or cases to "keep" without target, or to "drop".
        missing: words that mean a blank cell, in any case.
        delimiter: None finds it from the header.
        encoding: of text that is neither UTF-8 nor UTF-16, such as cp1252.
        name: of the data set; that of the file if None.
        licence: shown by reports.
        citation: shown by reports.
    """

    def __init__(
        self,
        *,
        target: str | Sequence[str],
        table: str = "cases.csv",
        images: str | Sequence[str] | None = None,
        photos: Mapping[str, str | Sequence[str]] | None = None,
        image_separator: str | None = None,
        image_root: str = ".",
        image_suffix: str = "",
        patient: str | None = None,
        blank_patients: BlankPatients = "error",
        patient_in_any_case: bool = False,
        one_case_per_patient: bool = False,
        one_row_per_photo: bool | Mapping[str, Any] = False,
        case: str | None = None,
        lesion: str | None = None,
        text: str | Sequence[str] | None = None,
        fields: Mapping[str, Mapping[str, Any] | None] | Sequence[str] | None = None,
        optional_block: str | Sequence[str] = (),
        classes: str | Sequence[str] | None = None,
        labels: Mapping[str, str] | None = None,
        class_titles: Mapping[str, str] | None = None,
        class_groups: Mapping[str, Sequence[str]] | None = None,
        class_information: Mapping[str, Mapping[str, str] | str] | None = None,
        red_flags: Sequence[Mapping[str, Any]] = (),
        outcomes: Mapping[str, str] | Sequence[str] | None = None,
        split: str | None = None,
        subgroups: str | Sequence[str] = (),
        unlabelled: Unlabelled = "error",
        missing: str | Sequence[str] = MISSING,
        delimiter: str | None = None,
        encoding: str | None = None,
        name: str | None = None,
        licence: str = "",
        citation: str = "",
    ) -> None:
        if patient and one_case_per_patient:
            raise ConfigError(f"patient: {patient!r} and one_case_per_patient exclude each other; leave one out")
        if images is not None and photos is not None:
            raise ConfigError("images and photos exclude each other: photos names the columns by kind of photo")
        for option, value, choices in (
            ("unlabelled", unlabelled, get_args(Unlabelled)),
            ("blank_patients", blank_patients, get_args(BlankPatients)),
        ):
            if value not in choices:
                raise ConfigError(one_of(option, value, choices))
        if delimiter is not None and len(delimiter) != 1:
            raise ConfigError(f"delimiter must be one character, such as ';', however: {delimiter!r}")
        if one_row_per_photo and not (case and (images or photos)):
            raise ConfigError("one_row_per_photo needs case, the column that several rows share, and images")
        by_kind = one_row_per_photo if isinstance(one_row_per_photo, Mapping) else None
        if by_kind is not None:
            if photos is not None:
                raise ConfigError("one_row_per_photo tells the kinds of photo: name their one column under images")
            _check_photo_rows(by_kind)
            photos = dict.fromkeys(by_kind["kinds"].values(), images or ())
        hot = () if isinstance(target, str) else tuple(target)
        if len(hot) == 1:
            (target,), hot = hot, ()
        if hot and classes is not None and sorted(classes) != sorted(hot):
            raise ConfigError(
                f"classes must hold the columns of target, in the order wanted: {first_of(hot)}; to merge classes or "
                "leave some out: data.classes"
            )
        self.guesses_fields = fields is None
        self.lesion, self.split = lesion, split
        self.one_case_per_patient = one_case_per_patient
        self.declaration = parse_declaration(
            {
                "name": name or Path(table).stem,
                "table": str(Path(table).expanduser()),
                "delimiter": delimiter,
                "encoding": encoding,
                "missing": missing,
                "merge_repeats": False,
                "case": case,
                "patient": patient,
                "patient_may_be_missing": blank_patients == "own",
                "patient_in_any_case": patient_in_any_case,
                "no_patient_ids": None if patient else "lesion" if lesion else "case",
                "lesion": [column for column in (patient, lesion) if column] if lesion else [],
                "lesion_separator": "/",
                "lesion_may_be_missing": True,
                "photos": photos or ({} if images is None else {DEFAULT_PHOTOS[0]: images}),
                "photo_names": "path",
                "rows_are_photos": one_row_per_photo is True,
                "photo_rows": by_kind,
                "image_root": str(Path(image_root).expanduser()),
                "image_suffix": image_suffix,
                "image_separator": image_separator,
                "target": None if hot else target,
                "one_hot": bool(hot),
                "unlabelled": unlabelled,
                "classes": [classes] if isinstance(classes, str) else list(classes or hot),
                "labels": labels or {},
                "class_titles": class_titles or {},
                "class_groups": class_groups or {},
                "class_information": class_information or {},
                "red_flags": list(red_flags),
                "text": text,
                "fields": {} if fields is None else fields,
                "optional_block": optional_block,
                "subgroups": subgroups,
                "outcomes": outcomes if isinstance(outcomes, Mapping) else dict.fromkeys(outcomes or (), AFTERWARDS),
                "licence": licence,
                "citation": citation,
            }
        )
        _check_names(self.declaration)

    def load(self, root: str | Path, *, frame: pd.DataFrame | None = None) -> Cases:
        """Read the table under a folder; photos are looked for, not opened.

        Args:
            root: the folder.
            frame: the table, in place of its file.

        Raises:
            DataError: the file cannot be read as a table; columns are missing; no patient column and no word about it;
                blank ids or labels; near-duplicate labels; values not admissible; paths that lead out of the folder;
                one photo with two labels; one class only; none of the photos is there.
        """
        rows = read_rows(self.declaration, root, also=self._also_read, frame=frame)
        if not (self.declaration.patient or self.lesion or self.one_case_per_patient):
            raise DataError(
                f"{rows.findings.path}: no patient column is named, so photos of one person could stand on both sides "
                "of a split. Name it (patient: <column>), or that of the lesions if nobody knows more (lesion: "
                "<column>), or say that nobody has two rows (one_case_per_patient: true). The columns are: "
                f"{first_of(list(rows.cells.columns), 60)}"
            )
        if self.split:
            _read_split(self.split, rows)
        declaration = self._with_fields(rows)
        values = parse_rows(declaration, rows)
        suspect(declaration, rows, values)
        return cases_of(declaration, rows, values)

    @property
    def _also_read(self) -> list[str]:
        return [column for column in (self.lesion, self.split) if column]

    def _labels(self, rows: Rows) -> list[str | None]:
        """By row, before anything is checked."""
        written = rows.cells[LABEL if self.declaration.one_hot else self.declaration.label_columns[0]]
        return [self.declaration.labels.get(cell, cell) or None for cell in written]

    def _with_fields(self, rows: Rows) -> Declaration:
        """The declaration with the fields that can be read, what was guessed about them told."""
        read = {*self.declaration.columns, *COLUMNS, *self._also_read, OFFICIAL_SPLIT}
        if self.guesses_fields:  # subgroups may be fields as well
            read -= {*self.declaration.subgroups}
            read |= {*self.declaration.label_columns, *self.declaration.outcomes}
        others = [str(column) for column in rows.cells if column not in read]
        specs = {name: FieldSpec(name=name) for name in others} if self.guesses_fields else self.declaration.fields
        declared: dict[str, dict[str, Any]] = {}
        labels = self._labels(rows)
        guessed, left_out, following = [], [], []
        for name, spec in specs.items():
            cells = list(rows.cells[spec.source_column])
            field, told = spec.declare([cell for cell in cells if cell])
            if self.guesses_fields and (why := bookkeeping(name, cells)):
                field, told = None, why
            elif self.guesses_fields and (why := after_the_diagnosis(name, cells, labels)):
                field, told = None, why
                following.append(name)
            if field is None:
                left_out.append(f"{name} ({told})")
                continue
            guessed += [f"{name} ({told})"] if told else []
            declared[name] = spec.model_dump(exclude_unset=True)
        findings = rows.findings
        if guessed:
            findings.remarks.append(
                f"guessed from their columns, to be mended under fields: {first_of(guessed, _SHOWN)}"
            )
        if idle := left_out if self.guesses_fields else others:
            findings.remarks.append(f"columns not used: {first_of(idle, _SHOWN)}")
        if not self.guesses_fields:
            findings.problems += [f"field {told}: give its kind, or leave it out" for told in left_out]
        findings.problems += [
            one_of("optional_block: field", name, declared)
            for name in self.declaration.optional_block
            if name not in declared
        ]
        return self.declaration.changed(fields=declared, undeclared=following)


def _read_split(column: str, rows: Rows) -> None:
    """The part of every row from the user's own words."""
    parts = []
    for row, cell in rows.cells[column].items():
        part = PART_OF_WORD.get(cell.lower())
        if part is None:
            rows.findings.problems.append(f"row {row}, column {column!r}: {one_of('part', cell, PARTS)}")
        parts.append(part)
    rows.cells[OFFICIAL_SPLIT] = parts
    if {"train", "test"} == set(parts):
        rows.findings.remarks.append(f"column {column!r} has no validation part: folds: official takes it from train")


def _check_names(declaration: Declaration) -> None:
    """The names of the table of cases cannot be taken."""
    named = (("field", declaration.fields), ("outcome", declaration.outcomes), ("subgroup", declaration.subgroups))
    for what, names in named:
        taken = [name for name in names if name in COLUMNS]
        if taken:
            raise ConfigError(f"{what} {taken[0]!r}: the table of cases has a column of that name; choose another")


def _check_photo_rows(given: Mapping[str, Any]) -> None:
    """An option that names the column of the kinds of photo."""
    kinds = given.get("kinds")
    if set(given) == {"column", "kinds"} and isinstance(kinds, Mapping) and kinds:
        return
    raise ConfigError(
        "one_row_per_photo must be true, or the column that tells the kind of each photo and what its cells mean, such "
        f"as {{column: view, kinds: {{close-up: clinical, scope: dermoscopic}}}}, however: {dict(given)}"
    )

"""What the files of a data set are and mean, as plain data: by a declaration the one engine reads any table.

A published data set's lies beside it in the package (`mmskin/data/sources/<name>.yaml`); the options of `csv` are the
user's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError, field_validator, model_validator
from ruamel.yaml import YAML

from mmskin.data.tables.faults import fault_lines
from mmskin.data.tables.field_spec import FieldSpec
from mmskin.errors import ConfigError, one_of
from mmskin.red_flags import RedFlag
from mmskin.schema import (
    DEFAULT_PHOTOS,
    ClassInformation,
    Field,
    PatientUnit,
    PhotoRows,
    Schema,
    TableLayout,
    check_photo_kinds,
)

_SOURCES = "mmskin.data.sources"
_VARIANTS = "variants"
_INFORMATION = "class_information.yaml"


def _as_list(words: object) -> object:
    return [] if words is None else [words] if isinstance(words, str | int | float) else words


Words = Annotated[tuple[str, ...], BeforeValidator(_as_list)]  # one word is a list of one


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", coerce_numbers_to_str=True)


class Join(_Part):
    """Another file, of which every row is told of the row of the table with the same id."""

    file: str
    on: str
    """The column of ids, in both files."""
    columns: Words = ()
    """What is read of the file; the columns of the label if none is named."""
    every_row: bool = True
    """Whether each id must be in both files; otherwise those without a partner are remarked."""
    optional: bool = False
    """Whether the file may be absent: its columns are missing then."""


class CommonWords(_Part):
    """A column in the words of `mmskin.data.vocabulary`: for each common word the values that it stands for."""

    column: str
    words: dict[str, Words] = {}

    @property
    def said(self) -> dict[str, str]:
        """The common word by value."""
        return {value: word for word, values in self.words.items() for value in values}


class Group(_Part):
    """A named set of classes that the table tells: those of the cases with such a value in the column."""

    column: str
    values: Words


A_MODELS_READING = "a model's reading of the photo, which no patient says"


class Declaration(_Part):
    """All that the engine has to know about a data set."""

    name: str
    card: str = ""
    """What it holds, how it was taken, its biases, ids, split; the first line alone stands in lists."""
    licence: str = ""
    citation: str = ""
    obtain: str = ""
    """How to get the files, for the message that they are not there."""
    declared_in: str = ""
    """The file of the declaration."""

    # --- files ---
    table: Words
    """The file with a row per case, under the root: the first of these that is there."""
    joins: tuple[Join, ...] = ()
    delimiter: str | None = None
    encoding: str | None = None
    """Of the text, where it is neither UTF-8 nor UTF-16."""
    missing: Words = ()
    """Words that mean a blank cell, in any case of letters."""
    merge_repeats: bool = True
    """Whether rows that repeat another one are merged; otherwise they are refused, as rows that differ always are."""

    # --- ids ---
    case: str | None = None
    """The column of the case ids; "row_2" and so on if there is none."""
    patient: str | None = None
    patient_may_be_missing: bool = False
    """Whether cells of the column may be blank: such a case is a patient of its own."""
    patient_in_any_case: bool = False
    """Whether ids that differ in capital letters only are one patient."""
    no_patient_ids: PatientUnit | None = None
    """What counts as a patient where no column says it: it is the lesion, or the case if there is none."""
    lesion: Words = ()
    """The column of the lesion, or several that name it together; every case is its own lesion if there is none."""
    lesion_separator: str = "_"
    lesion_may_be_missing: bool = False
    """Whether the column, or cells of it, may be: such a case is a lesion of its own."""

    # --- photos ---
    photos: dict[str, Words] = {}
    """Columns of photos by the kind of photo."""
    photo_rows: PhotoRows | None = None
    rows_are_photos: bool = False
    """Whether the table has a row for each photo of a case, all of one kind; what else its rows say must agree."""
    photo_names: Literal["stem", "path", "any_case"] = "stem"
    """What the cells hold: a file name that is found at any depth and with any ending; a path as it is; or a path whose
    letters may be small or capital, whose ending may be another and whose folders may be gone."""
    photo_scores: Words = ()
    """Columns of numbers in which a model says what is seen in a photo: kept for the audit, a column a kind of photo
    where rows are photos; never inputs, and none has to be there."""
    image_root: str = "."
    image_suffix: str = ""
    image_separator: str | None = None

    # --- label ---
    target: str | None = None
    one_hot: bool = False
    """Whether each class has a column of 0 and 1, instead of the one column `target`."""
    labels: dict[str, str | None] = {}
    """Labels of the file that are not the name of their class: label → class, or null where the label is not known."""
    unlabelled: Literal["error", "keep", "drop"] = "keep"
    classes: tuple[str, ...] = ()
    """In the order of the logits, or mapped to their titles; the sorted labels of the file if none is named."""
    class_titles: dict[str, str] = {}
    titles_from_names: bool = False
    """Whether names of classes are words, of which titles are made."""
    class_information: dict[str, ClassInformation] = {}
    """What a class is and what usually happens next, for the clinician's page; a word is one of those that are shared,
    a key of `mmskin/data/class_information.yaml`."""
    class_groups: dict[str, Words] = {}
    class_groups_from: dict[str, Group] = {}

    # --- history and what else is recorded ---
    text: Words = ()
    fields: dict[str, FieldSpec] = {}
    observed: dict[str, FieldSpec] = {}
    """Columns read as fields are, but recorded by others than the patient: for reports, never inputs."""
    optional_block: Words = ()
    subgroups: Words = ()
    outcomes: dict[str, str] = {}
    red_flags: tuple[RedFlag, ...] = ()
    """What in a history is a reason to be seen soon: by field what it must hold, and the reason in words."""
    undeclared: Words = ()
    """Columns kept beside fields and outcomes, for the audit to name."""
    common: dict[str, CommonWords] = {}

    @model_validator(mode="before")
    @classmethod
    def _titled_classes(cls, entries: Any) -> Any:
        if isinstance(entries, Mapping) and isinstance(entries.get("classes"), Mapping):
            titles = entries["classes"]
            return {**entries, "classes": list(titles), "class_titles": dict(titles)}
        return entries

    @field_validator("class_information", mode="before")
    @classmethod
    def _shared_information(cls, entries: Any) -> Any:
        if not isinstance(entries, Mapping) or not any(isinstance(of, str) for of in entries.values()):
            return entries
        shared = YAML(typ="safe").load(files("mmskin.data").joinpath(_INFORMATION).read_text(encoding="utf-8"))
        for of in entries.values():
            if isinstance(of, str) and of not in shared:
                raise ValueError(one_of("information", of, shared))
        return {name: shared[of] if isinstance(of, str) else of for name, of in entries.items()}

    @field_validator("fields", "observed", mode="before")
    @classmethod
    def _named(cls, specs: Any) -> Any:
        if isinstance(specs, str | list | tuple):
            specs = dict.fromkeys([specs] if isinstance(specs, str) else specs)
        if not isinstance(specs, Mapping):
            return specs
        return {
            name: {"name": name} | dict(spec or {}) if isinstance(spec, Mapping | None) else spec
            for name, spec in specs.items()
        }

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        check_photo_kinds(self.photos or DEFAULT_PHOTOS)
        if not (self.patient or self.no_patient_ids):
            raise ValueError("patient names the column of the patient, or no_patient_ids says what counts as one")
        if self.one_hot == bool(self.target):
            raise ValueError("target names the column of the label, or one_hot says that each class has a column")
        named = {"class_titles": [*self.class_titles], "class_information": [*self.class_information]}
        for what, members in {**named, **self.class_groups}.items():
            for member in members if self.classes else ():
                if member not in self.classes:
                    where = what if what in named else f"class_groups.{what}"
                    raise ValueError(f"{where}: {one_of('class', member, self.classes)}")
        for name, spec in self.fields.items():
            if spec.source_column in self.outcomes:
                reason = self.outcomes[spec.source_column]
                raise ValueError(f"fields.{name} reads {spec.source_column!r}, which is under outcomes: {reason}")
            if spec.source_column in self.photo_scores:
                raise ValueError(f"fields.{name} reads {spec.source_column!r}, {A_MODELS_READING}")
            if spec.source_column == self.target:
                raise ValueError(f"fields.{name} reads {spec.source_column!r}, the target")
        return self

    @property
    def label_columns(self) -> list[str]:
        if self.one_hot:
            return [*self.classes, *(name for name in self.labels if name not in self.classes)]
        return [self.target] if self.target else []

    @property
    def photo_columns(self) -> list[str]:
        return list(dict.fromkeys(column for columns in self.photos.values() for column in columns))

    @property
    def kept(self) -> list[str]:
        """Columns that go into the table of cases as they are written."""
        read = {*self.fields, *self.observed}
        made = {"age_group"} if "age" in self.fields else set()
        return [
            name
            for name in dict.fromkeys([*self.outcomes, *self.subgroups, *self.undeclared])
            if name not in read | made
        ]

    @property
    def columns(self) -> list[str]:
        """All columns that must be there, whichever file they are in."""
        lesion = () if self.lesion_may_be_missing else self.lesion
        single = [column for column in (self.case, self.patient, *lesion) if column]
        specs = [spec.source_column for spec in (*self.fields.values(), *self.observed.values())]
        kind = [self.photo_rows.column] if self.photo_rows else []
        wanted = [*self.label_columns, *single, *self.photo_columns, *kind, *self.text, *specs, *self.kept]
        return list(dict.fromkeys(wanted))

    @property
    def options(self) -> dict[str, str]:
        """By column the option of one's own table that names it."""
        kinds = {
            c: "images" if kind in DEFAULT_PHOTOS else f"photos.{kind}" for kind, of in self.photos.items() for c in of
        }
        single = {"case": self.case, "patient": self.patient}
        return {
            **dict.fromkeys(self.outcomes, "outcomes"),
            **dict.fromkeys(self.subgroups, "subgroups"),
            **{spec.source_column: f"fields.{name}" for name, spec in self.fields.items()},
            **dict.fromkeys(self.text, "text"),
            **kinds,
            **({self.photo_rows.column: "one_row_per_photo"} if self.photo_rows else {}),
            **dict.fromkeys(self.lesion, "lesion"),
            **{column: option for option, column in single.items() if column},
            **dict.fromkeys(self.label_columns, "target"),
        }

    def changed(self, **entries: Any) -> Self:
        """The same declaration with other entries, checked anew."""
        return self.model_validate({**self.model_dump(exclude_unset=True), **entries})

    def make_schema(
        self, fields: Sequence[Field], *, classes: Sequence[str], groups: Mapping[str, Sequence[str]]
    ) -> Schema:
        """The schema, from what the table has told beside what is declared.

        Raises:
            ValidationError: entries that contradict each other.
        """
        titles = self.class_titles
        if self.titles_from_names:
            titles = {name: name.replace("-", " ").capitalize() for name in classes}
        return Schema(
            name=self.name,
            photos=tuple(self.photos) or DEFAULT_PHOTOS,
            classes=tuple(classes),
            class_titles=titles,
            class_information={name: of for name, of in self.class_information.items() if name in classes},
            class_groups={**self.class_groups, **{name: tuple(members) for name, members in groups.items()}},
            fields=tuple(fields),
            optional_block=self.optional_block,
            patient_unit=self.no_patient_ids or "patient",
            subgroups=self.subgroups,
            outcomes=self.outcomes,
            red_flags=self.red_flags,
            licence=self.licence,
            citation=self.citation,
            layout=self.layout,
        )

    @property
    def layout(self) -> TableLayout:
        """What a table of new cases has in common with this one."""
        return TableLayout(
            fields={name: spec.source_column for name, spec in self.fields.items()},
            photos=self.photos,
            text=self.text,
            case=self.case,
            patient=self.patient,
            rows_are_photos=self.rows_are_photos or self.photo_rows is not None,
            photo_rows=self.photo_rows,
            image_root=self.image_root,
            image_suffix=self.image_suffix,
            image_separator=self.image_separator,
            delimiter=self.delimiter,
            encoding=self.encoding,
        )

    @property
    def declared_schema(self) -> Schema:
        """That of a data set whose classes and fields are declared whole, without its table."""
        fields = [field for spec in self.fields.values() for field, _ in [spec.declare([])] if field]
        return self.make_schema(fields, classes=self.classes, groups={})


def parse_declaration(entries: Mapping[str, Any], *, where: str = "") -> Declaration:
    """A declaration from plain values.

    Raises:
        ConfigError: every fault with its dotted path, after the name of the file, if any.
    """
    try:
        return Declaration.model_validate(entries)
    except ValidationError as error:
        raise ConfigError((f"{where}: " if where else "") + "; ".join(fault_lines(error))) from None


def is_declared(source: str) -> bool:
    """Whether the package has a declaration of that data set."""
    return files(_SOURCES).joinpath(f"{source}.yaml").is_file()


def read_declaration(source: str, variant: str | None = None, *, option: str = "variant") -> Declaration:
    """The declaration of a published data set; relative to the package, so that it is read from a wheel as well.

    Args:
        source: its name.
        variant: which of the sets of entries under `variants` replaces the others.
        option: the source's name for the choice, in messages.

    Raises:
        ConfigError: no such variant, or a declaration that is wrong.
    """
    entries = YAML(typ="safe").load(files(_SOURCES).joinpath(f"{source}.yaml").read_text(encoding="utf-8"))
    variants = entries.pop(_VARIANTS, {})
    if variant is not None and variant not in variants:
        raise ConfigError(one_of(option, variant, variants))
    where = f"{_SOURCES.replace('.', '/')}/{source}.yaml"
    chosen = variants[variant or next(iter(variants))] if variants else {}
    return parse_declaration({"name": source, "declared_in": where, **entries, **chosen}, where=where)

"""What a data set declares about its cases: classes, fields of the history, groups, outcome columns.

A schema is plain data, saved as JSON beside every model. It says which values a field can take, in which words the
clinical note tells them, and which columns are outcomes and must never be inputs. No torch here.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, NamedTuple, Self

from pydantic import BaseModel, ConfigDict, StringConstraints, model_validator

from mmskin.errors import DataError, one_of
from mmskin.quantities import DAYS, RULES, Rule, read_quantity
from mmskin.red_flags import RedFlag
from mmskin.sentence import Named, Sentence, joined

UNKNOWN = "unknown"  # the patient was asked and does not know; None means that nothing was recorded
YES_NO = ("yes", "no", UNKNOWN)
DEFAULT_PHOTOS = ("image",)  # the one kind of photo, where a data set does not tell kinds apart
HISTORY_MODALITIES = ("text", "metadata")

YES_WORDS = ("yes", "y", "true", "1", "ja", "j", "oui", "si", "sí", "sim", "да", "是", "有")
NO_WORDS = ("no", "n", "false", "0", "nein", "nee", "non", "não", "nao", "нет", "否", "无")
UNKNOWN_WORDS = (
    UNKNOWN, "unk", "unbekannt", "weiß nicht", "inconnu", "desconocido", "desconhecido", "sconosciuto", "onbekend",
    "неизвестно", "不详", "未知",
)  # fmt: skip
"""In any case of letters; 1.0 and 0.0 are 1 and 0."""
_YES_NO_OF = {**dict.fromkeys(YES_WORDS, "yes"), **dict.fromkeys(NO_WORDS, "no")}

FieldKind = Literal["numeric", "duration", "categorical", "yes_no"]
FieldValue = float | str | None


def is_missing(value: object) -> bool:
    """Whether a value is one of the many nothings: None, blank text, NaN, pandas' NA and NaT."""
    if value is None or (isinstance(value, str) and not value.strip()):
        return True
    try:
        return bool(value != value)
    except TypeError:  # the truth of pandas.NA
        return True


def meaning_of(word: str, values: Mapping[str, str]) -> str:
    """What a word of a table means by these values, in any case of letters; any other word is itself.

    A code that became a number with a point on its way, such as 2.0 for 2, is still that code.
    """
    said = word.strip().lower()
    return next((meant for of, meant in values.items() if of.lower() in (said, said.removesuffix(".0"))), word)


@dataclass(frozen=True)
class History:
    """What the patient says: field values by name, and free text.

    A value is a float (numeric; duration in days), one of the field's choices (categorical), "yes", "no" or "unknown"
    (yes_no), or None: not recorded. A field that is not named is not recorded.
    """

    fields: Mapping[str, FieldValue] = field(default_factory=dict)
    text: str | None = None

    def recorded(self) -> dict[str, float | str]:
        """The fields that hold something."""
        return {name: value for name, value in self.fields.items() if value is not None}

    def is_empty(self) -> bool:
        return not self.recorded() and not self.text


class ReadValue(NamedTuple):
    """A value as the schema stores it, and what a person should know of how it was read, "" for nothing.

    rule: by which a number was read that was not written as a plain number, a key of `mmskin.quantities.RULES`.
    """

    value: FieldValue
    rule: Rule = ""
    remark: str = ""


class Field(BaseModel):
    """One declared field of the history.

    phrases: wordings for the note by value; the first of each is used at evaluation, any in training. Keys are "yes",
        "no" and "unknown" for yes_no fields, a choice (or "value" for any choice) for categorical ones, "value" for
        numbers. "{value}" stands for the value as people say it. What is not given is told as "Label: value."
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    kind: FieldKind
    label: str = ""
    """How forms and reports name the field; its name with spaces if empty."""
    unit: str = ""
    """Unit of a number, such as "years" or "mm". Of a duration, that of a bare number, days if empty; it is always
    stored in days."""
    choices: tuple[str, ...] = ()
    """Admissible values of a categorical field, without "unknown", which is always admissible."""
    low: float | None = None
    high: float | None = None
    """Admissible range of a number, both ends included; of a duration in days."""
    values: Mapping[str, str] = {}
    """What words of the table that was declared mean, in any case of letters: {ja: "yes", "-9": ""}; "" is not
    recorded. The words of the schema itself need no entry."""
    phrases: Mapping[str, tuple[str, ...]] = {}

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if (self.kind == "categorical") != bool(self.choices):
            raise ValueError(f"field {self.name!r}: choices belong to categorical fields, which need them")
        if UNKNOWN in self.choices:
            raise ValueError(f"field {self.name!r}: 'unknown' is always admissible and is not listed in choices")
        if self.kind == "duration" and self.unit and self.unit not in DAYS:
            raise ValueError(one_of(f"field {self.name!r}: unit", self.unit, DAYS))
        return self

    @property
    def title(self) -> str:
        return self.label or self.name.replace("_", " ").capitalize()

    @property
    def called(self) -> Named:
        """Its name, which a reader of the page knows by its title."""
        return Named(self.name, self.title)

    @property
    def is_number(self) -> bool:
        return self.kind in ("numeric", "duration")

    def parse(self, raw: object) -> FieldValue:
        """A value as a person or a table writes it, as the schema stores it; see `read`.

        Raises:
            DataError: the value is not admissible; names field, value and what was expected.
        """
        return self.read(raw).value

    def read(self, raw: object) -> ReadValue:
        """A value as a person or a table writes it, as the schema stores it, and what is to be said about it.

        Blank, None, NaN and pandas' NA and NaT are None, not recorded. Words of the declared table mean what they mean
        there (`values`); numbers may have a unit, and a bare one is in the declared unit.

        Raises:
            DataError: the value is not admissible; names field, value and what was expected.
        """
        if is_missing(raw):
            return ReadValue(None)
        text = meaning_of(str(raw), self.values).strip()
        if not text:
            return ReadValue(None)
        if text.lower() in UNKNOWN_WORDS and text.lower() not in {choice.lower() for choice in self.choices}:
            return ReadValue(None if self.is_number else UNKNOWN)
        if self.is_number:
            return self._read_number(text)
        lowered = text.lower().removesuffix(".0") if self.kind == "yes_no" else text.lower()
        known = _YES_NO_OF if self.kind == "yes_no" else {choice.lower(): choice for choice in self.choices}
        if lowered in known:
            return ReadValue(known[lowered])
        if self.kind == "yes_no":
            wording = "{field}={text!r} must be yes, no or unknown, or left out if not recorded"
            raise DataError(Sentence(wording, field=self.called, text=text))
        raise DataError(one_of(f"{self.name} value", text, (*self._words(), *self.choices, UNKNOWN)))

    def _words(self) -> list[str]:
        """Of the declared table, those that mean something."""
        return [word for word, meant in self.values.items() if meant]

    def _read_number(self, text: str) -> ReadValue:
        unit = self.unit or ("days" if self.kind == "duration" else "")
        try:
            read = read_quantity(text, unit)
        except ValueError as error:
            raise DataError(self._no_number(text, unit, error)) from None
        number = read.value * (DAYS[unit] if self.kind == "duration" else 1)
        self._check_range(number, text)
        if not read.rule and not (read.bare and self.kind == "duration"):
            return ReadValue(number)
        value = Sentence("{number} {unit}", number=f"{read.value:g}", unit=unit) if unit else f"{read.value:g}"
        said = Sentence("{field}={text} was read as {value}", field=self.called, text=text, value=value)
        by_rule = Sentence("{said} ({rule})", said=said, rule=RULES[read.rule]) if read.rule else said
        return ReadValue(number, read.rule, by_rule)

    def _no_number(self, text: str, unit: str, error: ValueError) -> Sentence:
        told = {"field": self.called, "text": text, "unit": unit, "why": error.args[0]}
        if self.kind == "duration":
            wording = "{field}={text!r} must be a number of {unit}, or one with its unit, such as 3 months: {why}"
            return Sentence(wording, **told)
        if unit:
            return Sentence("{field}={text!r} must be a number of {unit}: {why}", **told)
        del told["unit"]
        return Sentence("{field}={text!r} must be a number: {why}", **told)

    def within_range(self, number: float) -> float:
        """The number, as the schema stores it, if the field can take it.

        Raises:
            DataError: it lies outside the admissible range.
        """
        self._check_range(number, f"{number:g}")
        return number

    def _check_range(self, number: float, text: str) -> None:
        low, high = self.low, self.high
        if not ((low is not None and number < low) or (high is not None and number > high)):
            return
        unit = "days" if self.kind == "duration" else self.unit
        if high is None:
            bounds = Sentence("be {low} or more", low=low)
        elif low is None:
            bounds = Sentence("be {high} or less", high=high)
        else:
            bounds = Sentence("lie between {low} and {high}", low=low, high=high)
        told = Sentence("{field}={text!r} must {bounds}", field=self.called, text=text, bounds=bounds)
        raise DataError(Sentence("{told} {unit}", told=told, unit=unit) if unit else told)


def check_photo_kinds(kinds: Collection[str]) -> None:
    """Raises: ValueError if there is no kind, or one that cannot be the name of a modality."""
    if not kinds:
        raise ValueError(f"photos must name a kind or more; where there is one it is {DEFAULT_PHOTOS[0]!r}")
    for kind in kinds:
        if kind in HISTORY_MODALITIES:
            raise ValueError(f"photos: {kind!r} is a part of the history, no kind of photo; choose another name")
        if not kind.isidentifier():
            raise ValueError(f"photos: the kind {kind!r} must be of letters, digits and _, and begin with a letter")


PatientUnit = Literal["patient", "lesion", "photo", "case"]


def counted_patients(n: int, unit: PatientUnit) -> str:
    """How many there are, in words that do not take a lesion for a person.

    >>> counted_patients(896, "patient")
    '896 patients'
    >>> counted_patients(2623, "lesion")
    '2,623 lesions (patients are not known)'
    >>> counted_patients(30, "case")
    'unknown patients'
    """
    if unit == "case":
        return "unknown patients"
    return f"{n:,} {unit}s" + ("" if unit == "patient" else " (patients are not known)")


def common_unit(units: Collection[PatientUnit]) -> PatientUnit:
    """What ids of patients stand for in several data sets together: "case" where they differ."""
    return next(iter(units), "patient") if len(set(units)) < 2 else "case"


class PhotoRows(BaseModel):
    """Where a table has a row for each photo of a case: the column of the photo's kind, and the kinds in its words.

    A case has one photo of a kind at most, and its rows agree in every field.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", coerce_numbers_to_str=True)

    column: str
    kinds: dict[str, str]


class TableLayout(BaseModel):
    """Where in the declared table the parts of a case stand, so that a table of new cases is read alike.

    fields: column by field. photos: columns by kind. text: columns of free text. case: column of the ids.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    fields: Mapping[str, str] = {}
    photos: Mapping[str, tuple[str, ...]] = {}
    text: tuple[str, ...] = ()
    case: str | None = None
    patient: str | None = None
    """Column of the patients, who are counted where new cases are told from those of before; no label is needed."""
    rows_are_photos: bool = False
    """Whether the rows of a case id are its photos; the kind of each by `photo_rows`, where there are several kinds."""
    photo_rows: PhotoRows | None = None
    image_root: str = "."
    """Folder of the photos, relative to that of the table."""
    image_suffix: str = ""
    """Appended to every photo name."""
    image_separator: str | None = None
    """What stands between several photos in one cell."""
    delimiter: str | None = None
    """Between the columns; found from the header if None."""
    encoding: str | None = None


Told = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]


class ClassInformation(BaseModel):
    """What a person may read of a class, in plain words.

    text: what it is. next_steps: what usually happens next. source: where that stands: a page and its address.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    text: Told
    next_steps: Told
    source: Told


class Schema(BaseModel):
    """What a data set declares. Classes keep their order: it is the order of logits and of prob_ columns."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    photos: tuple[str, ...] = DEFAULT_PHOTOS
    """Kinds of photo, each a modality of its own, in the order in which a case has them."""
    classes: tuple[str, ...]
    class_titles: Mapping[str, str] = {}
    class_groups: Mapping[str, tuple[str, ...]] = {}
    """Named sets of classes, such as malignant."""
    class_information: Mapping[str, ClassInformation] = {}
    """What the clinician's page shows of a class, for those that have it."""
    fields: tuple[Field, ...] = ()
    optional_block: tuple[str, ...] = ()
    """Fields recorded or left out together; a case with all of them is *fully recorded*."""
    patient_unit: PatientUnit = "patient"
    """What a `patient_id` stands for; where nobody knows the patients, what counts as one."""
    population: str = ""
    """Whose patients these are, where tables of one name hold other people under the same ids, such as clinics that
    were drawn; the name of the data set if empty."""
    subgroups: tuple[str, ...] = ()
    """Table columns by which a report breaks its results down."""
    outcomes: Mapping[str, str] = {}
    """Columns that are known only after the diagnosis, each with the reason why it can't be an input."""
    red_flags: tuple[RedFlag, ...] = ()
    """What in a history is a reason to be seen soon."""
    licence: str = ""
    citation: str = ""
    layout: TableLayout = TableLayout()

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        names = [f.name for f in self.fields]
        for what, values in (("field", names), ("class", list(self.classes)), ("kind of photo", list(self.photos))):
            twice = sorted({value for value in values if values.count(value) > 1})
            if twice:
                raise ValueError(f"{what} {twice[0]!r} is declared twice")
        if len(self.classes) < 2:
            raise ValueError(f"a schema needs two classes or more, however: classes={list(self.classes)}")
        for name in self.class_information:
            if name not in self.classes:
                raise ValueError(f"class_information: {one_of('class', name, self.classes)}")
        check_photo_kinds(self.photos)
        both = sorted(set(names) & set(self.outcomes))
        if both:
            raise ValueError(f"{both[0]!r} is declared as a field and as an outcome")
        stray = sorted(set(self.optional_block) - set(names))
        if stray:
            raise ValueError(f"optional_block names {stray[0]!r}, which is no field")
        for flag in self.red_flags:
            self._check_red_flag(flag)
        return self

    def _check_red_flag(self, flag: RedFlag) -> None:
        for name, condition in flag.when.items():
            declared = next((field for field in self.fields if field.name == name), None)
            if declared is None:
                raise ValueError(f"red_flags: {one_of('field', name, self.field_names)}")
            if declared.is_number != (condition.equals is None):
                asked = "a bound, such as {at_least: 50}" if declared.is_number else "a word, such as yes"
                raise ValueError(f"red_flags: {name} is {declared.kind} and needs {asked}")
            if condition.equals is not None and condition.equals not in (declared.choices or YES_NO):
                raise ValueError(f"red_flags: {one_of(f'{name} value', condition.equals, declared.choices or YES_NO)}")

    def raised_flags(self, history: History) -> tuple[str, ...]:
        """The reasons of the red flags that a history raises."""
        return tuple(flag.reason for flag in self.red_flags if flag.is_raised(history.fields))

    @property
    def field_names(self) -> tuple[str, ...]:
        return tuple(f.name for f in self.fields)

    def field(self, name: str) -> Field:
        """The field of that name.

        Raises:
            DataError: no such field; an outcome column is refused with its reason.
        """
        for candidate in self.fields:
            if candidate.name == name:
                return candidate
        if name in self.outcomes:
            reason = self.outcomes[name]
            raise DataError(f"{name!r} is an outcome column of {self.name} and cannot be an input: {reason}")
        raise DataError(one_of(f"{self.name} field", name, self.field_names))

    def with_fields(self, names: Collection[str]) -> Schema:
        """The same declaration with these fields only, in declared order.

        Raises:
            DataError: a name is no field, or is an outcome column.
        """
        for name in names:
            self.field(name)
        return self.model_copy(
            update={
                "fields": tuple(f for f in self.fields if f.name in names),
                "optional_block": tuple(name for name in self.optional_block if name in names),
                "red_flags": tuple(flag for flag in self.red_flags if set(flag.when) <= set(names)),
            }
        )

    def parse_history(self, fields: Mapping[str, object], text: str | None = None) -> History:
        """A history from what a person or a table gives; see `read_history`."""
        return self.read_history(fields, text)[0]

    def read_history(self, fields: Mapping[str, object], text: str | None = None) -> tuple[History, list[str]]:
        """A history from what a person or a table gives, and what is to be said of how it was read.

        Raises:
            DataError: unknown fields, outcome columns, inadmissible values; all faults at once.
        """
        values: dict[str, FieldValue] = {}
        faults: list[str] = []
        remarks: list[str] = []
        for name, raw in fields.items():
            try:
                read = self.field(name).read(raw)
            except DataError as error:
                faults.append(error.args[0])
                continue
            values[name] = read.value
            remarks += [read.remark] if read.remark else []
        if faults:
            raise DataError(joined(faults))
        return History(fields=values, text=(text or "").strip() or None), remarks

    def to_json(self) -> dict[str, Any]:
        """Plain values for json.dump; read back with `Schema.model_validate`."""
        return self.model_dump(mode="json")

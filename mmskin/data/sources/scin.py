"""SCIN: photos that people took of their own skin conditions, with what they said about them."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Literal, NamedTuple, TypeVar, get_args

import pandas as pd

from mmskin.data.delimited import read_delimited, require_columns
from mmskin.data.table import Cases, check_table
from mmskin.errors import ConfigError, DataError, first_of, one_of
from mmskin.schema import UNKNOWN, Field, FieldValue, Schema

OTHER = "Other"  # the class of rare diagnoses
Rare = Literal["group", "drop"]
Ties = Literal["first", "drop"]

T = TypeVar("T")

_CASES, _LABELS = "scin_cases.csv", "scin_labels.csv"
_WHERE = "SCIN is at doi:10.5281/zenodo.10819503 and github.com/google-research-datasets/scin"
_IMAGES = ("image_1_path", "image_2_path", "image_3_path")
_DIFFERENTIAL = "weighted_skin_condition_label"


class _Choice(NamedTuple):
    """A question with one answer. Cells outside `said` are an error, blanks are not recorded."""

    column: str
    said: Mapping[str, FieldValue]
    field: Field


class _Boxes(NamedTuple):
    """A question with check boxes, YES or blank in the file. `none` is its box "None of the above", if it has one."""

    prefix: str
    none: str | None
    fields: tuple[Field, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """Every box of the question."""
        return (*(field.name for field in self.fields), *((self.none,) if self.none else ()))


def _choice(column: str, name: str, said: Mapping[str, FieldValue], **field: object) -> _Choice:
    choices = tuple(value for value in said.values() if isinstance(value, str) and value != UNKNOWN)
    declared = {"name": name, "kind": "categorical", "choices": choices, **field}
    return _Choice(column, said, Field.model_validate(declared))


def _boxes(prefix: str, boxes: Mapping[str, tuple[str, tuple[str, ...], tuple[str, ...]]], none: str = "") -> _Boxes:
    """From box → (label, wordings of yes, wordings of no)."""
    fields = tuple(
        Field(name=f"{prefix}_{box}", kind="yes_no", label=label, phrases={"yes": yes, "no": no})
        for box, (label, yes, no) in boxes.items()
    )
    return _Boxes(prefix, f"{prefix}_{none}" if none else None, fields)


def _on(place: str) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
    """Label and wordings of a part of the body."""
    label = place.removeprefix("the ")
    return label[0].upper() + label[1:], (f"On {place}.", f"It is on {place}."), (f"Not on {place}.",)


def _symptom(name: str, *more: str) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
    """Label and wordings of a symptom."""
    return name, (f"{name}.", *more, f"Reports {name.lower()}."), (f"No {name.lower()}.", f"Denies {name.lower()}.")


_CHOICES = (
    _choice(
        "age_group",
        "age_group",
        {
            # Age was optional; nobody says not to know it.
            "AGE_UNKNOWN": None,
            "AGE_18_TO_29": "18 to 29",
            **{f"AGE_{low}_TO_{low + 9}": f"{low} to {low + 9}" for low in (30, 40, 50, 60, 70)},
            "AGE_80_OR_ABOVE": "80 or above",
        },
        phrases={"value": ("{value} years old.", "Aged {value}.", "Age {value} years.")},
    ),
    _choice(
        "sex_at_birth",
        "sex",
        # OTHER_OR_UNSPECIFIED merges "intersex / non-binary", "prefer not to say" and no answer.
        {"FEMALE": "female", "MALE": "male", "OTHER_OR_UNSPECIFIED": None},
        label="Sex at birth",
        phrases={"female": ("Woman.", "Female.", "Female patient."), "male": ("Man.", "Male.", "Male patient.")},
    ),
    _choice(
        "fitzpatrick_skin_type",
        "fitzpatrick",
        # NONE_IDENTIFIED is the answer "None of the above" to how one's skin reacts to the sun.
        {**{f"FST{i}": str(i) for i in range(1, 7)}, "NONE_IDENTIFIED": UNKNOWN},
        label="Fitzpatrick skin type, self-reported",
        phrases={
            "1": ("Skin always burns, never tans.", "Skin type 1."),
            "2": ("Skin usually burns, tans lightly.", "Skin type 2."),
            "3": ("Skin sometimes burns, tans evenly.", "Skin type 3."),
            "4": ("Skin rarely burns, tans well.", "Skin type 4."),
            "5": ("Skin very rarely burns, tans easily.", "Skin type 5."),
            "6": ("Skin never burns, always tans.", "Skin type 6."),
            UNKNOWN: ("Skin type unknown.", "Cannot say how the skin reacts to sun."),
        },
    ),
    _choice(
        "related_category",
        "related_category",
        {
            "RASH": "rash",
            "ACNE": "acne",
            "GROWTH_OR_MOLE": "growth or mole",
            "HAIR_LOSS": "hair loss",
            "OTHER_HAIR_PROBLEM": "other hair problem",
            "NAIL_PROBLEM": "nail problem",
            "PIGMENTARY_PROBLEM": "pigment problem",
            "LOOKS_HEALTHY": "looks healthy",
            "OTHER_ISSUE_DESCRIPTION": "none of these",  # the answer "None of the above"
        },
        label="Kind of issue, in the person's view",
        phrases={
            "value": ("Calls it: {value}.", "Described as {value}."),
            "looks healthy": ("Thinks that it looks healthy.",),
            "none of these": ("Neither a rash nor acne, a growth, hair, nail or pigment problem.",),
        },
    ),
    _choice(
        "condition_duration",
        "duration",
        {
            "ONE_DAY": "one day",
            "LESS_THAN_ONE_WEEK": "less than one week",
            "ONE_TO_FOUR_WEEKS": "one to four weeks",
            "ONE_TO_THREE_MONTHS": "one to three months",
            "THREE_TO_TWELVE_MONTHS": "three to twelve months",
            "MORE_THAN_ONE_YEAR": "more than one year",
            "MORE_THAN_FIVE_YEARS": "more than five years",
            "SINCE_CHILDHOOD": "since childhood",
            "UNKNOWN": UNKNOWN,  # the answer "None of the above"
        },
        label="Duration",
        phrases={
            "value": ("For {value}.", "Has had it for {value}."),
            "since childhood": ("Since childhood.", "Has had it since childhood."),
            UNKNOWN: ("Does not know for how long.",),
        },
    ),
)

_BOXES = (
    _boxes(
        "textures",
        {
            "raised_or_bumpy": ("Raised or bumpy", ("Feels raised or bumpy.", "Bumpy."), ("Not raised.",)),
            "flat": ("Flat", ("Feels flat.", "Flat."), ("Not flat.",)),
            "rough_or_flaky": ("Rough or flaky", ("Feels rough or flaky.", "Flaky."), ("Not rough or flaky.",)),
            "fluid_filled": ("Filled with fluid", ("Filled with fluid.",), ("Not filled with fluid.",)),
        },
    ),
    _boxes(
        "body_parts",
        {
            "head_or_neck": _on("the head or neck"),
            "arm": _on("the arm"),
            "palm": _on("the palm of the hand"),
            "back_of_hand": _on("the back of the hand"),
            "torso_front": _on("the front of the torso"),
            "torso_back": _on("the back"),
            "genitalia_or_groin": _on("the genitalia or groin"),
            "buttocks": _on("the buttocks"),
            "leg": _on("the leg"),
            "foot_top_or_side": _on("the top or side of the foot"),
            "foot_sole": _on("the sole of the foot"),
            "other": _on("another part of the body"),
        },
    ),
    _boxes(
        "condition_symptoms",
        {
            "bothersome_appearance": (
                "Concerning in appearance",
                ("Concerned by its appearance.", "Its look is bothersome."),
                ("Not concerned by its appearance.",),
            ),
            "bleeding": _symptom("Bleeding", "It bleeds."),
            "increasing_size": ("Increasing in size", ("Growing.", "It has grown."), ("Not growing.",)),
            "darkening": _symptom("Darkening", "It gets darker."),
            "itching": _symptom("Itching", "It itches."),
            "burning": _symptom("Burning", "It burns."),
            "pain": _symptom("Pain", "It hurts."),
        },
        none="no_relevant_experience",
    ),
    _boxes(
        "other_symptoms",
        {
            "fever": _symptom("Fever"),
            "chills": _symptom("Chills"),
            "fatigue": _symptom("Fatigue"),
            "joint_pain": _symptom("Joint pain"),
            "mouth_sores": _symptom("Mouth sores"),
            "shortness_of_breath": _symptom("Shortness of breath"),
        },
        none="no_relevant_symptoms",
    ),
)

FIELDS = (*(choice.field for choice in _CHOICES), *(field for boxes in _BOXES for field in boxes.fields))

OUTCOMES = {
    **{
        f"dermatologist_gradable_for_skin_condition_{i}": "a dermatologist's verdict on whether a diagnosis is possible"
        for i in (1, 2, 3)
    },
    "dermatologist_skin_condition_on_label_name": "the dermatologists' diagnoses",
    "dermatologist_skin_condition_confidence": "how sure the dermatologists were of their diagnoses",
    _DIFFERENTIAL: "the target is taken from it",
    **{f"dermatologist_gradable_for_fitzpatrick_skin_type_{i}": "judged by the graders' eye" for i in (1, 2, 3)},
    **{f"dermatologist_fitzpatrick_skin_type_label_{i}": "judged by the graders' eye" for i in (1, 2, 3)},
    **{f"gradable_for_monk_skin_tone_{where}": "judged by the graders' eye" for where in ("india", "us")},
    **{f"monk_skin_tone_label_{where}": "judged by the graders' eye" for where in ("india", "us")},
}


class Scin:
    """Photos of skin conditions sent in by their bearers with a questionnaire: 5,033 cases, 3,061 of them labelled.

    *How taken.* Volunteers in the United States, found by search adverts in 2023, sent one to three photos of their
    own skin and answered what they liked of a questionnaire. Up to three dermatologists per case gave a weighted
    differential diagnosis from photos and answers; nothing is confirmed by biopsy. Skin tone was estimated by
    dermatologists (Fitzpatrick) and lay graders (Monk).

    *Classes.* The diagnosis of most weight (211 names, 370 in all differentials). 925 labelled cases have a tie: `ties`
    says what then. Names of fewer than `min_cases` cases become "Other" (`rare`). By default: Eczema 488, Allergic
    Contact Dermatitis 270, Urticaria 214, Insect Bite 185, Folliculitis 142, Psoriasis 109, Tinea 93, Impetigo 69,
    Herpes Zoster 68, Pigmented purpuric eruption 62, Acne 61, Other 1,300. Cases without label are left out.

    *Known biases.*
    - Rashes, allergies and infections of recent days, not tumours: hardly a cancer among them.
    - **Check boxes are YES or blank.** Blank is "no" only if the person ticked "None of the above" under that question,
      and not recorded otherwise, where "no" and "skipped" cannot be told apart. So "no" for one symptom comes with "no"
      for all of its question. `unticked_is_no` reads more into it.
    - About half gave neither age nor sex nor skin type; the release merges refusals with blanks.
    - "Other" holds some 200 conditions: no disease, and the largest class.

    *Ids.* No patient is named. Cases that share a photo are one patient here; a person who came back with other photos
    cannot be known. *Split.* None is official.

    *Licence* SCIN Data Use License: share and adapt with attribution, no re-identification. *Citation* Ward et al.
    2024, arXiv:2402.18545. *To obtain*: doi:10.5281/zenodo.10819503; `scin_cases.csv` and `scin_labels.csv` in one
    folder, photos under its `dataset/images`. The tables can be read without photos.

    Args:
        min_cases: a diagnosis needs as many labelled cases to be a class of its own. Counted over the whole data set:
            the classes are a declaration, the same for every split. 60 is a choice: 12 classes, some 12 test cases each
            in five folds.
        rare: "group" rare diagnoses into the class "Other", or "drop" their cases.
        ties: take the diagnosis written "first" among those of most weight, or "drop" such cases.
        unticked_is_no: read a blank box as "no" wherever another box of the same question is ticked.
    """

    def __init__(
        self, *, min_cases: int = 60, rare: Rare = "group", ties: Ties = "first", unticked_is_no: bool = False
    ) -> None:
        if min_cases < 1:
            raise ConfigError(f"min_cases must be 1 or more, however: min_cases={min_cases}")
        for what, value, choices in (("rare", rare, get_args(Rare)), ("ties", ties, get_args(Ties))):
            if value not in choices:
                raise ConfigError(one_of(what, value, choices))
        self.min_cases = min_cases
        self.rare = rare
        self.ties = ties
        self.unticked_is_no = unticked_is_no

    def load(self, root: str | Path) -> Cases:
        """Read both tables under a folder, join them by case, and look for the photos.

        Raises:
            DataError: files or columns missing, cases in one table only or twice, cells outside their vocabulary,
                differentials that are none. With too high a `min_cases`, fewer than two classes.
        """
        folder = Path(root)
        rows, remarks = _read(folder)
        differentials = _parse_column(rows, _DIFFERENTIAL, _parse_differential)
        histories = self._histories(rows)
        targets = [self._top(differential) for differential in differentials]
        classes, targets, label_remarks = self._classes(differentials, targets)
        images, image_remarks = _images(rows, folder)
        groups = _groups(rows)
        table = pd.DataFrame(
            {
                "case_id": rows.case_id,
                "patient_id": groups,
                "lesion_id": groups,
                "images": images,
                "target": targets,
                "text": None,
                **histories,
                **{column: [cell or None for cell in rows[column]] for column in OUTCOMES},
            },
            dtype=object,
        )
        table = table[table.target.notna()].reset_index(drop=True)
        remarks += [*label_remarks, *_group_remarks(table), *image_remarks]
        return check_table(Cases(schema=_schema(classes), table=table, remarks=tuple(remarks)))

    def _histories(self, rows: pd.DataFrame) -> dict[str, list[FieldValue]]:
        """The fields by name, one value per row."""
        columns: dict[str, list[FieldValue]] = {}
        for choice in _CHOICES:
            columns[choice.field.name] = _parse_column(rows, choice.column, _from_vocabulary(choice.said))
        for boxes in _BOXES:
            ticked = {c: _parse_column(rows, c, _from_vocabulary({"YES": True})) for c in boxes.columns}
            says_no: list[bool | None] = ticked[boxes.none] if boxes.none else [None] * len(rows)
            if self.unticked_is_no:
                says_no = [any(answers) for answers in zip(*ticked.values(), strict=True)]
            for field in boxes.fields:
                columns[field.name] = [
                    "yes" if tick else "no" if no else None
                    for tick, no in zip(ticked[field.name], says_no, strict=True)
                ]
        return columns

    def _top(self, differential: Mapping[str, float]) -> str | None:
        """The diagnosis of most weight; None without label, or with a tie that is to be dropped."""
        if not differential:
            return None
        most = max(differential.values())
        tied = [name for name, weight in differential.items() if weight == most]
        return None if len(tied) > 1 and self.ties == "drop" else tied[0]

    def _classes(
        self, differentials: Sequence[Mapping[str, float]], targets: list[str | None]
    ) -> tuple[tuple[str, ...], list[str | None], list[str]]:
        """Classes by falling count with "Other" last, the targets among them, remarks."""
        counts = Counter(target for target in targets if target is not None)
        frequent = sorted((n for n, k in counts.items() if k >= self.min_cases), key=lambda n: (-counts[n], n))
        rare = {name: count for name, count in counts.items() if name not in frequent}
        grouped = bool(rare) and self.rare == "group"
        classes = (*frequent, OTHER) if grouped else tuple(frequent)
        if len(frequent) < 2:
            raise DataError(
                f"min_cases={self.min_cases} leaves {len(frequent)} classes; counts: {counts.most_common(5)}"
            )
        if OTHER in counts:
            raise DataError(f"a diagnosis is called {OTHER!r}, which is the name for rare ones here")
        unlabelled = sum(not differential for differential in differentials)
        tied = sum(target is None for target in targets) - unlabelled
        remarks = [f"{unlabelled} cases without label left out"] if unlabelled else []
        if tied:
            remarks.append(f"{tied} cases with a tie for the first diagnosis left out (ties: drop)")
        if rare:
            fate = f"are the class {OTHER!r}" if grouped else "left out"
            remarks.append(f"{sum(rare.values())} cases of {len(rare)} diagnoses with < {self.min_cases} cases {fate}")
        renamed = [OTHER if grouped and t in rare else t if t in frequent else None for t in targets]
        return classes, renamed, remarks


def _schema(classes: tuple[str, ...]) -> Schema:
    return Schema(
        name="scin",
        classes=classes,
        fields=FIELDS,
        subgroups=("fitzpatrick", "age_group", "sex"),
        outcomes=OUTCOMES,
        licence="SCIN Data Use License",
        citation=(
            "Ward A. et al. (2024), Crowdsourcing Dermatology Images with Google Search Ads: Creating a Real-World "
            "Skin Condition Dataset, arXiv:2402.18545; data: doi:10.5281/zenodo.10819503"
        ),
    )


def _read(folder: Path) -> tuple[pd.DataFrame, list[str]]:
    """Cases joined with their labels; the index is the row of the cases table."""
    tables = {}
    remarks: list[str] = []
    boxes = [column for question in _BOXES for column in question.columns]
    for name, needed in (
        (_CASES, ["case_id", *_IMAGES, *(choice.column for choice in _CHOICES), *boxes]),
        (_LABELS, ["case_id", *OUTCOMES]),
    ):
        path = folder / name
        if not path.is_file():
            raise DataError(f"{path} does not exist; {_WHERE}")
        raw = read_delimited(path)
        require_columns(raw.rows, needed, path=path)
        rows = raw.rows[needed].apply(lambda column: column.str.strip())
        doubled = rows.case_id[rows.case_id.duplicated()]
        if len(doubled):
            raise DataError(f"{path}: {len(doubled)} case_id stand twice: {first_of(list(doubled))}")
        tables[name] = rows
        remarks += raw.remarks
    cases, labels = tables[_CASES], tables[_LABELS]
    alone = sorted(set(cases.case_id) ^ set(labels.case_id))
    if alone:
        raise DataError(f"{folder}: {len(alone)} case_id are in {_CASES} or {_LABELS} only: {first_of(alone)}")
    return cases.join(labels.set_index("case_id"), on="case_id"), remarks


def _from_vocabulary(said: Mapping[str, T]) -> Callable[[str], T | None]:
    """A reader of cells that must be blank or in the vocabulary."""

    def read(cell: str) -> T | None:
        if cell and cell not in said:
            raise ValueError(one_of("value", cell, said))
        return said.get(cell)

    return read


def _parse_differential(cell: str) -> dict[str, float]:
    """From Python's way of writing a dict, which is not JSON, without running anything."""
    value = ast.literal_eval(cell)
    if not isinstance(value, dict) or not all(isinstance(k, str) and isinstance(w, float) for k, w in value.items()):
        raise ValueError("must be a dict of diagnosis → weight")
    return value


def _parse_column(rows: pd.DataFrame, column: str, parse: Callable[[str], T]) -> list[T]:
    """Every cell of a column, all faults at once with their rows."""
    values, faults = [], []
    for row, cell in rows[column].items():
        try:
            values.append(parse(cell))
        except (ValueError, SyntaxError) as error:
            faults.append(f"row {row} {cell[:60]!r}: {error}")
    if faults:
        raise DataError(f"column {column!r}: {len(faults)} cells cannot be read: {first_of(faults)}")
    return values


def _images(rows: pd.DataFrame, folder: Path) -> tuple[list[tuple[str, ...]], list[str]]:
    """Photos by case. Only their names are taken from the table: nothing outside the folder is ever named."""
    photos = (folder / "dataset" / "images").absolute()
    named = [[Path(path).name for path in paths if path] for paths in rows[list(_IMAGES)].itertuples(index=False)]
    if not photos.is_dir():
        return [()] * len(rows), [f"no photos: {photos} is not there"]
    there = {path.name for path in photos.iterdir() if path.is_file()}
    absent = sorted({name for names in named for name in names} - there)
    remarks = [f"{len(absent)} photos not found under dataset/images: {first_of(absent, 5)}"] if absent else []
    return [tuple(str(photos / name) for name in names if name in there) for names in named], remarks


def _groups(rows: pd.DataFrame) -> list[str]:
    """For each case the one that stands for its group: the cases linked, directly or through others, by a photo."""
    leader: dict[str, str] = {}

    def find(key: str) -> str:
        while leader.setdefault(key, key) != key:
            key = leader[key]
        return key

    for case, *paths in rows[["case_id", *_IMAGES]].itertuples(index=False):
        for path in filter(None, paths):
            leader[find(case)] = find(leader.setdefault(path, case))
    return [find(case) for case in rows.case_id]


def _group_remarks(table: pd.DataFrame) -> list[str]:
    shared = table[table.patient_id.duplicated(keep=False)].groupby("patient_id").target
    remarks = ["no patient ids: cases that share a photo count as one patient, every other case as its own"]
    if shared.ngroups:
        differing = [str(patient) for patient, targets in shared if targets.nunique() > 1]
        named = f", {len(differing)} with different labels: {first_of(differing)}" if differing else ""
        remarks.append(f"{shared.ngroups} groups of cases with the same photo, kept{named}")
    return remarks

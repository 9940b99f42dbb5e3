"""Derm7pt: a clinical close-up and a dermoscopic photo of atlas cases, with sex, site and elevation."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path, PurePath, PurePosixPath
from typing import Literal, get_args

import pandas as pd

from mmskin.data.delimited import read_delimited, require_columns
from mmskin.data.photo_files import find_photos
from mmskin.data.photo_pairs import CLINICAL, DERMOSCOPIC, Photos, join_pairs, wanted_kinds
from mmskin.data.photo_paths import MissingPhoto, PhotoFolder
from mmskin.data.rows import Column, field_column, id_column, kept_column, label_column, parse_columns
from mmskin.data.table import Cases, check_table, make_table
from mmskin.data.vocabulary import SEX
from mmskin.errors import ConfigError, DataError, first_of, one_of
from mmskin.schema import Field, Schema

Classes = Literal["five", "all"]

FIVE: Mapping[str, tuple[str, ...]] = {
    "BCC": ("basal cell carcinoma",),
    "MEL": (
        "melanoma",
        "melanoma (in situ)",
        "melanoma (less than 0.76 mm)",
        "melanoma (0.76 to 1.5 mm)",
        "melanoma (more than 1.5 mm)",
        "melanoma metastasis",
    ),
    "MISC": ("dermatofibroma", "lentigo", "melanosis", "miscellaneous", "vascular lesion"),
    "NEV": (
        "blue nevus",
        "clark nevus",
        "combined nevus",
        "congenital nevus",
        "dermal nevus",
        "recurrent nevus",
        "reed or spitz nevus",
    ),
    "SK": ("seborrheic keratosis",),
}
"""The diagnoses of each of the five published classes."""
_TITLES = {
    "BCC": "Basal cell carcinoma",
    "MEL": "Melanoma",
    "MISC": "Dermatofibroma, lentigo, melanosis, vascular or other lesion",
    "NEV": "Nevus",
    "SK": "Seborrheic keratosis",
}

FIELDS = (
    SEX,
    Field(
        name="site",
        kind="categorical",
        label="Body site",
        choices=(
            *("abdomen", "acral", "back", "buttocks", "chest"),
            *("genital areas", "head neck", "lower limbs", "upper limbs"),
        ),
        phrases={
            "value": ("On the {value}.", "Lesion on the {value}.", "Site: {value}."),
            "acral": ("On palm or sole.", "Acral lesion.", "Site: acral."),
            "genital areas": ("On the genitals.", "Genital lesion.", "Site: genitals."),
            "head neck": ("On head or neck.", "Lesion of head or neck.", "Site: head or neck."),
            "unknown": ("Body site unknown.", "Site not known."),
        },
    ),
    Field(
        name="elevation",
        kind="categorical",
        label="Elevation",
        choices=("flat", "palpable", "nodular"),
        phrases={
            "flat": ("It is flat.", "Flat lesion.", "Not raised."),
            "palpable": ("It can be felt.", "Palpable lesion.", "Slightly raised, palpable."),
            "nodular": ("It is a nodule.", "Nodular lesion.", "Raised, nodular."),
            "unknown": ("Elevation unknown.", "Unknown whether it is raised."),
        },
    ),
)

_READ_BY_EXPERT = (
    "an expert's reading of the dermoscopic photo, not the patient's history; maybe with the diagnosis known"
)
OUTCOMES = {
    "management": "what was done next follows from the suspected diagnosis",
    "level_of_diagnostic_difficulty": "a rater's verdict on the case, given with the diagnosis known",
    "seven_point_score": _READ_BY_EXPERT,
    "pigment_network": _READ_BY_EXPERT,
    "streaks": _READ_BY_EXPERT,
    "pigmentation": _READ_BY_EXPERT,
    "regression_structures": _READ_BY_EXPERT,
    "dots_and_globules": _READ_BY_EXPERT,
    "blue_whitish_veil": _READ_BY_EXPERT,
    "vascular_structures": _READ_BY_EXPERT,
}

_RENAMED = {"site": "location"}
_PHOTOS = {CLINICAL: "clinic", DERMOSCOPIC: "derm"}
_PARTS = {"train": "train_indexes.csv", "val": "valid_indexes.csv", "test": "test_indexes.csv"}
_OBTAIN = (
    "download Derm7pt (release_v0.zip) from derm.cs.sfu.ca and name the folder that holds release_v0 or is it, "
    "with meta/meta.csv and images inside"
)


class Derm7pt:
    """Pairs of clinical close-up and dermoscopic photo with sex, site and elevation: 1,011 cases, five classes.

    *How taken.* From an interactive atlas of dermoscopy (Argenziano et al.); prepared with a seven-point checklist for
    every case by Kawahara et al. A case here is a lesion with its two photos. By default it has both, the close-up
    first: the pair is what the set is known for, and leaving one out is an experiment, to be named (`photos`).

    *Classes (cases).* By default the five of Kawahara et al., as in their code: NEV 575 (blue, clark, combined,
    congenital, dermal, recurrent, reed or spitz nevus), MEL 252 (melanoma, in situ, three bands of thickness,
    metastasis), MISC 97 (dermatofibroma, lentigo, melanosis, miscellaneous, vascular lesion), SK 45, BCC 42. With
    `classes: all` the 20 diagnoses as written: clark nevus 399, melanoma (less than 0.76 mm) 102, reed or spitz nevus
    79, melanoma (in situ) 64, melanoma (0.76 to 1.5 mm) 53, seborrheic keratosis 45, basal cell carcinoma 42, dermal
    nevus 33, vascular lesion 29, blue nevus 28, melanoma (more than 1.5 mm) 28, lentigo 24, dermatofibroma 20,
    congenital nevus 17, melanosis 16, combined nevus 13, miscellaneous 8, recurrent nevus 6, melanoma metastasis 4,
    melanoma 1: too few of many for a split in three, and the bands of melanoma are measured in tissue.

    *Known biases.*
    - **No patient ids, no ages.** Every case counts as a patient.
    - **Teaching cases**: chosen for an atlas, a quarter of them melanomas; frequencies are not those of a clinic.
    - **The seven points are no history.** Pigment network, streaks and so on, and their score, are an expert's reading
      of the dermoscopic photo; as fields they would let the history arm look at the photo through an expert's eyes, and
      nobody says that the expert did not know the diagnosis. They are declared as outcomes, kept in the table and
      refused as inputs. So are `management` and `level_of_diagnostic_difficulty`.
    - `notes` are a physician's text, not the patient's, and may name the diagnosis: they are not read.
    - `elevation` is what an examiner feels: a field, for it needs no dermatoscope and is known before the diagnosis.

    *Ids.* `case_num`; where there is no such column (in Derm7pt+), the number of the row, counted from 1, which is the
    same. The table has no blanks.
    *Split.* Official: 413 train, 203 validation, 395 test, in the index files beside `meta.csv`, which count its rows
    from 0; column `official_split`, used by `data.folds: official`. The filtered index files of Derm7pt+ are not read.

    *Licence* CC BY-NC-ND 4.0, as those who have it quote its readme: its photos, and heat maps over them, may not be
    passed on. *Citation* Kawahara et al. 2019, IEEE Journal of Biomedical and Health Informatics 23:538-546.
    *To obtain* it, ask for `release_v0.zip` at derm.cs.sfu.ca and unpack it. Photos are found by the path that the
    table gives, in any case of letters; in other copies as .png, or flat in `images` without their folders.

    Args:
        photos: "both" of a case, or the "clinical" or the "dermoscopic" one alone.
        classes: the "five" published classes, or "all" 20 diagnoses.
    """

    def __init__(self, *, photos: Photos = "both", classes: Classes = "five") -> None:
        self.kinds = wanted_kinds(photos)
        if classes not in get_args(Classes):
            raise ConfigError(one_of("classes", classes, get_args(Classes)))
        self.schema = _schema(classes)
        names = {name: group for group, members in FIVE.items() for name in members}
        self.said = names if classes == "five" else {name: name for name in names}

    def load(self, root: str | Path) -> Cases:
        """Read `meta/meta.csv` and the index files of the release, and look for the photos.

        Raises:
            DataError: files or columns missing, values not admissible, a case_num twice, a photo's path that leads out
                of `images`, two files for one photo; index files that don't fit the table.
        """
        release = _release(Path(root).resolve())
        path = release / "meta" / "meta.csv"
        folder = PhotoFolder(release / "images")
        columns = {
            "target": label_column("diagnosis", (), said=self.said),
            **{field.name: field_column(field, name=_RENAMED.get(field.name, "")) for field in FIELDS},
            **{name: kept_column(name) for name in OUTCOMES},
            **{kind: _photo_column(name, folder) for kind, name in _PHOTOS.items()},
        }
        rows, remarks = _read(path, [column.name for column in columns.values()])
        values = parse_columns(rows, columns, path=path)
        cases = _case_ids(rows, path=path)
        found = _by_place(folder.root)
        pairs = _pairs(cases, {kind: values.pop(kind) for kind in _PHOTOS}, found)
        images, photo_remarks = join_pairs(pairs, self.kinds, found, where=str(folder.root))
        parts, split_remarks = _official_split(rows, path.parent)
        values |= dict.fromkeys(("case_id", "patient_id", "lesion_id"), cases) | {"images": images}
        if parts:
            values["official_split"] = parts
        remarks += [*split_remarks, "no patient ids: every case counts as a patient", *photo_remarks]
        return check_table(Cases(schema=self.schema, table=make_table(self.schema, values), remarks=tuple(remarks)))


def _schema(classes: Classes) -> Schema:
    titles = _TITLES
    malignant: tuple[str, ...] = ("BCC", "MEL")
    if classes == "all":
        titles = {name: name.capitalize() for name in sorted(name for members in FIVE.values() for name in members)}
        malignant = (*FIVE["BCC"], *FIVE["MEL"])
    return Schema(
        name="derm7pt",
        classes=tuple(titles),
        class_titles=titles,
        class_groups={"malignant": malignant},
        fields=FIELDS,
        subgroups=("sex", "site", "elevation"),
        outcomes=OUTCOMES,
        licence="CC BY-NC-ND 4.0",
        citation=(
            "Kawahara J., Daneshvar S., Argenziano G., Hamarneh G. (2019), Seven-point checklist and skin lesion "
            "classification using multitask multimodal neural nets, IEEE Journal of Biomedical and Health Informatics "
            "23:538-546, doi:10.1109/JBHI.2018.2824327"
        ),
    )


def _release(folder: Path) -> Path:
    """The release in a folder: the folder itself, or release_v0 in it, or in that again as some unpack it."""
    places = [folder, folder / "release_v0", folder / "release_v0" / "release_v0"]
    for place in places:
        if (place / "meta" / "meta.csv").is_file():
            return place
    raise DataError(f"{folder} holds neither meta/meta.csv nor release_v0/meta/meta.csv; {_OBTAIN}")


def _read(path: Path, needed: Sequence[str]) -> tuple[pd.DataFrame, list[str]]:
    """Stripped cells, `case_num` with them where it is there; none merged, for the index files count rows."""
    raw = read_delimited(path)
    require_columns(raw.rows, needed, path=path)
    names = [*needed, *(name for name in ("case_num",) if name in raw.rows.columns)]
    return raw.rows[names].apply(lambda column: column.str.strip()), list(raw.remarks)


def _case_ids(rows: pd.DataFrame, *, path: Path) -> list[str]:
    if "case_num" not in rows.columns:
        return [str(number) for number in range(1, len(rows) + 1)]
    ids: list[str] = parse_columns(rows, {"case_id": id_column("case_num")}, path=path)["case_id"]
    where = defaultdict(list)
    for row, case in zip(rows.index, ids, strict=True):
        where[case].append(str(row))
    doubled = [f"{case} in rows {' and '.join(same)}" for case, same in where.items() if len(same) > 1]
    if doubled:
        raise DataError(f"{path}: {len(doubled)} case_num stand twice: {first_of(doubled)}; keep one row of each")
    return ids


def _photo_column(name: str, folder: PhotoFolder) -> Column:
    """The path of a photo under the folder as its place (see `_place`); it need not be there, and blank is None."""

    def parse(cell: str) -> str | None:
        if not cell:
            return None
        with suppress(MissingPhoto):  # in other letters, in another format or without its folder, perhaps
            folder.locate(cell)
        return _place(PurePosixPath(cell))

    return Column(name, parse)


def _place(path: PurePath) -> str:
    """A path without its ending, in small letters: the same for a photo however a copy writes it."""
    return path.with_suffix("").as_posix().lower()


def _by_place(folder: Path) -> dict[str, list[Path]]:
    """The photos under a folder by their place."""
    photos: dict[str, list[Path]] = defaultdict(list)
    for path in sorted(path for paths in find_photos(folder).values() for path in paths):
        photos[_place(path.relative_to(folder))].append(path)
    return dict(photos)


def _pairs(
    cases: Sequence[str], places: Mapping[str, Sequence[str | None]], found: Container[str]
) -> dict[str, dict[str, str]]:
    """By case, the place of its photo by kind, from the places of every kind in the order of the cases."""
    flat = _without_folders([place for column in places.values() for place in column if place], found)
    pairs: dict[str, dict[str, str]] = {case: {} for case in cases}
    for kind, column in places.items():
        for case, place in zip(cases, column, strict=True):
            if place:
                pairs[case][kind] = flat.get(place, place)
    return pairs


def _without_folders(places: Iterable[str], found: Container[str]) -> dict[str, str]:
    """The photos that are not at their place but lie flat in a copy, with where they are.

    Raises:
        DataError: photos of two folders that would be one in such a copy.
    """
    flat = {place: PurePosixPath(place).name for place in places if place not in found}
    flat = {place: name for place, name in flat.items() if name in found}
    meant = defaultdict(list)
    for place, name in flat.items():
        meant[name].append(place)
    ambiguous = [f"{name} for {' and '.join(among)}" for name, among in meant.items() if len(among) > 1]
    if ambiguous:
        raise DataError(f"{len(ambiguous)} photos lie there once for two: {first_of(ambiguous)}; keep their folders")
    return flat


def _official_split(rows: pd.DataFrame, folder: Path) -> tuple[list[str] | None, list[str]]:
    """The part of every row (train, val, test) from the index files, None without them, and remarks.

    Raises:
        DataError: an index that is no row, in two files, or in none.
    """
    absent = [name for name in _PARTS.values() if not (folder / name).is_file()]
    if absent:
        return None, [f"no official split: {', '.join(absent)} not in {folder}"]
    if list(rows.index) != list(range(2, len(rows) + 2)):
        raise DataError(
            f"{folder / 'meta.csv'} has blank rows, and the index files count rows; use it as it was released"
        )
    part_of: dict[int, str] = {}
    faults = []
    for part, name in _PARTS.items():
        for row, cell in _read_indexes(folder / name).items():
            number = int(cell) if cell.isdecimal() else -1
            if not 0 <= number < len(rows):
                faults.append(f"{name} row {row}: {cell!r} is no row from 0 to {len(rows) - 1}")
            elif number in part_of:
                faults.append(f"{name} row {row}: {number} stands in {_PARTS[part_of[number]]} too")
            else:
                part_of[number] = part
    left = [number for number in range(len(rows)) if number not in part_of]
    if left and not faults:
        faults.append(f"{len(left)} rows of meta.csv are in none: {first_of(left)}")
    if faults:
        raise DataError(f"{folder}: the index files don't fit meta.csv: {first_of(faults)}; use those of its release")
    return [part_of[number] for number in range(len(rows))], []


def _read_indexes(path: Path) -> pd.Series[str]:
    rows = read_delimited(path, one_column=True).rows
    require_columns(rows, ["indexes"], path=path)
    return rows["indexes"].str.strip()

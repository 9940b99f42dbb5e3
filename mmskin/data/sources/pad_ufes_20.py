"""PAD-UFES-20: clinical smartphone photos with the history of patients in Espírito Santo, Brazil."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import pandas as pd

from mmskin.data.delimited import read_delimited, require_columns
from mmskin.data.table import Cases, check_table
from mmskin.errors import ConfigError, DataError, first_of, one_of
from mmskin.schema import Field, FieldValue, Schema

Conflicts = Literal["keep", "drop", "error"]

PHOTO_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp")


def _yes_no(
    name: str, *, label: str, yes: tuple[str, ...], no: tuple[str, ...], unknown: tuple[str, ...] = ()
) -> Field:
    phrases = {"yes": yes, "no": no} | ({"unknown": unknown} if unknown else {})
    return Field(name=name, kind="yes_no", label=label, phrases=phrases)


def _background(name: str, *, parent: str) -> Field:
    return Field(
        name=name,
        kind="categorical",
        label=f"Family background of the {parent}",
        choices=_BACKGROUNDS,
        phrases={
            "value": (f"{parent.capitalize()}'s family from {{value}}.", f"Family of the {parent} from {{value}}."),
            "Czech": (f"{parent.capitalize()}'s family is Czech.", f"Family of the {parent} is Czech."),
            "unknown": (
                f"{parent.capitalize()}'s family background unknown.",
                f"Does not know where the {parent}'s family came from.",
            ),
        },
    )


def _diameter(name: str, *, which: str, adjective: str) -> Field:
    told = (f"{{value}} mm {adjective}.", f"{which} diameter {{value}} mm.", f"{which} diameter: {{value}} mm.")
    return Field(
        name=name, kind="numeric", label=f"{which} diameter", unit="mm", low=0, high=300, phrases={"value": told}
    )


_REGIONS = (
    *("abdomen", "arm", "back", "chest", "ear", "face", "foot"),
    *("forearm", "hand", "lip", "neck", "nose", "scalp", "thigh"),
)
_BACKGROUNDS = (
    *("Pomerania", "Germany", "Italy", "Brazil", "Netherlands", "Portugal", "Poland"),
    *("Czech", "Austria", "Spain", "Israel", "Norway", "France"),
)

FIELDS = (
    Field(
        name="age",
        kind="numeric",
        label="Age",
        unit="years",
        low=0,
        high=120,
        phrases={"value": ("{value} years old.", "Aged {value}.", "Age {value}.", "{value}-year-old patient.")},
    ),
    Field(
        name="sex",
        kind="categorical",
        label="Sex",
        choices=("female", "male"),
        phrases={
            "female": ("Woman.", "Female.", "Female patient."),
            "male": ("Man.", "Male.", "Male patient."),
            "unknown": ("Sex unknown.", "Sex not known."),
        },
    ),
    Field(
        name="region",
        kind="categorical",
        label="Body region",
        choices=_REGIONS,
        phrases={
            "value": ("On the {value}.", "Lesion on the {value}.", "Site: {value}."),
            "unknown": ("Body site unknown.", "Site not known."),
        },
    ),
    _yes_no(
        "itch",
        label="Itches",
        yes=("It itches.", "Itching.", "The lesion itches.", "Complains of itch."),
        no=("It does not itch.", "No itch.", "Denies itching."),
        unknown=("Unknown whether it itches.", "Cannot say whether it itches."),
    ),
    _yes_no(
        "grew",
        label="Has grown",
        yes=("It has grown.", "Growing.", "Has become larger lately.", "The lesion grew."),
        no=("It has not grown.", "No growth.", "Size unchanged."),
        unknown=("Unknown whether it has grown.", "Cannot say whether it grew."),
    ),
    _yes_no(
        "hurt",
        label="Hurts",
        yes=("It hurts.", "Painful.", "The lesion hurts."),
        no=("It does not hurt.", "Painless.", "No pain."),
        unknown=("Unknown whether it hurts.", "Cannot say whether it hurts."),
    ),
    _yes_no(
        "changed",
        label="Has changed",
        yes=("It has changed.", "Has changed its look lately.", "Reports change of the lesion."),
        no=("It has not changed.", "No change noticed.", "Looks as it always did."),
        unknown=("Unknown whether it has changed.", "Cannot say whether it changed."),
    ),
    _yes_no(
        "bleed",
        label="Has bled",
        yes=("Has bled.", "It bleeds.", "Bleeding reported.", "The lesion bled."),
        no=("Has not bled.", "No bleeding.", "Never bled."),
        unknown=("Unknown whether it has bled.", "Cannot say whether it bled."),
    ),
    _yes_no(
        "elevation",
        label="Raised",
        yes=("It is raised.", "Raised lesion.", "Elevated.", "Can be felt above the skin."),
        no=("It is flat.", "Flat lesion.", "Not raised."),
        unknown=("Unknown whether it is raised.", "Cannot say whether it is raised."),
    ),
    _yes_no(
        "smoke",
        label="Smokes",
        yes=("Smokes.", "Smoker.", "Current smoker."),
        no=("Does not smoke.", "Non-smoker.", "No smoking."),
        unknown=("Unknown whether the patient smokes.", "Smoking not known."),
    ),
    _yes_no(
        "drink",
        label="Drinks alcohol",
        yes=("Drinks alcohol.", "Alcohol: yes.", "Reports drinking."),
        no=("Does not drink alcohol.", "No alcohol.", "Denies drinking."),
        unknown=("Unknown whether the patient drinks alcohol.", "Alcohol use not known."),
    ),
    _yes_no(
        "pesticide",
        label="Uses pesticides",
        yes=("Uses pesticides.", "Exposed to pesticides.", "Pesticide exposure."),
        no=("Does not use pesticides.", "No pesticide exposure.", "Never exposed to pesticides."),
        unknown=("Unknown whether the patient uses pesticides.", "Pesticide exposure not known."),
    ),
    _yes_no(
        "skin_cancer_history",
        label="Skin cancer before, patient or family",
        yes=(
            "Skin cancer before, patient or family.",
            "History of skin cancer.",
            "Previous skin cancer in the history.",
        ),
        no=("No skin cancer before.", "No history of skin cancer.", "Denies skin cancer in the history."),
        unknown=("Unknown whether there was skin cancer before.", "History of skin cancer not known."),
    ),
    _yes_no(
        "cancer_history",
        label="Cancer before, patient or family",
        yes=("Cancer before, patient or family.", "History of cancer.", "Previous cancer in the history."),
        no=("No cancer before.", "No history of cancer.", "Denies cancer in the history."),
        unknown=("Unknown whether there was cancer before.", "History of cancer not known."),
    ),
    _yes_no(
        "has_piped_water",
        label="Piped water at home",
        yes=("Has piped water at home.", "Piped water at home.", "Lives with piped water."),
        no=("No piped water at home.", "Lives without piped water."),
        unknown=("Unknown whether there is piped water at home.",),
    ),
    _yes_no(
        "has_sewage_system",
        label="Sewage system at home",
        yes=("Home has a sewage system.", "Sewage system at home.", "Lives with a sewage system."),
        no=("No sewage system at home.", "Lives without a sewage system."),
        unknown=("Unknown whether the home has a sewage system.",),
    ),
    _background("background_father", parent="father"),
    _background("background_mother", parent="mother"),
    Field(
        name="fitzpatrick",
        kind="categorical",
        label="Fitzpatrick skin type",
        choices=("1", "2", "3", "4", "5", "6"),
        phrases={
            "value": ("Fitzpatrick skin type {value}.", "Skin phototype {value}.", "Fitzpatrick type {value}."),
            "unknown": ("Fitzpatrick skin type unknown.", "Skin phototype not known."),
        },
    ),
    _diameter("diameter_1_mm", which="Larger", adjective="long"),
    _diameter("diameter_2_mm", which="Smaller", adjective="wide"),
)

SCHEMA = Schema(
    name="pad_ufes_20",
    classes=("ACK", "BCC", "MEL", "NEV", "SCC", "SEK"),
    class_titles={
        "ACK": "Actinic keratosis",
        "BCC": "Basal cell carcinoma",
        "MEL": "Melanoma",
        "NEV": "Nevus",
        "SCC": "Squamous cell carcinoma, Bowen's disease included",
        "SEK": "Seborrheic keratosis",
    },
    class_groups={"malignant": ("BCC", "MEL", "SCC")},
    fields=FIELDS,
    optional_block=(
        "sex",
        "smoke",
        "drink",
        "pesticide",
        "skin_cancer_history",
        "cancer_history",
        "has_piped_water",
        "has_sewage_system",
        "background_father",
        "background_mother",
        "fitzpatrick",
        "diameter_1_mm",
        "diameter_2_mm",
    ),
    subgroups=("sex", "age_group", "fitzpatrick"),
    outcomes={
        "biopsed": "a biopsy is taken because of the suspected diagnosis; here every BCC, MEL and SCC has one",
    },
    licence="CC BY 4.0",
    citation=(
        "Pacheco A.G.C. et al. (2020), PAD-UFES-20: a skin lesion dataset composed of patient data and clinical images "
        "collected from smartphones, Data in Brief 32:106221, doi:10.17632/zr7vgbcyr2.1"
    ),
)

# Field name → column of metadata.csv where the two differ (fitspatrick is the file's spelling).
_RENAMED = {
    "sex": "gender",
    "fitzpatrick": "fitspatrick",
    "diameter_1_mm": "diameter_1",
    "diameter_2_mm": "diameter_2",
}
_COLUMN_OF = {name: _RENAMED.get(name, name) for name in SCHEMA.field_names}
_REQUIRED = ("patient_id", "lesion_id", "img_id", "diagnostic", "biopsed", *_COLUMN_OF.values())

_WHERE = "download PAD-UFES-20 from doi:10.17632/zr7vgbcyr2.1 (Mendeley Data) and name the folder that holds it"


class PadUfes20:
    """Photos of skin lesions with patient history and symptoms: 6 diagnoses, 2,298 photos, 1,373 patients.

    *How taken.* By the Dermatological and Surgical Assistance Program of the Federal University of Espírito Santo
    (Brazil), with different smartphones, in 2018 and 2019, without dermoscope; age, symptoms and social history asked
    on the spot. 58 % of the lesions are confirmed by biopsy, the rest by a consensus of dermatologists.

    *Classes (photos).* BCC 845, ACK 730, NEV 244, SEK 235, SCC 192 (Bowen's disease included), MEL 52, of 36 patients.
    179 patients have more than one diagnosis; a patient has up to 10 photos. A case here is one photo.

    *Known biases.*
    - **Missing history tells the diagnosis.** Sex, skin type, diameters, habits and family history are empty together
      in 804 rows, all of them ACK, NEV or SEK: whether they are recorded alone gives AUC 0.83 for malignant. They are
      the schema's `optional_block`; see `mmskin.data.missingness`. In 20 further rows, again no cancer, one or both
      parents' backgrounds are blank.
    - **Biopsied lesions look different.** Pen circles are visible on many lesions about to be biopsied. `biopsed`
      itself is true for every cancer: an outcome, never an input.
    - Fitzpatrick V has 10 photos and VI has one: nothing can be said about dark skin.
    - `PAT_759_1433_914` (NEV) and `PAT_759_1538_566` (BCC) are the same photo; see `conflicts`.
    - `diameter_1` is the larger one in all but 17 of the rows where the two differ. A few are 0 mm: kept as written.

    *Ids.* `lesion_id` of the file is not unique to a patient (250 are shared by two): lesions are keyed by both ids.
    The file's four states True, False, UNK and blank become "yes", "no", "unknown" and None.
    *Split.* None is official. Published ones are often by photo, with patients on both sides; see `mmskin.data.splits`.

    *Licence* CC BY 4.0. *Citation* Pacheco et al. 2020, Data in Brief 32:106221.
    *To obtain* it, unpack doi:10.17632/zr7vgbcyr2.1 (Mendeley Data) so that `metadata.csv` and `images/` lie in one
    folder. Photos may stay in `imgs_part_1` to `_3` or lie flat, and may be JPEG copies: they are joined by file stem.

    Args:
        images: folder of the photos under the root, searched with all its subfolders.
        conflicts: what to do with photos that are the same bytes under different diagnoses: keep them all with a
            remark, drop them all, or raise.
    """

    schema = SCHEMA

    def __init__(self, *, images: str = "images", conflicts: Conflicts = "keep") -> None:
        if conflicts not in ("keep", "drop", "error"):
            raise ConfigError(one_of("conflicts", conflicts, ("keep", "drop", "error")))
        self.images = images
        self.conflicts = conflicts

    def load(self, root: str | Path) -> Cases:
        """Read `metadata.csv` under a folder and find the photos.

        The table has the columns of `Cases`, then `biopsed` (as read), `age_group` ("<40", "40-59", "60+") and
        `photo_group` (the first case id with the same photo, byte for byte; None without photo).

        Raises:
            DataError: file or columns missing, values not admissible, one img_id with two contents, two photo files
                for one img_id; and, with conflicts="error", the same photo under two diagnoses.
        """
        folder = Path(root).resolve()
        path = folder / "metadata.csv"
        rows, remarks = _read_rows(path)
        rows, merge_remarks = _merge_equal_rows(rows, path)
        remarks += merge_remarks
        table = _parse(rows, path)
        unlabelled = int(table.target.isna().sum())
        if unlabelled:
            remarks.append(f"{unlabelled} rows have no diagnosis: cases without target")
        merged = sum(row.cells[c] == "BRASIL" for row in rows for c in ("background_father", "background_mother"))
        if merged:
            remarks.append(f"background BRASIL read as Brazil in {merged} cells")

        photos = _find_photos(folder / self.images)
        remarks += _join_photos(table, photos, where=self.images)
        table["photo_group"] = _photo_groups(table)
        table, conflict_remarks = self._settle_conflicts(table)
        return check_table(Cases(schema=SCHEMA, table=table, remarks=(*remarks, *conflict_remarks)))

    def _settle_conflicts(self, table: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
        sets: list[list[str]] = []
        dropped: set[str] = set()
        remarks: list[str] = []
        same = 0
        for _, group in table[table.photo_group.duplicated(keep=False) & table.photo_group.notna()].groupby(
            "photo_group"
        ):
            if group.target.dropna().nunique() > 1:
                sets.append([f"{case} ({target})" for case, target in zip(group.case_id, group.target, strict=True)])
                dropped.update(group.case_id)
            else:
                same += 1
        if same:
            remarks.append(
                f"same photo under two or more ids, one diagnosis: {same} times; kept, and kept in one part of a split"
            )
        if sets:
            listed = first_of([" = ".join(members) for members in sets])
            found = f"same photo (equal bytes) under different diagnoses, {len(sets)} times: {listed}"
            if self.conflicts == "error":
                raise DataError(f"{found}. Set conflicts to keep or drop, or mend metadata.csv")
            remarks.append(f"{found}; {'all dropped' if self.conflicts == 'drop' else 'all kept'}")
            if self.conflicts == "drop":
                table = table[~table.case_id.isin(dropped)].reset_index(drop=True)
        return table, remarks


class _Row(NamedTuple):
    number: int  # in the file, the header being row 1
    cells: Mapping[str, str]


def _read_rows(path: Path) -> tuple[list[_Row], list[str]]:
    """The rows of the file as text, without an index column and other foreign columns, and the reader's remarks."""
    if not path.is_file():
        raise DataError(f"{path} does not exist; {_WHERE}")
    raw = read_delimited(path)
    require_columns(raw.rows, _REQUIRED, path=path)
    columns = [raw.rows[name].str.strip() for name in _REQUIRED]
    rows = [
        _Row(number, dict(zip(_REQUIRED, cells, strict=True)))
        for number, *cells in zip(raw.rows.index, *columns, strict=True)
    ]
    return rows, list(raw.remarks)


def _merge_equal_rows(rows: Sequence[_Row], path: Path) -> tuple[list[_Row], list[str]]:
    """One row per img_id; rows that differ under one img_id are an error."""
    first: dict[str, _Row] = {}
    faults: list[str] = []
    for row in rows:
        image = row.cells["img_id"]
        known = first.setdefault(image, row)
        if known.cells != row.cells and image:
            labels = f"{known.cells['diagnostic'] or 'blank'} and {row.cells['diagnostic'] or 'blank'}"
            differing = [name for name in _REQUIRED if known.cells[name] != row.cells[name]]
            told = f"labels {labels}" if "diagnostic" in differing else f"different {', '.join(differing)}"
            faults.append(f"{image} in rows {known.number} and {row.number} with {told}")
    if faults:
        raise DataError(f"{path}: {len(faults)} img_id stand twice: {first_of(faults)}; keep one row of each")
    kept = [row for row in rows if first[row.cells["img_id"]] is row or not row.cells["img_id"]]
    repeated = len(rows) - len(kept)
    return kept, [f"{repeated} rows repeat another row exactly: merged"] if repeated else []


def _parse(rows: Sequence[_Row], path: Path) -> pd.DataFrame:
    """The canonical table without photos, all faults of all rows reported at once."""
    records: list[dict[str, Any]] = []
    faults: list[str] = []
    for number, cells in rows:
        blank = [name for name in ("patient_id", "lesion_id", "img_id") if not cells[name]]
        faults += [f"row {number}: {name} is blank" for name in blank]
        image, target = cells["img_id"], cells["diagnostic"] or None
        if "/" in image or "\\" in image:
            faults.append(f"row {number}: img_id={image!r} must be a file name without folders")
        if target is not None and target not in SCHEMA.classes:
            faults.append(f"row {number}: {one_of('diagnostic', target, SCHEMA.classes)}")
        values: dict[str, FieldValue] = {}
        for field in SCHEMA.fields:
            try:
                values[field.name] = field.parse(_as_declared(field.name, cells[_COLUMN_OF[field.name]]))
            except DataError as error:
                faults.append(f"row {number}: {error}")
        records.append(
            {
                "case_id": Path(image).stem,
                "patient_id": cells["patient_id"],
                "lesion_id": f"{cells['patient_id']}_{cells['lesion_id']}",
                "images": (),
                "target": target,
                "text": None,
                **values,
                "biopsed": cells["biopsed"],
                "age_group": _age_group(values.get("age")),
            }
        )
    if faults:
        raise DataError(f"{path}: {len(faults)} faults: {first_of(faults)}")
    # object: pandas would turn None into NaN otherwise, and None is what "not recorded" is
    return pd.DataFrame(records, dtype=object)


def _as_declared(name: str, cell: str) -> str:
    """A cell in the words of the schema: the file writes 3.0 for skin type 3 and has two spellings of Brazil."""
    if name == "fitzpatrick":
        return cell.removesuffix(".0")
    if name.startswith("background_") and cell.upper() == "BRASIL":
        return "Brazil"
    return cell


def _age_group(age: FieldValue) -> str | None:
    if not isinstance(age, float):
        return None
    return "<40" if age < 40 else "40-59" if age < 60 else "60+"


def _find_photos(folder: Path) -> dict[str, list[Path]]:
    """Photo files by stem, at any depth; hidden files (macOS leaves ._x.png beside x.png) are no photos."""
    photos: dict[str, list[Path]] = defaultdict(list)
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() in PHOTO_SUFFIXES and not path.name.startswith(".") and path.is_file():
            photos[path.stem].append(path)
    return photos


def _join_photos(table: pd.DataFrame, photos: Mapping[str, Sequence[Path]], *, where: str) -> list[str]:
    """Fill the column `images` in place; tell what did not find its partner."""
    ids: list[str] = list(table.case_id)
    ambiguous = [" and ".join(str(path) for path in photos[i]) for i in ids if len(photos.get(i, ())) > 1]
    if ambiguous:
        raise DataError(f"{len(ambiguous)} cases have two photo files: {first_of(ambiguous, 3)}; keep one of each")
    table["images"] = pd.Series([tuple(str(path) for path in photos.get(i, ())) for i in ids], dtype=object)
    absent = [i for i in ids if i not in photos]
    stray = sorted(set(photos) - set(ids))
    remarks = []
    if absent:
        remarks.append(f"{len(absent)} of {len(ids)} cases have no photo under {where}: {first_of(absent, 3)}")
    if stray:
        remarks.append(f"{len(stray)} photos under {where} have no row and are not used: {first_of(stray, 3)}")
    return remarks


def _photo_groups(table: pd.DataFrame) -> pd.Series[Any]:
    """For every case the first case id with the same photo, byte for byte; None without photo."""
    ids: list[str] = list(table.case_id)
    paths = [Path(images[0]) if images else None for images in table.images]
    by_size: dict[int, list[int]] = defaultdict(list)
    for i, path in enumerate(paths):
        if path is not None:
            by_size[path.stat().st_size].append(i)
    groups = [None if path is None else case for case, path in zip(ids, paths, strict=True)]
    for indices in by_size.values():
        # Equal bytes have equal sizes, so nearly all of the 3 GB of the official PNG files is never read.
        if len(indices) > 1:
            for same in _equal_bytes((i, path) for i in indices if (path := paths[i]) is not None):
                for i in same:
                    groups[i] = ids[same[0]]
    return pd.Series(groups, dtype=object)


def _equal_bytes(files: Iterable[tuple[int, Path]]) -> list[list[int]]:
    by_digest: dict[str, list[int]] = defaultdict(list)
    for i, path in files:
        with path.open("rb") as file:
            by_digest[hashlib.file_digest(file, "sha256").hexdigest()].append(i)
    return list(by_digest.values())

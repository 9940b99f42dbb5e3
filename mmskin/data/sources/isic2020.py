"""ISIC 2020 (SIIM): dermoscopic photos of many lesions a patient, melanoma or not, with age, sex and site."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from mmskin.data.delimited import read_delimited, require_columns
from mmskin.data.photo_files import find_photos, join_photos
from mmskin.data.rows import (
    field_column,
    id_column,
    kept_column,
    label_column,
    parse_columns,
    photo_column,
    read_rows,
)
from mmskin.data.table import Cases, check_table, make_table
from mmskin.data.vocabulary import AGE, SEX, age_group, isic_site
from mmskin.errors import DataError, first_of
from mmskin.schema import Schema

SITE = isic_site("head/neck", "lower extremity", "oral/genital", "palms/soles", "torso", "upper extremity")

SCHEMA = Schema(
    name="isic2020",
    classes=("benign", "malignant"),
    class_titles={"benign": "No melanoma", "malignant": "Melanoma"},
    fields=(AGE, SEX, SITE),
    subgroups=("sex", "age_group", "site"),
    outcomes={
        "diagnosis": "it is the label in other words: melanoma is malignant, every other word and unknown are benign",
    },
    licence="CC BY-NC 4.0",
    citation=(
        "Rotemberg V. et al. (2021), A patient-centric dataset of images and metadata for identifying melanomas using "
        "clinical context, Scientific Data 8:34, doi:10.34970/2020-ds01"
    ),
)

_TABLES = ("ISIC_2020_Training_GroundTruth_v2.csv", "ISIC_2020_Training_GroundTruth.csv", "train.csv")
_DUPLICATES = "ISIC_2020_Training_Duplicates.csv"
_TARGETS = {"0": "benign", "0.0": "benign", "1": "malignant", "1.0": "malignant"}
_COLUMNS = {
    "case_id": photo_column("image_name"),
    "patient_id": id_column("patient_id"),
    "target": label_column("target", (), said=_TARGETS),
    "benign_malignant": label_column("benign_malignant", SCHEMA.classes),
    "age": field_column(AGE, name="age_approx"),
    "sex": field_column(SEX),
    "site": field_column(SITE, name="anatom_site_general_challenge"),
    "diagnosis": kept_column("diagnosis"),
}
_LESION = {"lesion_id": kept_column("lesion_id")}  # of version 2 of the table only
_PAIR = {"one": photo_column("image_name_1"), "other": photo_column("image_name_2")}
_OBTAIN = "download ISIC 2020 from challenge.isic-archive.com/data/#2020 and name the folder that holds its tables"


class Isic2020:
    """Dermoscopic photos with age, sex and site, melanoma or not: 33,126 photos, 2,056 patients, 584 melanomas.

    *How taken.* With dermatoscopes, in Barcelona, Vienna, New York, Sydney, Queensland and Athens: some 16 lesions a
    patient, so that a lesion can be seen beside the patient's others. A case here is one photo.

    *Classes (photos).* benign 32,542, malignant 584. Every malignant one is a melanoma, confirmed by histology; the
    others are lesions that resemble it, benign by histology, follow-up or agreement of experts.
    *Fields.* Age in steps of five years (68 blank), sex (65 blank), site (527 blank).

    *Known biases.*
    - **One photo in 57 is malignant.** Accuracy says nothing: "benign" alone scores 98.2 %.
    - **The diagnosis is known for few**: `diagnosis` is "unknown" for 27,124 photos, nevus for 5,193, melanoma for 584.
      It is the label in other words: an outcome, never an input.
    - **425 photos stand twice**, under two names, as `ISIC_2020_Training_Duplicates.csv` lists. If that file is in the
      folder both photos of a pair get one lesion id, which keeps them in one part of a split; otherwise a remark says
      that they may not be. Both stay in the table.
    - 20.8 % of the patients have a melanoma: they were chosen for a challenge, not as they come to a clinic.
    - Skin type is not recorded.

    *Ids.* `patient_id` is the group of a split. Version 2 of the table has a `lesion_id`; in version 1, or where it is
    blank, each photo is a lesion. Missing is blank. *Split.* None here: labels of the challenge's test part are secret.

    *Licence* CC BY-NC 4.0. *Citation* Rotemberg et al. 2021, Scientific Data 8:34.
    *To obtain* it, download from challenge.isic-archive.com/data/#2020 so that the table and the photos lie under one
    folder, the photos in `train` or anywhere else, as JPEG or PNG. Of `ISIC_2020_Training_GroundTruth_v2.csv`,
    `ISIC_2020_Training_GroundTruth.csv` (version 1) and Kaggle's `train.csv` (the columns of version 1) the first that
    is there is read.
    """

    schema = SCHEMA

    def load(self, root: str | Path) -> Cases:
        """Read the table under a folder, tie listed duplicates, and find the photos at any depth.

        The table has the columns of `Cases`, then `diagnosis` (as read) and `age_group` ("<40", "40-59", "60+").

        Raises:
            DataError: file or columns missing, values not admissible, `target` and `benign_malignant` that differ, one
                image_name with two contents or two files.
        """
        folder = Path(root).resolve()
        found = [name for name in _TABLES if (folder / name).is_file()] or [_TABLES[0]]
        path = folder / found[0]
        needed = [column.name for column in _COLUMNS.values()]
        rows, remarks = read_rows(
            path, needed, key="image_name", label="target", obtain=_OBTAIN, optional=["lesion_id"]
        )
        if others := found[1:]:
            remarks.append(f"{path.name} is read, and not {' and '.join(others)} beside it")
        values = parse_columns(rows, _COLUMNS | (_LESION if "lesion_id" in rows else {}), path=path)
        _check_labels(rows, values["target"], values.pop("benign_malignant"), path=path)
        cases = values["case_id"]
        unlabelled = values["target"].count(None)
        if unlabelled:
            remarks.append(f"{unlabelled} rows have no label: cases without target")
        named = values.get("lesion_id", [None] * len(cases))
        if None in named:
            remarks.append(f"{named.count(None)} photos have no lesion_id: each counts as a lesion")
        values["lesion_id"] = [lesion or case for lesion, case in zip(named, cases, strict=True)]
        values["lesion_id"], duplicate_remarks = _tie_duplicates(folder / _DUPLICATES, values)
        images, photo_remarks = join_photos([[case] for case in cases], find_photos(folder), where=str(folder))
        values |= {"images": images, "age_group": [age_group(age) for age in values["age"]]}
        table = make_table(SCHEMA, values)
        return check_table(Cases(schema=SCHEMA, table=table, remarks=(*remarks, *duplicate_remarks, *photo_remarks)))


def _check_labels(
    rows: pd.DataFrame, targets: Sequence[str | None], words: Sequence[str | None], *, path: Path
) -> None:
    faults = [
        f"row {row}: target {rows.target[row] or 'blank'}, benign_malignant {word or 'blank'}"
        for row, target, word in zip(rows.index, targets, words, strict=True)
        if target != word
    ]
    if faults:
        raise DataError(f"{path}: target and benign_malignant differ in {len(faults)} rows: {first_of(faults)}")


def _tie_duplicates(path: Path, values: Mapping[str, Sequence[Any]]) -> tuple[list[str], list[str]]:
    """Lesion ids by case, those of both photos of a listed pair made equal, and remarks."""
    lesions = list(values["lesion_id"])
    if not path.is_file():
        return lesions, [f"no {path.name}: photos that stand twice may lie in two parts of a split"]
    raw = read_delimited(path)
    require_columns(raw.rows, [column.name for column in _PAIR.values()], path=path)
    pairs = parse_columns(raw.rows.apply(lambda column: column.str.strip()), _PAIR, path=path)
    place = {case: i for i, case in enumerate(values["case_id"])}
    listed = list(zip(pairs["one"], pairs["other"], strict=True))
    tied = [(place[one], place[other]) for one, other in listed if one in place and other in place]
    patients, labels = (
        sum(values[name][one] != values[name][other] for one, other in tied) for name in ("patient_id", "target")
    )
    told = f"{len(tied)} pairs of photos count as one lesion each"
    remarks = [f"{path.name}: {told}; patients differ in {patients} of them, labels in {labels}"]
    if len(tied) < len(listed):
        remarks.append(f"{path.name}: {len(listed) - len(tied)} pairs name a photo without a row: left out")
    return _joined(lesions, tied), [*raw.remarks, *remarks]


def _joined(lesions: Sequence[str], tied: Sequence[tuple[int, int]]) -> list[str]:
    """The lesion ids with those of tied places made one."""
    joined = list(lesions)
    holders: dict[str, list[int]] = defaultdict(list)
    for i, lesion in enumerate(joined):
        holders[lesion].append(i)
    for one, other in tied:
        kept, gone = joined[one], joined[other]
        if kept != gone:
            moved = holders.pop(gone)
            holders[kept] += moved
            for i in moved:
                joined[i] = kept
    return joined

"""ISIC 2019: dermoscopic photos of the challenge of that year, from three archives, with age, sex and site."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal, get_args

from mmskin.data.photo_files import find_photos, join_photos
from mmskin.data.rows import field_column, kept_column, one_hot_labels, parse_columns, photo_column, read_rows
from mmskin.data.table import Cases, check_table, make_table
from mmskin.data.vocabulary import AGE, SEX, age_group, isic_site
from mmskin.errors import ConfigError, DataError, first_of, one_of
from mmskin.schema import Schema

Part = Literal["train", "test"]

SITE = isic_site(
    *("anterior torso", "head/neck", "lateral torso", "lower extremity"),
    *("oral/genital", "palms/soles", "posterior torso", "upper extremity"),
)

SCHEMA = Schema(
    name="isic2019",
    classes=("AK", "BCC", "BKL", "DF", "MEL", "NV", "SCC", "VASC"),
    class_titles={
        "AK": "Actinic keratosis",
        "BCC": "Basal cell carcinoma",
        "BKL": "Benign keratosis-like lesion",
        "DF": "Dermatofibroma",
        "MEL": "Melanoma",
        "NV": "Melanocytic nevus",
        "SCC": "Squamous cell carcinoma",
        "VASC": "Vascular lesion",
    },
    class_groups={"malignant": ("BCC", "MEL", "SCC")},
    fields=(AGE, SEX, SITE),
    subgroups=("sex", "age_group", "site", "origin"),
    licence="CC BY-NC 4.0",
    citation=(
        "Tschandl P. et al. (2018), The HAM10000 dataset, Scientific Data 5:180161; Codella N. et al. (2017), Skin "
        "Lesion Analysis Toward Melanoma Detection, arXiv:1710.05006; Combalia M. et al. (2019), BCN20000: "
        "Dermoscopic Lesions in the Wild, arXiv:1908.02288"
    ),
)

_UNK = "UNK"  # none of the classes: a column of both truth tables, with ones in that of the test part only
_COLUMNS = {
    "case_id": photo_column("image"),
    "age": field_column(AGE, name="age_approx"),
    "sex": field_column(SEX),
    "site": field_column(SITE, name="anatom_site_general"),
}
_LESION = {"lesion_id": kept_column("lesion_id")}  # of the training part only
_OBTAIN = "download ISIC 2019 from challenge.isic-archive.com/data/#2019 and name the folder that holds its tables"


class Isic2019:
    """Dermoscopic photos from three archives with age, sex and site: 8 diagnoses, 25,331 photos, 11,847 lesion ids.

    *How taken.* With dermatoscopes, in Vienna and Queensland (HAM10000: 10,015 photos, lesion ids HAM_), Barcelona
    (BCN_20000: 12,413, BCN_) and New York (MSK: 819, MSK4_); 2,084 photos name no lesion and so no archive. A case
    here is one photo.

    *Classes (photos).* NV 12,875, MEL 4,522, BCC 3,323, BKL 2,624, AK 867, SCC 628, VASC 253, DF 239.
    *Fields.* Age in steps of five years (437 blank), sex (384 blank), site (2,631 blank).

    *Known biases.*
    - **No patient ids.** Photos are kept together by lesion, and those without a lesion stand alone: a patient with two
      lesions, or two photos of a lesion without id, may lie in two parts.
    - **The archive tells the class, and the photo tells the archive.** By HAM10000's own table two thirds of its
      photos are nevi (6,705 of 10,015), which leaves 6,170 of the other 15,316; sizes and cropping differ by archive.
      `origin` (HAM, BCN, MSK4, or None without a lesion id) is a column by which reports break their results down,
      and no input.
    - **HAM10000 is inside**, under its own photo names: do not test on one what trained on the other.
    - How a diagnosis was confirmed is not in these tables. Skin type is not recorded.

    *Ids.* `lesion_id`, or the photo's name where that is blank; 2,074 names end in "_downsampled", as do their files.
    Missing is blank. *Split.* The challenge's own (column `official_split`) has a training and a test part and no
    validation. `part: test` reads `ISIC_2019_Test_Metadata.csv` (8,238 photos, no lesion ids), with diagnoses where
    `ISIC_2019_Test_GroundTruth.csv` is there; its photos of none of the 8 classes (UNK) are cases without target.
    Whether patients or lesions of the training part are among them cannot be told.

    *Licence* CC BY-NC 4.0. *Citation* Tschandl et al. 2018, Codella et al. 2017, Combalia et al. 2019: all three.
    *To obtain* it, download from challenge.isic-archive.com/data/#2019 so that `ISIC_2019_Training_Metadata.csv`,
    `ISIC_2019_Training_GroundTruth.csv` and the photos lie under one folder, in `ISIC_2019_Training_Input` or anywhere
    else, as JPEG or PNG.

    Args:
        part: "train", to be divided into folds, or "test", to be predicted by a model that the other trained.
    """

    schema = SCHEMA

    def __init__(self, *, part: Part = "train") -> None:
        if part not in get_args(Part):
            raise ConfigError(one_of("part", part, get_args(Part)))
        self.part = part

    def load(self, root: str | Path) -> Cases:
        """Read metadata and diagnoses under a folder, join them by photo, and find the photos at any depth.

        The table has the columns of `Cases`, then `official_split`, `origin` and `age_group` ("<40", "40-59", "60+").

        Raises:
            DataError: file or columns missing, values not admissible, photos in one table only, one image with two
                contents or two files.
        """
        folder = Path(root).resolve()
        is_training = self.part == "train"
        stem = f"ISIC_2019_{'Training' if is_training else 'Test'}"
        path, truth = folder / f"{stem}_Metadata.csv", folder / f"{stem}_GroundTruth.csv"
        columns = _COLUMNS | _LESION if is_training else _COLUMNS
        rows, remarks = read_rows(path, [column.name for column in columns.values()], key="image", obtain=_OBTAIN)
        values = parse_columns(rows, columns, path=path)
        cases = values["case_id"]
        named = values.get("lesion_id", [None] * len(cases))
        if is_training or truth.is_file():
            targets, label_remarks = _read_labels(truth, cases, metadata=path)
        else:
            targets, label_remarks = [None] * len(cases), [f"no {truth.name}: cases without target"]
        images, photo_remarks = join_photos([[case] for case in cases], find_photos(folder), where=str(folder))
        lesions = [lesion or case for lesion, case in zip(named, cases, strict=True)]
        values |= {
            "target": targets,
            "lesion_id": lesions,
            "patient_id": lesions,
            "images": images,
            "official_split": [self.part] * len(cases),
            "origin": [lesion.split("_")[0] if lesion else None for lesion in named],
            "age_group": [age_group(age) for age in values["age"]],
        }
        remarks += [*label_remarks, "no patient ids: photos of one lesion count as one patient"]
        if None in named:
            remarks.append(f"{named.count(None)} photos have no lesion_id: each counts as a lesion and a patient")
        table = make_table(SCHEMA, values)
        return check_table(Cases(schema=SCHEMA, table=table, remarks=(*remarks, *photo_remarks)))


def _read_labels(path: Path, cases: Sequence[str], *, metadata: Path) -> tuple[list[str | None], list[str]]:
    """The diagnosis of every case, None if it is none of the classes, and remarks."""
    names = (*SCHEMA.classes, _UNK)
    rows, remarks = read_rows(path, ["image", *names], key="image", obtain=_OBTAIN)
    photos = parse_columns(rows, {"case_id": photo_column("image")}, path=path)["case_id"]
    faults = [
        f"{len(alone)} images are in {holder.name} only: {first_of(sorted(alone))}"
        for holder, alone in ((metadata, set(cases) - set(photos)), (path, set(photos) - set(cases)))
        if alone
    ]
    if faults:
        raise DataError(f"{path.parent}: {'; '.join(faults)}; keep the same images in both tables")
    label = dict(zip(photos, one_hot_labels(rows, names, path=path), strict=True))
    targets = [None if label[case] == _UNK else label[case] for case in cases]
    if None in targets:
        remarks.append(f"{targets.count(None)} photos are {_UNK}, none of the classes: cases without target")
    return targets, remarks

"""Fitzpatrick17k: clinical photos of two dermatology atlases with skin types judged from the photo; no history."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, get_args

from mmskin.data.photo_files import find_photos, join_photos
from mmskin.data.rows import (
    classes_found,
    field_column,
    kept_column,
    label_column,
    parse_columns,
    photo_column,
    read_rows,
)
from mmskin.data.table import Cases, check_table, make_table
from mmskin.errors import ConfigError, one_of
from mmskin.schema import UNKNOWN, Field, Schema

Label = Literal["nine", "three", "condition"]

NINE = (
    *("benign dermal", "benign epidermal", "benign melanocyte", "genodermatoses", "inflammatory"),
    *("malignant cutaneous lymphoma", "malignant dermal", "malignant epidermal", "malignant melanoma"),
)
THREE = ("benign", "malignant", "non-neoplastic")

# Judged from the photo by annotators, so nothing that a patient could tell: a subgroup, in no schema's fields.
SKIN_TYPE = Field(name="fitzpatrick", kind="categorical", choices=("1", "2", "3", "4", "5", "6"))

OUTCOMES = {
    "label": "it is the diagnosis",
    "nine_partition_label": "it follows from the diagnosis",
    "three_partition_label": "it follows from the diagnosis",
    "qc": "a dermatologist's verdict on whether the label is right",
}

_COLUMNS = {
    "case_id": photo_column("md5hash"),
    "label": kept_column("label"),
    "nine_partition_label": label_column("nine_partition_label", NINE),
    "three_partition_label": label_column("three_partition_label", THREE),
    "fitzpatrick": field_column(SKIN_TYPE, name="fitzpatrick_scale", said={"-1": UNKNOWN}),
    "qc": kept_column("qc"),
}
_OBTAIN = "get fitzpatrick17k.csv from github.com/mattgroh/fitzpatrick17k and name the folder that holds it"


class Fitzpatrick17k:
    """Clinical photos of two atlases with a skin type judged from the photo, no history: 114 conditions, 16,577 photos.

    *How taken.* Collected from the atlases DermaAmin and Atlas Dermatologico, whose captions are the labels; nothing is
    confirmed by biopsy. Skin types were judged from the photos by annotators, not by dermatologists. A case here is one
    photo, and there is no history: only the image modality can learn from it.

    *Classes (photos).* `nine`: inflammatory 10,886, malignant epidermal 1,352, genodermatoses 1,194, benign dermal
    1,067, benign epidermal 931, malignant melanoma 573, benign melanocyte 236, malignant cutaneous lymphoma 182,
    malignant dermal 156. `three`: non-neoplastic 12,080, malignant 2,263, benign 2,234. `condition`: 114 names, of 53
    to 653 photos each.

    *Known biases.*
    - **Many photos stand twice**, re-encoded or cropped, also under two labels. Equal bytes are tied together by
      `data.conflicts`; near copies are not known to this table.
    - No patient ids: photos of one person may lie in two parts of a split.
    - Of 504 photos that dermatologists checked (`qc`, else blank) some are "3 Wrongly labelled": kept, an outcome.
    - Malignant is the atlas's word: actinic keratosis is in malignant epidermal.
    - Skin types 1 to 6 have 2,947, 4,808, 3,308, 2,781, 1,533 and 635 photos; for 565 (-1 in the file) the annotators
      could not say: "unknown" here. `fitzpatrick` is for reports and never an input. The second opinion of the file,
      `fitzpatrick_centaur`, is not read.

    *Ids.* `md5hash` is the photo's file name. The file's addresses are not read and nothing is fetched.
    *Split.* None is official.

    *Licence* CC BY-NC-SA 3.0 for the annotations; the photos are the atlases'. *Citation* Groh et al. 2021,
    arXiv:2104.09957. *To obtain* it, see github.com/mattgroh/fitzpatrick17k: `fitzpatrick17k.csv` in one folder, photos
    anywhere under it, named by `md5hash`.

    Args:
        label: what is to be told: "nine" or "three" groups, or the "condition", whose names are taken from the file.
    """

    def __init__(self, *, label: Label = "nine") -> None:
        if label not in get_args(Label):
            raise ConfigError(one_of("label", label, get_args(Label)))
        self.label = label

    def load(self, root: str | Path) -> Cases:
        """Read `fitzpatrick17k.csv` under a folder and find the photos at any depth.

        Raises:
            DataError: file or columns missing, values not admissible, one md5hash with two contents or two files, fewer
                than two conditions.
        """
        folder = Path(root).resolve()
        path = folder / "fitzpatrick17k.csv"
        target = {"nine": "nine_partition_label", "three": "three_partition_label", "condition": "label"}[self.label]
        needed = [column.name for column in _COLUMNS.values()]
        rows, remarks = read_rows(path, needed, key="md5hash", label=target, obtain=_OBTAIN)
        values = parse_columns(rows, _COLUMNS, path=path)
        images, photo_remarks = join_photos([[c] for c in values["case_id"]], find_photos(folder), where=str(folder))
        remarks.append("no patient ids: every photo counts as a patient of its own")
        declared = {"nine": NINE, "three": THREE}
        classes = declared.get(self.label) or classes_found(values["label"], path=path)
        pairs = zip(values[target], values["three_partition_label"], strict=True)
        schema = _schema(classes, malignant={name for name, group in pairs if group == "malignant"})
        ids = values["case_id"]
        values |= {"patient_id": ids, "lesion_id": ids, "images": images, "target": values[target]}
        return check_table(Cases(schema, make_table(schema, values), (*remarks, *photo_remarks)))


def _schema(classes: tuple[str, ...], *, malignant: set[str]) -> Schema:
    return Schema(
        name="fitzpatrick17k",
        classes=classes,
        class_titles={name: name.capitalize() for name in classes},
        class_groups={"malignant": tuple(name for name in classes if name in malignant)},
        subgroups=("fitzpatrick",),
        outcomes=OUTCOMES,
        licence="CC BY-NC-SA 3.0 (annotations); photos by the atlases DermaAmin and Atlas Dermatologico",
        citation=(
            "Groh M. et al. (2021), Evaluating Deep Neural Networks Trained on Clinical Images in Dermatology with the "
            "Fitzpatrick 17k Dataset, arXiv:2104.09957"
        ),
    )

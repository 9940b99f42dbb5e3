"""DDI, Diverse Dermatology Images: clinical photos with biopsy and a balance of skin tones; no history."""

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
from mmskin.schema import Field, Schema

Label = Literal["malignant", "disease"]

CLASSES = ("benign", "malignant")
OFFICIAL_ROWS = 656

# Put on record by dermatologists, not told by the patient: a subgroup, in no schema's fields.
SKIN_TONE = Field(name="skin_tone", kind="categorical", choices=("1-2", "3-4", "5-6"))

OUTCOMES = {
    "malignant": "it is what the biopsy showed",
    "disease": "it is what the biopsy showed",
}

_MALIGNANT = {"True": "malignant", "TRUE": "malignant", "False": "benign", "FALSE": "benign"}
_COLUMNS = {
    "case_id": photo_column("DDI_file"),
    "malignant": label_column("malignant", CLASSES, said=_MALIGNANT),
    "disease": kept_column("disease"),
    "skin_tone": field_column(SKIN_TONE, said={"12": "1-2", "34": "3-4", "56": "5-6"}),
}
_OBTAIN = "get DDI from ddi-dataset.github.io (Stanford AIMI) and name the folder that holds ddi_metadata.csv"


class Ddi:
    """Clinical photos confirmed by biopsy, about as many of dark as of light skin, no history: 656 photos.

    *How taken.* In Stanford clinics between 2010 and 2020; photos of Fitzpatrick types V and VI were matched to photos
    of types I and II by diagnosis, age, sex and date. Every diagnosis is confirmed by pathology. A case here is one
    photo, and there is no history: only the image modality can learn from it.

    *Classes.* benign and malignant; or the diseases, more than 70 names, most of them of a few photos.

    *Known biases.*
    - Small: made to test on, by skin tone, not to train on.
    - Lesions that were biopsied, so suspicious ones: the benign photos are no sample of benign skin.
    - No patient ids, though some of the patients have several photos: these may lie in two parts of a split.
    - Copies with 653 and 267 rows are in circulation. The small one holds some diseases only: its mix is another one.

    *Skin tone.* Fitzpatrick types in pairs, written 12, 34 and 56 in the file and "1-2", "3-4", "5-6" here, after the
    single types of PAD-UFES-20 and SCIN. `skin_tone` is for reports and never an input.
    *Ids.* The photo's file name. *Split.* None is official.

    *Licence* Stanford University Dataset Research Use Agreement. *Citation* Daneshjou et al. 2022, Science Advances
    8:eabq6147. *To obtain* it, see ddi-dataset.github.io: `ddi_metadata.csv` in one folder, photos anywhere under it.

    Args:
        label: "malignant" tells benign from malignant, "disease" takes the names in the file as classes.
    """

    def __init__(self, *, label: Label = "malignant") -> None:
        if label not in get_args(Label):
            raise ConfigError(one_of("label", label, get_args(Label)))
        self.label = label

    def load(self, root: str | Path) -> Cases:
        """Read `ddi_metadata.csv` under a folder and find the photos at any depth.

        Raises:
            DataError: file or columns missing, values not admissible, one DDI_file with two contents or two files,
                fewer than two diseases.
        """
        folder = Path(root).resolve()
        path = folder / "ddi_metadata.csv"
        needed = [column.name for column in _COLUMNS.values()]
        rows, remarks = read_rows(path, needed, key="DDI_file", label=self.label, obtain=_OBTAIN)
        values = parse_columns(rows, _COLUMNS, path=path)
        images, photo_remarks = join_photos([[c] for c in values["case_id"]], find_photos(folder), where=str(folder))
        remarks.append("no patient ids: every photo counts as a patient of its own")
        if len(rows) != OFFICIAL_ROWS:
            remarks.append(f"{len(rows)} photos, however the published table has {OFFICIAL_ROWS}: this is another one")
        classes = CLASSES if self.label == "malignant" else classes_found(values["disease"], path=path)
        pairs = zip(values[self.label], values["malignant"], strict=True)
        schema = _schema(classes, malignant={name for name, group in pairs if group == "malignant"})
        ids = values["case_id"]
        values |= {"patient_id": ids, "lesion_id": ids, "images": images, "target": values[self.label]}
        return check_table(Cases(schema, make_table(schema, values), (*remarks, *photo_remarks)))


def _schema(classes: tuple[str, ...], *, malignant: set[str]) -> Schema:
    return Schema(
        name="ddi",
        classes=classes,
        class_titles={name: name.replace("-", " ").capitalize() for name in classes},
        class_groups={"malignant": tuple(name for name in classes if name in malignant)},
        subgroups=("skin_tone",),
        outcomes=OUTCOMES,
        licence="Stanford University Dataset Research Use Agreement",
        citation=(
            "Daneshjou R. et al. (2022), Disparities in dermatology AI performance on a diverse, curated clinical "
            "image set, Science Advances 8:eabq6147; data: ddi-dataset.github.io"
        ),
    )

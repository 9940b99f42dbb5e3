"""HAM10000: dermoscopic photos of pigmented lesions from Vienna and Queensland, with age, sex and site."""

from __future__ import annotations

from pathlib import Path

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
from mmskin.data.vocabulary import AGE, SEX, age_group
from mmskin.schema import Field, Schema

_SITES = (
    *("abdomen", "acral", "back", "chest", "ear", "face", "foot", "genital", "hand"),
    *("lower extremity", "neck", "scalp", "trunk", "upper extremity"),
)
SITE = Field(
    name="site",
    kind="categorical",
    label="Body site",
    choices=_SITES,
    phrases={
        "value": ("On the {value}.", "Lesion on the {value}.", "Site: {value}."),
        "acral": ("On palm or sole.", "Acral lesion.", "Site: acral."),
        "genital": ("On the genitals.", "Genital lesion.", "Site: genitals."),
        "unknown": ("Body site unknown.", "Site not known."),
    },
)

SCHEMA = Schema(
    name="ham10000",
    classes=("akiec", "bcc", "bkl", "df", "mel", "nv", "vasc"),
    class_titles={
        "akiec": "Actinic keratosis, Bowen's disease",
        "bcc": "Basal cell carcinoma",
        "bkl": "Benign keratosis-like lesion",
        "df": "Dermatofibroma",
        "mel": "Melanoma",
        "nv": "Melanocytic nevus",
        "vasc": "Vascular lesion",
    },
    class_groups={"malignant": ("akiec", "bcc", "mel")},
    fields=(AGE, SEX, SITE),
    subgroups=("sex", "age_group", "site"),
    outcomes={
        "dx_type": "how a diagnosis was confirmed depends on it: every melanoma by histology, only nevi by follow-up",
    },
    licence="CC BY-NC 4.0",
    citation=(
        "Tschandl P., Rosendahl C., Kittler H. (2018), The HAM10000 dataset, a large collection of multi-source "
        "dermatoscopic images of common pigmented skin lesions, Scientific Data 5:180161, doi:10.7910/DVN/DBW86T"
    ),
)

_COLUMNS = {
    "case_id": photo_column("image_id"),
    "lesion_id": id_column("lesion_id"),
    "target": label_column("dx", SCHEMA.classes),
    "age": field_column(AGE),
    "sex": field_column(SEX),
    "site": field_column(SITE, name="localization"),
    "dx_type": kept_column("dx_type"),
}
_OBTAIN = "download HAM10000 from doi:10.7910/DVN/DBW86T (Harvard Dataverse) and name the folder that holds it"


class Ham10000:
    """Dermoscopic photos of pigmented lesions with age, sex and site: 7 diagnoses, 10,015 photos, 7,470 lesions.

    *How taken.* With dermatoscopes over twenty years, at the Medical University of Vienna and in a practice in
    Queensland; partly scanned slides. A case here is one photo.

    *Classes (photos).* nv 6,705, mel 1,113, bkl 1,099, bcc 514, akiec 327, vasc 142, df 115.

    *Known biases.*
    - **No patient ids.** Photos are kept together by lesion; a patient with two lesions may lie in two parts.
    - **How a label was confirmed gives it away** (`dx_type`): 3,704 of the 6,705 nevi and nothing else by follow-up,
      confocal microscopy only for bkl, every mel, bcc and akiec by histology. An outcome, never an input.
    - Dermoscopy, mostly light skin; skin type is not recorded. 39 ages are 0: kept as written.

    *Ids.* Missing is blank for age and the word "unknown" for sex and site, which is kept as "unknown".
    *Split.* None is official. The photos are part of ISIC 2018 and 2019: do not test on one what trained on another.

    *Licence* CC BY-NC 4.0. *Citation* Tschandl et al. 2018, Scientific Data 5:180161.
    *To obtain* it, unpack doi:10.7910/DVN/DBW86T (Harvard Dataverse) so that `HAM10000_metadata.csv` (or, as published,
    without the ending) and the photos lie under one folder, in `HAM10000_images_part_1` and `_2` or anywhere else.
    """

    schema = SCHEMA

    def load(self, root: str | Path) -> Cases:
        """Read `HAM10000_metadata.csv` under a folder and find the photos at any depth.

        Raises:
            DataError: file or columns missing, values not admissible, one image_id with two contents or two files.
        """
        folder = Path(root).resolve()
        plain = folder / "HAM10000_metadata"
        path = plain if plain.is_file() else plain.with_suffix(".csv")
        needed = [column.name for column in _COLUMNS.values()]
        rows, remarks = read_rows(path, needed, key="image_id", label="dx", obtain=_OBTAIN)
        values = parse_columns(rows, _COLUMNS, path=path)
        images, photo_remarks = join_photos([[c] for c in values["case_id"]], find_photos(folder), where=str(folder))
        remarks.append("no patient ids: photos of one lesion count as one patient")
        age_groups = [age_group(age) for age in values["age"]]
        values |= {"patient_id": values["lesion_id"], "images": images, "age_group": age_groups}
        table = make_table(SCHEMA, values)
        return check_table(Cases(schema=SCHEMA, table=table, remarks=(*remarks, *photo_remarks)))

"""MILK10k: a clinical close-up and a dermoscopic photo of every lesion, with age, sex, skin tone and site."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from mmskin.data.photo_files import find_photos
from mmskin.data.photo_pairs import CLINICAL, DERMOSCOPIC, Photos, join_pairs, wanted_kinds
from mmskin.data.rows import (
    Column,
    field_column,
    id_column,
    kept_column,
    one_hot_labels,
    parse_columns,
    photo_column,
    read_rows,
)
from mmskin.data.table import Cases, check_table, make_table
from mmskin.data.vocabulary import AGE, SEX, age_group
from mmskin.errors import DataError, first_of, one_of
from mmskin.schema import Field, Schema

SKIN_TONE = Field(
    name="skin_tone",
    kind="categorical",
    label="Skin tone, 0 very dark to 5 very light (not Fitzpatrick)",
    choices=("0", "1", "2", "3", "4", "5"),
    phrases={
        "value": (
            "Skin tone {value} from 0, very dark, to 5, very light.",
            "Skin tone {value} of 5, where 0 is very dark and 5 very light.",
        ),
        "unknown": ("Skin tone unknown.", "Skin tone not known."),
    },
)
SITE = Field(
    name="site",
    kind="categorical",
    label="Body site",
    choices=("foot", "genital", "hand", "head neck face", "lower extremity", "trunk", "upper extremity"),
    phrases={
        "value": ("On the {value}.", "Lesion on the {value}.", "Site: {value}."),
        "genital": ("On the genitals.", "Genital lesion.", "Site: genitals."),
        "head neck face": ("On head, neck or face.", "Lesion of head, neck or face.", "Site: head, neck or face."),
        "unknown": ("Body site unknown.", "Site not known."),
    },
)

SCHEMA = Schema(
    name="milk10k",
    classes=("AKIEC", "BCC", "BEN_OTH", "BKL", "DF", "INF", "MAL_OTH", "MEL", "NV", "SCCKA", "VASC"),
    class_titles={
        "AKIEC": "Actinic keratosis, intraepidermal carcinoma",
        "BCC": "Basal cell carcinoma",
        "BEN_OTH": "Other benign proliferation, collision tumours included",
        "BKL": "Benign keratinocytic lesion",
        "DF": "Dermatofibroma",
        "INF": "Inflammatory or infectious condition",
        "MAL_OTH": "Other malignant proliferation, collision tumours included",
        "MEL": "Melanoma",
        "NV": "Melanocytic nevus",
        "SCCKA": "Squamous cell carcinoma, keratoacanthoma",
        "VASC": "Vascular lesion or haemorrhage",
    },
    class_groups={"malignant": ("AKIEC", "BCC", "MAL_OTH", "MEL", "SCCKA")},
    fields=(AGE, SEX, SKIN_TONE, SITE),
    subgroups=("sex", "age_group", "skin_tone", "site"),
    outcomes={
        "image_manipulation": "how a photo was worked on was decided with the lesion known, and may go with its kind",
        "diagnosis_full": "the diagnosis itself, in finer words",
        "diagnosis_confirm_type": "whether tissue was taken depends on the suspected diagnosis",
        "invasion_thickness_interval": "measured in the tissue, of invasive melanoma only",
    },
    licence="CC BY-NC 4.0",
    citation=(
        "Tschandl P. et al. (2026), MILK10k: a hierarchical multimodal imaging-learning toolkit for diagnosing "
        "pigmented and nonpigmented skin cancer and its simulators, Journal of Investigative Dermatology 146:357-364, "
        "doi:10.1016/j.jid.2025.06.1594; data: MILK study team, ISIC Archive, doi:10.34970/648456"
    ),
)

_METADATA, _LABELS, _SUPPLEMENT = (f"MILK10k_Training_{part}.csv" for part in ("Metadata", "GroundTruth", "Supplement"))
_OBTAIN = (
    f"MILK10k needs {_METADATA} and {_LABELS}: download them from challenge.isic-archive.com/landing/milk10k and name "
    "the folder that holds them; tables exported from the ISIC archive (milk10k_train_isic_archive_merged.csv) have "
    "other columns and are not read"
)

_KINDS = {"clinical: close-up": CLINICAL, "dermoscopic": DERMOSCOPIC}


def _kind(cell: str) -> str:
    if cell not in _KINDS:
        raise DataError(one_of("image_type", cell, _KINDS))
    return _KINDS[cell]


_PATIENT = {
    "age": field_column(AGE, name="age_approx"),
    "sex": field_column(SEX),
    "skin_tone": field_column(SKIN_TONE, name="skin_tone_class", said={f"{c}.0": c for c in SKIN_TONE.choices}),
    "site": field_column(SITE, said={choice.replace(" ", "_"): choice for choice in SITE.choices}),
}
_PHOTO = {
    "lesion_id": id_column("lesion_id"),
    "isic_id": photo_column("isic_id"),
    "kind": Column("image_type", _kind),
    **_PATIENT,
    "image_manipulation": kept_column("image_manipulation"),
}
_IN_SUPPLEMENT = tuple(name for name in SCHEMA.outcomes if name not in _PHOTO)

_Photo = dict[str, Any]  # a row of the metadata: the keys of _PHOTO, and the number of the row


class Milk10k:
    """Pairs of clinical close-up and dermoscopic photo with age, sex, skin tone and site: 11 diagnoses, 5,240 lesions.

    *How taken.* 10,480 photos of lesions suspected to be malignant, collected in retrospect at five centres. A case
    here is a lesion with its two photos. By default a case has both, the close-up first: the pair is what the
    benchmark of the set gives, and leaving one out is an experiment, to be named (`photos`).

    *Classes (lesions).* BCC 2,522, NV 746, BKL 544, SCCKA 473, MEL 450, AKIEC 303, DF 52, INF 50, VASC 47, BEN_OTH 44,
    MAL_OTH 9. `malignant` holds AKIEC, BCC, MAL_OTH, MEL and SCCKA, as in HAM10000: AKIEC is a precursor.

    *Known biases.*
    - **No patient ids.** Photos are kept together by lesion; a patient with two lesions may lie in two parts.
    - **Chosen for suspicion**: 95.7 % are confirmed by histopathology, nearly half are BCC. How a label was confirmed
      (`diagnosis_confirm_type`) and whether a photo was altered (`image_manipulation`) may go with it: outcomes, never
      inputs. So is all of the Supplement.
    - **Skin tone is no Fitzpatrick type**: 0 is very dark, 5 very light. Of the 10,480 photos 12, 210, 1,012, 6,348,
      2,132 and 766 have tone 0 to 5: nothing can be said about very dark skin.
    - The `MONET_*` columns are a model's reading of the photo, not a patient's history: they are not read.
    - Many photos show pen marks around lesions that were to be biopsied.

    *Ids.* Age (in steps of five years) is blank in 40 rows and site in 62. Both rows of a lesion say the same of its
    patient; where they do not, the table is refused. A lesion without a label has no target.
    *Split.* None is official; the labels of the benchmark's 479 test lesions are not public, and those are not read.

    *Licence* CC BY-NC 4.0. *Citation* Tschandl et al. 2026, Journal of Investigative Dermatology 146:357-364.
    *To obtain* it, download `MILK10k_Training_Metadata.csv`, `MILK10k_Training_GroundTruth.csv`, if wanted
    `MILK10k_Training_Supplement.csv`, and the photos from challenge.isic-archive.com/landing/milk10k into one folder.
    Photos may lie in a folder per lesion or flat, and may be PNG copies: they are joined by isic_id.

    Args:
        photos: "both" of a case, or the "clinical" or the "dermoscopic" one alone.
    """

    schema = SCHEMA

    def __init__(self, *, photos: Photos = "both") -> None:
        self.kinds = wanted_kinds(photos)

    def load(self, root: str | Path) -> Cases:
        """Read the tables under a folder, join them by lesion, and find the photos at any depth.

        An outcome of which the two photos of a case are told different things holds both, the close-up's first:
        "instrument only | altered". Outcomes of a Supplement that is not there are None.

        Raises:
            DataError: files or columns missing, values not admissible, rows of a lesion that contradict each other,
                two files for one photo.
        """
        folder = Path(root).resolve()
        lesions, remarks = _read_lesions(folder)
        pairs = {lesion: {photo["kind"]: photo["isic_id"] for photo in photos} for lesion, photos in lesions.items()}
        targets, label_remarks = _read_targets(folder, lesions)
        supplement, supplement_remarks = _read_supplement(folder, {name for p in pairs.values() for name in p.values()})
        images, photo_remarks = join_pairs(pairs, self.kinds, find_photos(folder), where=str(folder))
        told = [[photo | supplement.get(photo["isic_id"], {}) for photo in photos] for photos in lesions.values()]
        values: dict[str, Sequence[Any]] = {key: list(lesions) for key in ("case_id", "patient_id", "lesion_id")}
        values |= {"images": images, "target": targets}
        values |= {name: [photos[0][name] for photos in told] for name in _PATIENT}
        values |= {name: [_outcome(photos, name) for photos in told] for name in SCHEMA.outcomes}
        values |= {"age_group": [age_group(age) for age in values["age"]]}
        remarks += [*label_remarks, *supplement_remarks, "no patient ids: a lesion counts as a patient", *photo_remarks]
        return check_table(Cases(schema=SCHEMA, table=make_table(SCHEMA, values), remarks=tuple(remarks)))


def _read_lesions(folder: Path) -> tuple[dict[str, list[_Photo]], list[str]]:
    """The photos of every lesion, the close-up first, and remarks."""
    path = folder / _METADATA
    rows, remarks = read_rows(path, [column.name for column in _PHOTO.values()], key="isic_id", obtain=_OBTAIN)
    values = parse_columns(rows, _PHOTO, path=path)
    lesions: dict[str, list[_Photo]] = defaultdict(list)
    for row, *cells in zip(rows.index, *values.values(), strict=True):
        photo = dict(zip(values, cells, strict=True))
        lesions[photo["lesion_id"]].append(photo | {"row": row})
    faults = [fault for photos in lesions.values() for fault in _contradictions(photos)]
    if faults:
        raise DataError(
            f"{path}: {len(faults)} lesions are told in rows that don't go together: {first_of(faults)}; "
            "a lesion has one close-up and one dermoscopic photo, of the same patient"
        )
    for photos in lesions.values():
        photos.sort(key=lambda photo: photo["kind"] != CLINICAL)
    return lesions, remarks


def _contradictions(photos: Sequence[_Photo]) -> list[str]:
    """What is wrong between the rows of one lesion: nothing, or one line."""
    told = [f"different {name}" for name in _PATIENT if len({photo[name] for photo in photos}) > 1]
    kinds = [photo["kind"] for photo in photos]
    told += [f"{kinds.count(kind)} {kind} photos" for kind in dict.fromkeys(kinds) if kinds.count(kind) > 1]
    rows = " and ".join(str(photo["row"]) for photo in photos)
    return [f"{photos[0]['lesion_id']} in rows {rows} with {', '.join(told)}"] if told else []


def _outcome(photos: Sequence[_Photo], name: str) -> str | None:
    """What the photos of a lesion are told: one text, or both where they differ."""
    return " | ".join(dict.fromkeys(photo[name] for photo in photos if photo.get(name))) or None


def _read_targets(folder: Path, lesions: Collection[str]) -> tuple[list[str | None], list[str]]:
    """The label of every lesion, None where there is none, and remarks."""
    path = folder / _LABELS
    rows, remarks = read_rows(path, ["lesion_id", *SCHEMA.classes], key="lesion_id", obtain=_OBTAIN)
    ids = parse_columns(rows, {"lesion_id": id_column("lesion_id")}, path=path)["lesion_id"]
    labels = dict(zip(ids, one_hot_labels(rows, SCHEMA.classes, path=path), strict=True))
    absent = [lesion for lesion in lesions if lesion not in labels]
    if absent:
        remarks.append(f"{len(absent)} lesions have no row in {_LABELS}: cases without target: {first_of(absent, 3)}")
    stray = [lesion for lesion in labels if lesion not in lesions]
    if stray:
        remarks.append(f"{len(stray)} lesions of {_LABELS} have no photo in {_METADATA}: {first_of(stray, 3)}")
    return [labels.get(lesion) for lesion in lesions], remarks


def _read_supplement(folder: Path, photos: Collection[str]) -> tuple[dict[str, dict[str, str | None]], list[str]]:
    """Outcomes by photo, and remarks; none of either where there is no Supplement."""
    path = folder / _SUPPLEMENT
    if not path.is_file():
        return {}, []
    rows, remarks = read_rows(path, ["isic_id", *_IN_SUPPLEMENT], key="isic_id", obtain=_OBTAIN)
    columns = {"isic_id": photo_column("isic_id"), **{name: kept_column(name) for name in _IN_SUPPLEMENT}}
    values = parse_columns(rows, columns, path=path)
    ids = values.pop("isic_id")
    stray = [photo for photo in ids if photo not in photos]
    if stray:
        remarks.append(f"{len(stray)} photos of {_SUPPLEMENT} are not in {_METADATA}: {first_of(stray, 3)}")
    told = [dict(zip(values, cells, strict=True)) for cells in zip(*values.values(), strict=True)]
    return dict(zip(ids, told, strict=True)), remarks

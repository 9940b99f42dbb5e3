"""PAD-UFES-20: clinical smartphone photos with the history of patients in Espírito Santo, Brazil."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from mmskin.data.photo_files import find_photos, join_photos
from mmskin.data.rows import (
    Column,
    field_column,
    id_column,
    kept_column,
    label_column,
    parse_columns,
    photo_column,
    read_rows,
)
from mmskin.data.suspicions import shared_lesions
from mmskin.data.table import Cases, check_table, make_table
from mmskin.data.vocabulary import AGE, SEX, age_group
from mmskin.errors import first_of
from mmskin.schema import Field, FieldValue, Schema


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
    AGE,
    SEX,
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

# What the file says where it differs from the schema: fitspatrick is its spelling, and Brazil has two.
_SKIN_TYPES = {f"{skin_type}.0": str(skin_type) for skin_type in range(1, 7)}
_BRASIL = {"BRASIL": "Brazil"}
_READ: Mapping[str, tuple[str, Mapping[str, FieldValue]]] = {
    "sex": ("gender", {}),
    "fitzpatrick": ("fitspatrick", _SKIN_TYPES),
    "diameter_1_mm": ("diameter_1", {}),
    "diameter_2_mm": ("diameter_2", {}),
    "background_father": ("background_father", _BRASIL),
    "background_mother": ("background_mother", _BRASIL),
}
_COLUMNS: Mapping[str, Column] = {
    "case_id": photo_column("img_id"),
    "patient_id": id_column("patient_id"),
    "lesion_id": id_column("lesion_id"),
    "target": label_column("diagnostic", SCHEMA.classes),
    **{f.name: field_column(f, name=of, said=said) for f in FIELDS for of, said in [_READ.get(f.name, (f.name, {}))]},
    "biopsed": kept_column("biopsed"),
}

_OBTAIN = "download PAD-UFES-20 from doi:10.17632/zr7vgbcyr2.1 (Mendeley Data) and name the folder that holds it"


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
    - `PAT_759_1433_914` (NEV) and `PAT_759_1538_566` (BCC) are the same photo; see `data.conflicts`.
    - `diameter_1` is the larger one in all but 17 of the rows where the two differ. A few are 0 mm: kept as written.

    *Ids.* `lesion_id` of the file is not unique to a patient (250 are shared by two): lesions are keyed by both ids.
    The file's four states True, False, UNK and blank become "yes", "no", "unknown" and None.
    *Split.* None is official. Published ones are often by photo, with patients on both sides; see `mmskin.data.splits`.

    *Licence* CC BY 4.0. *Citation* Pacheco et al. 2020, Data in Brief 32:106221.
    *To obtain* it, unpack doi:10.17632/zr7vgbcyr2.1 (Mendeley Data) so that `metadata.csv` and `images/` lie in one
    folder. Photos may stay in `imgs_part_1` to `_3` or lie flat, and may be JPEG copies: they are joined by file stem.

    Args:
        images: folder of the photos under the root, searched with all its subfolders.
    """

    schema = SCHEMA

    def __init__(self, *, images: str = "images") -> None:
        self.images = images

    def load(self, root: str | Path) -> Cases:
        """Read `metadata.csv` under a folder and find the photos.

        The table has the columns of `Cases`, then `biopsed` (as read) and `age_group` ("<40", "40-59", "60+").

        Raises:
            DataError: file or columns missing, values not admissible, one img_id with two contents, two photo files
                for one img_id.
        """
        folder = Path(root).resolve()
        path = folder / "metadata.csv"
        needed = [column.name for column in _COLUMNS.values()]
        rows, remarks = read_rows(path, needed, key="img_id", label="diagnostic", obtain=_OBTAIN)
        values = parse_columns(rows, _COLUMNS, path=path)
        unlabelled = values["target"].count(None)
        if unlabelled:
            remarks.append(f"{unlabelled} rows have no diagnosis: cases without target")
        merged = sum(int((rows[f"background_{parent}"] == "BRASIL").sum()) for parent in ("father", "mother"))
        if merged:
            remarks.append(f"background BRASIL read as Brazil in {merged} cells")
        images, photo_remarks = join_photos(
            [[case] for case in values["case_id"]], find_photos(folder / self.images), where=self.images
        )
        shared = shared_lesions(values["patient_id"], values["lesion_id"])
        if shared:
            told = first_of([f"{lesion} ({' and '.join(of)})" for lesion, of in shared.items()], 3)
            remarks.append(f"{len(shared)} lesion ids stand under several patients, lesions go by both: {told}")
        lesions = [f"{p}_{lesion}" for p, lesion in zip(values["patient_id"], values["lesion_id"], strict=True)]
        values |= {"lesion_id": lesions, "images": images, "age_group": [age_group(age) for age in values["age"]]}
        table = make_table(SCHEMA, values)
        return check_table(Cases(schema=SCHEMA, table=table, remarks=(*remarks, *photo_remarks)))

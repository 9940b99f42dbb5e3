"""Nine invented SCIN cases in the real layout: real column names, real vocabularies, real kinds of dirt.

Dirt: negative ids, YES or blank boxes, a tie for the first diagnosis, an empty differential, diagnoses with quotes and
commas, two cases with the same photo, a case without answers, a photo that is not on disk.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path

from PIL import Image

RACES = (
    *("american_indian_or_alaska_native", "asian", "black_or_african_american", "hispanic_latino_or_spanish_origin"),
    *("middle_eastern_or_north_african", "native_hawaiian_or_pacific_islander", "white", "other_race"),
    "prefer_not_to_answer",
)
BODY_PARTS = (
    *("head_or_neck", "arm", "palm", "back_of_hand", "torso_front", "torso_back", "genitalia_or_groin", "buttocks"),
    *("leg", "foot_top_or_side", "foot_sole", "other"),
)
SYMPTOMS = (
    *("bothersome_appearance", "bleeding", "increasing_size", "darkening", "itching", "burning", "pain"),
    "no_relevant_experience",
)
OTHERS = (
    *("fever", "chills", "fatigue", "joint_pain", "mouth_sores", "shortness_of_breath"),
    "no_relevant_symptoms",
)
CASE_COLUMNS = (
    *("case_id", "source", "release", "year", "age_group", "sex_at_birth", "fitzpatrick_skin_type"),
    *(f"race_ethnicity_{race}" for race in RACES),
    *(f"textures_{texture}" for texture in ("raised_or_bumpy", "flat", "rough_or_flaky", "fluid_filled")),
    *(f"body_parts_{part}" for part in BODY_PARTS),
    *(f"condition_symptoms_{symptom}" for symptom in SYMPTOMS),
    *(f"other_symptoms_{symptom}" for symptom in OTHERS),
    *("related_category", "condition_duration", "image_1_path", "image_2_path", "image_3_path"),
    *("image_1_shot_type", "image_2_shot_type", "image_3_shot_type", "combined_race"),
    "race_ethnicity_two_or_more_after_mitigation",
)
LABEL_COLUMNS = (
    "case_id",
    *(f"dermatologist_gradable_for_skin_condition_{i}" for i in (1, 2, 3)),
    "dermatologist_skin_condition_on_label_name",
    "dermatologist_skin_condition_confidence",
    "weighted_skin_condition_label",
    *(f"dermatologist_gradable_for_fitzpatrick_skin_type_{i}" for i in (1, 2, 3)),
    *(f"dermatologist_fitzpatrick_skin_type_label_{i}" for i in (1, 2, 3)),
    *("gradable_for_monk_skin_tone_india", "gradable_for_monk_skin_tone_us"),
    *("monk_skin_tone_label_india", "monk_skin_tone_label_us"),
)

ECZEMA, URTICARIA = "{'Eczema': 1.0}", "{'Urticaria': 0.67, 'Eczema': 0.33}"
DIFFERENTIALS = {
    "-9000000000000000001": ECZEMA,
    "-9000000000000000002": ECZEMA,
    "-9000000000000000003": "{'Eczema': 0.5, 'Urticaria': 0.5}",
    "1000000000000000004": URTICARIA,
    "1000000000000000005": URTICARIA,
    "1000000000000000006": "{'Acute dermatitis, NOS': 0.6, \"Grover's disease\": 0.4}",
    "1000000000000000007": '{"Grover\'s disease": 1.0}',
    "1000000000000000008": "{}",
    "1000000000000000009": "{}",
}
ANSWERS: dict[str, dict[str, str]] = {
    "-9000000000000000001": {
        "age_group": "AGE_18_TO_29",
        "sex_at_birth": "FEMALE",
        "fitzpatrick_skin_type": "FST3",
        "condition_symptoms_itching": "YES",
        "other_symptoms_no_relevant_symptoms": "YES",
        "body_parts_arm": "YES",
        "related_category": "RASH",
        "condition_duration": "ONE_TO_FOUR_WEEKS",
    },
    "-9000000000000000002": {
        "age_group": "AGE_UNKNOWN",
        "sex_at_birth": "OTHER_OR_UNSPECIFIED",
        "fitzpatrick_skin_type": "NONE_IDENTIFIED",
        "condition_symptoms_no_relevant_experience": "YES",
        "related_category": "OTHER_ISSUE_DESCRIPTION",
        "condition_duration": "UNKNOWN",
    },
}


OPTIONS = {"min_cases": 2}  # for the contract tests: with so few cases none is a class by default


def make_scin(folder: Path, *, renamed: Mapping[str, str] | None = None) -> Path:
    """Write both tables and the photos under a folder; columns can be renamed to see the reader refuse."""
    photos = folder / "dataset" / "images"
    photos.mkdir(parents=True)
    cases, labels = [], []
    for number, (case, differential) in enumerate(DIFFERENTIALS.items()):
        first = f"-{3 if number == 4 else number}.png"  # cases 3 and 4 have the same photo
        row = {"case_id": case, "source": "SCIN", "release": "1.0.0", "year": "2023"}
        row |= {"image_1_path": f"dataset/images/{first}", "image_1_shot_type": "CLOSE_UP", **ANSWERS.get(case, {})}
        if number == 0:
            row |= {"image_2_path": "dataset/images/-100.png", "image_2_shot_type": "AT_DISTANCE"}
        cases.append(row)
        labels.append({"case_id": case, "weighted_skin_condition_label": differential, "monk_skin_tone_label_us": "3"})
        if number != 5:  # this one's photo is not on disk
            Image.new("RGB", (8, 8), (150, 100, 90)).save(photos / first)
    Image.new("RGB", (8, 8), (90, 100, 90)).save(photos / "-100.png")
    _write(folder / "scin_cases.csv", CASE_COLUMNS, cases, renamed or {})
    _write(folder / "scin_labels.csv", LABEL_COLUMNS, list(reversed(labels)), renamed or {})
    return folder


def _write(path: Path, columns: tuple[str, ...], rows: list[dict[str, str]], renamed: Mapping[str, str]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow([renamed.get(column, column) for column in columns])
        writer.writerows([row.get(column, "") for column in columns] for row in rows)

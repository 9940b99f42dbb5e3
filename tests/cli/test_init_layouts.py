"""Four layouts that people come with, each as a new user would: init, data check, train, predict-table on its own rows.

The number of the test is only worth something if the same rows get the same answers ever after: bit for bit.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from cli.conftest import Type
from PIL import Image

from mmskin.config.experiment import read_experiment

SIZE = 36
DX = ["NV", "MEL", "BCC"] * (SIZE // 3)
Made = tuple[str, str]  # what follows `init`, and what follows `predict-table MODEL`


def draw(path: Path, seed: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 255, (32, 32, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)


def photos_of_lesions(folder: Path) -> Made:
    """A row a photo, two kinds a lesion, a column a class; as MILK10k in one table."""
    rows = []
    for i in range(2 * SIZE):
        lesion, kind = i // 2, ("dermoscopic", "clinical: close-up")[i % 2]
        draw(folder / "photos" / f"l{lesion}" / f"ISIC_{i}.jpg", i)
        row = {"lesion_id": f"l{lesion}", "image_type": kind, "isic_id": f"ISIC_{i}", "age_approx": 30 + lesion % 7 * 5}
        row |= {"sex": ("male", "female")[lesion % 4 // 2], "MONET_hair": i % 5 / 5}
        rows.append(row | {name: float(DX[lesion] == name) for name in ("BCC", "MEL", "NV")})
    pd.DataFrame(rows).to_csv(folder / "milk.csv", index=False)
    return f"{folder}/milk.csv --photos {folder}/photos", f"{folder}/milk.csv"


def export_of_the_archive(folder: Path) -> Made:
    """Levels of diagnosis, ids without endings, no patients but lesions; as the ISIC archive exports it."""
    for i in range(SIZE):
        draw(folder / "images" / f"ISIC_{i}.jpg", i)
    table = pd.DataFrame({"isic_id": [f"ISIC_{i}" for i in range(SIZE)], "attribution": "A clinic"})
    table["age_approx"] = [30 + i % 7 * 5 for i in range(SIZE)]
    table["concomitant_biopsy"] = [str(i % 2 == 0) for i in range(SIZE)]
    table["diagnosis_1"] = ["Benign" if name == "NV" else "Malignant" for name in DX]
    table["diagnosis_2"], table["diagnosis_3"] = DX, [*["deep"] * 4, *[""] * (SIZE - 4)]
    table["lesion_id"] = [f"IL_{i // 2 if i < 6 and DX[i] == DX[i // 2] else i + 100}" for i in range(SIZE)]
    table["sex"] = ["male", "female", "female", "male"] * (SIZE // 4)
    table.to_csv(folder / "metadata.csv", index=False)
    return f"{folder}/metadata.csv --photos {folder}/images", f"{folder}/metadata.csv"


def folder_per_class(folder: Path) -> Made:
    """No table at all; what is asked afterwards is a table of the photos' paths."""
    for i, name in enumerate(DX):
        draw(folder / "skin" / name / f"PAT_{i // 2}_{i}.jpg", i)
    paths = [f"{name}/PAT_{i // 2}_{i}.jpg" for i, name in enumerate(DX)]
    pd.DataFrame({"photo": paths}).to_csv(folder / "skin" / "ask.csv", index=False)
    return f"{folder}/skin", f"{folder}/skin/ask.csv"


def sheet_of_a_clinic(folder: Path) -> Made:
    """Excel with titles, German words, decimal commas, units in cells, ids and labels in capitals or not."""
    pytest.importorskip("openpyxl")
    table = pd.DataFrame({"Nr": range(1, SIZE + 1)})
    table["Patienten-ID"] = [f"{'pP'[i % 2]}{i // 2}" for i in range(SIZE)]
    table["Alter"] = [("45 Jahre", "33", "61,5", 20)[i % 4] for i in range(SIZE)]
    table["Juckreiz"] = [("ja", "nein", "unbekannt", "")[i % 4] for i in range(SIZE)]
    table["Durchmesser (mm)"] = [("6,5", "4 mm", "", "0.8 cm")[i % 4] for i in range(SIZE)]
    table["Diagnose"] = [name.lower() + " " if i % 9 == 0 else name for i, name in enumerate(DX)]
    table["biopsiert"] = [float(i % 2) for i in range(SIZE)]
    table["Foto"] = [f"f{i}.JPG" for i in range(SIZE)]
    for i in range(SIZE):
        draw(folder / "Fotos" / f"f{i}.jpg", i)
    with pd.ExcelWriter(folder / "Ambulanz.xlsx") as writer:
        table.to_excel(writer, index=False, startrow=2, sheet_name="Fälle")
        writer.sheets["Fälle"]["A1"] = "Hautambulanz, Fälle 2019 bis 2023"
    return f"{folder}/Ambulanz.xlsx --photos {folder}/Fotos", f"{folder}/Ambulanz.xlsx"


@pytest.mark.parametrize("layout", [photos_of_lesions, export_of_the_archive, folder_per_class, sheet_of_a_clinic])
def test_from_init_to_a_number_and_to_the_same_answers(
    mmskin_: Type, tmp_path: Path, layout: Callable[[Path], Made]
) -> None:
    table, asked = layout(tmp_path)
    config, run = tmp_path / "own.yaml", tmp_path / "run"
    code, _, said = mmskin_(f"init {table} --output {config}")
    assert code == 0, said
    code, told, said = mmskin_(f"data check {config}")
    assert (code, "0 faults" in told) == (0, True), told + said
    experiment = read_experiment(config)
    photos = [slot for slot in experiment.encoders if slot not in ("text", "metadata")]
    small = " ".join(
        f"'encoders.{slot}={{name: timm, model: test_resnet, image_size: 32, trainable: all}}'" for slot in photos
    )
    code, _, said = mmskin_(
        f"train {config} --output {run} --quiet data.folds=3 data.test_folds=[0] {small} reduce=null training.epochs=1"
    )
    assert code == 0, said
    tested = pd.read_parquet(run / "predictions.parquet")
    tested = tested[tested["split"] == "test"]
    assert len(tested) >= SIZE // 4
    rows_of(asked, list(tested["case_id"]))
    answers = tmp_path / "answers.parquet"
    code, _, said = mmskin_(f"predict-table {run} {asked} --output {answers}")
    assert code == 0, said
    found = pd.read_parquet(answers)
    columns = [name for name in found if name.startswith("prob_")]
    assert found[columns].to_numpy().tolist() == tested[columns].to_numpy().tolist()


def rows_of(table: str, cases: list[str]) -> None:
    """Leave the rows of these cases alone, in their order: the sums of another batch end in other digits."""
    is_sheet = table.endswith("xlsx")
    whole = pd.read_excel(table, header=2, dtype=object) if is_sheet else pd.read_csv(table, dtype=str)
    ids = next(whole[name].map(str) for name in ("Nr", "photo", "lesion_id") if name in whole)
    if cases[0].startswith("row_"):
        ids = pd.Series([f"row_{place + 2}" for place in range(len(whole))])
    kept = pd.concat([whole[ids == case] for case in cases])
    if is_sheet:
        kept.to_excel(table, index=False)
    else:
        kept.to_csv(table, index=False)


def test_what_is_written_of_each_layout(mmskin_: Type, tmp_path: Path) -> None:
    made = [photos_of_lesions, export_of_the_archive, folder_per_class, sheet_of_a_clinic]
    sources = []
    for layout in made:
        table, _ = layout(tmp_path / layout.__name__)
        config = tmp_path / f"{layout.__name__}.yaml"
        mmskin_(f"init {table} --output {config}")
        sources.append(read_experiment(config).data.source)
    milk, isic, folders, clinic = sources
    assert (milk["target"], milk["case"], milk["images"]) == (["BCC", "MEL", "NV"], "lesion_id", "isic_id")
    assert milk["one_row_per_photo"]["kinds"] == {"dermoscopic": "dermoscopic", "clinical: close-up": "clinical"}
    assert set(milk["outcomes"]) == {"MONET_hair"}
    assert (isic["target"], isic["lesion"]) == ("diagnosis_2", "lesion_id")
    assert set(isic["outcomes"]) == {"concomitant_biopsy", "diagnosis_1"}
    assert folders == {"name": "folders", "patient": "/([A-Za-z]+[_-]?[0-9]+)[_-][^/]*$"}
    assert clinic["patient_in_any_case"] is True
    assert clinic["labels"] == {"nv": "NV"}
    assert clinic["fields"]["Durchmesser (mm)"] == {"kind": "numeric", "unit": "mm"}
    assert set(clinic["outcomes"]) == {"biopsiert"}

"""A submission to the MILK10k challenge as a user types it."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from cli.conftest import Type, is_one_plain_line
from data.make_milk10k import COLUMNS, make_rows, write_photos, write_table
from real_data import real_data

from mmskin.api.table_formats.isic_milk10k import CLASSES
from mmskin.data.tables.declaration import read_declaration
from mmskin.model.classifier import build_model
from mmskin.schema import History, Schema
from mmskin.trained.saved_model import save_model
from mmskin.trained.trained_model import TrainedModel

HEADER = "lesion_id,AKIEC,BCC,BEN_OTH,BKL,DF,INF,MAL_OTH,MEL,NV,SCCKA,VASC"
SCHEMA = read_declaration("milk10k").declared_schema
TEST_TABLE = "MILK10k_Test_Metadata.csv"


def save_small_model(folder: Path, schema: Schema = SCHEMA, *, clinical_only: bool = False) -> Path:
    """Random weights, of the photos and the fields of MILK10k, its classes in another order than the official one."""
    photo = {"name": "timm", "model": "test_efficientnet", "image_size": 32}
    slots = {"clinical": photo} if clinical_only else {"clinical": photo, "dermoscopic": photo}
    slots = slots if clinical_only else {**slots, "metadata": {"name": "tokens", "dim": 8}}
    fusion = {"name": "image_only", "modality": "clinical"} if clinical_only else {"name": "late"}
    parts = {"encoders": slots, "fusion": fusion, "loss": {"name": "cross_entropy"}}
    counts = [1] * len(schema.classes)
    model, loss = build_model(*parts.values(), schema=schema, class_counts=counts)
    for encoder in model.encoders.values():
        encoder.fit([History({"age": 40.0}), History({"age": 60.0})])
    save_model(TrainedModel(model, loss, schema, 1.0, 32, record={**parts, "class_counts": counts}), folder)
    return folder


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    turned = SCHEMA.model_copy(update={"classes": SCHEMA.classes[::-1]})
    return save_small_model(tmp_path_factory.mktemp("model") / "model", turned)


def make_test_part(folder: Path, *, lesions: int = 6) -> Path:
    """The official test part: the 17 columns of the metadata and the photos, and no ground truth."""
    folder.mkdir()
    rows = make_rows(lesions=lesions)
    write_table(folder / TEST_TABLE, rows, COLUMNS)
    write_photos(folder, rows)
    (folder / "MILK10k_Training_Input").rename(folder / "MILK10k_Test_Input")
    return folder / TEST_TABLE


def check_submission(path: Path, *, header: str, lesions: Sequence[str]) -> None:
    """What the challenge asks of a file."""
    assert path.read_text(encoding="utf-8").splitlines()[0] == header
    written = pd.read_csv(path)
    assert written["lesion_id"].tolist() == list(lesions)
    probs = written.drop(columns="lesion_id").to_numpy()
    assert ((probs >= 0) & (probs <= 1)).all()
    np.testing.assert_allclose(probs.sum(axis=1), 1, rtol=0, atol=1e-12)  # float64, written with all digits


def test_a_submission_has_the_official_columns_and_the_models_answers(
    mmskin_: Type, model: Path, tmp_path: Path
) -> None:
    table = make_test_part(tmp_path / "test")
    submission, answers = tmp_path / "submission.csv", tmp_path / "answers.csv"
    code, told, said = mmskin_(f"predict-table {model} {table} --format isic-milk10k --output {submission}")
    assert (code, told) == (0, ""), said
    check_submission(submission, header=HEADER, lesions=[f"IL_{9000 + lesion:07d}" for lesion in range(6)])
    assert mmskin_(f"predict-table {model} {table} --output {answers}")[0] == 0
    own, official = (pd.read_csv(path) for path in (answers, submission))
    assert own.columns[1] == "prob_VASC"  # of this model the first class
    for name in CLASSES:
        assert own[f"prob_{name}"].tolist() == official[name].tolist()


def test_a_submission_has_the_columns_of_the_real_ground_truth(mmskin_: Type, model: Path, tmp_path: Path) -> None:
    """Twenty lesions as the real table writes them, photos of three at hand, beside no label."""
    real = real_data("milk10k")
    header = (real / "MILK10k_Training_GroundTruth.csv").read_text(encoding="utf-8").splitlines()[0]
    assert header == HEADER
    rows = pd.read_csv(real / "MILK10k_Training_Metadata.csv", dtype=str, keep_default_na=False)
    lesions = rows["lesion_id"].drop_duplicates()[:20].tolist()
    folder = tmp_path / "test"
    for lesion in lesions:
        shutil.copytree(real / "MILK10k_Training_Input" / lesion, folder / "MILK10k_Test_Input" / lesion)
    rows[rows["lesion_id"].isin(lesions)].to_csv(folder / TEST_TABLE, index=False)
    submission = tmp_path / "submission.csv"
    code, _, said = mmskin_(f"predict-table {model} {folder / TEST_TABLE} --format isic-milk10k --output {submission}")
    assert code == 0, said
    check_submission(submission, header=header, lesions=lesions)


def test_a_lesion_without_an_answer_is_refused(mmskin_: Type, tmp_path: Path) -> None:
    """The model reads close-ups only, and one lesion has none."""
    model = save_small_model(tmp_path / "model", clinical_only=True)
    table = make_test_part(tmp_path / "test")
    rows = pd.read_csv(table, dtype=str, keep_default_na=False)
    rows = rows[(rows["lesion_id"] != "IL_0009002") | (rows["image_type"] == "dermoscopic")]
    rows.to_csv(table, index=False)
    typed = f"predict-table {model} {table} --format isic-milk10k --output {tmp_path / 'submission.csv'}"
    code, _, complaint = mmskin_(typed)
    assert code == 2
    assert is_one_plain_line(complaint)
    assert "an answer for every lesion, however 1 have nothing that the model reads: IL_0009002;" in complaint
    assert not (tmp_path / "submission.csv").exists()


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ("--format isic-milk --output x.csv", "--format 'isic-milk' does not exist. Did you mean 'isic-milk10k'?"),
        ("--format isic-milk10k --output x.parquet", "--format isic-milk10k is a .csv file, however: --output x.parq"),
    ],
)
def test_a_mistake_is_one_plain_line(mmskin_: Type, tmp_path: Path, options: str, told: str) -> None:
    code, _, complaint = mmskin_(f"predict-table {tmp_path} new.csv {options}")
    assert code == 2
    assert is_one_plain_line(complaint)
    assert told in complaint

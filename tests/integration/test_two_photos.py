"""Two photos of a lesion, the whole way: of one kind, pooled; and as two kinds, each with an encoder of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from make_milk10k import CLASSES, make_milk10k, make_rows
from safetensors.torch import load_file
from small_experiment import ENCODERS, small_experiment

from mmskin.api.predictor import Predictor
from mmskin.benchmark.run.run import run_experiment
from mmskin.config.experiment import Experiment, parse_experiment
from mmskin.data.load import load_cases
from mmskin.errors import UserError

LESIONS = 33  # three of each class
ONE_KIND = {
    "name": "csv",
    "images": ["first", "second"],
    "target": "diagnosis",
    "one_case_per_patient": True,
    "fields": ["sex", "age_approx"],
}
TWO_KINDS = {"name": "milk10k"}
KINDS = ("clinical", "dermoscopic")


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Lesions with two photos each: in the layout of MILK10k, and as a table with two columns of photos."""
    folder = tmp_path_factory.mktemp("milk")
    make_milk10k(folder, lesions=LESIONS, side=32)
    rows = make_rows(lesions=LESIONS)
    photos = [f"MILK10k_Training_Input/{row['lesion_id']}/{row['isic_id']}.jpg" for row in rows]
    lesions = {
        "first": photos[::2],
        "second": photos[1::2],
        "diagnosis": [CLASSES[lesion % len(CLASSES)] for lesion in range(LESIONS)],
        "sex": [row["sex"] for row in rows[::2]],
        "age_approx": [row["age_approx"] for row in rows[::2]],
    }
    pd.DataFrame(lesions).to_csv(folder / "cases.csv", index=False)
    return folder


def experiment(pairs: Path, source: dict[str, Any], **changes: Any) -> Experiment:
    photos = KINDS if source == TWO_KINDS else ("image",)
    raw = small_experiment(pairs, data={"source": source}, epochs=1, batch_size=6).to_json()
    encoders = {**dict.fromkeys(photos, ENCODERS["image"]), "text": ENCODERS["text"]}
    return parse_experiment(raw | {"encoders": encoders} | changes)


def train(asked: Experiment, output: Path) -> pd.DataFrame:
    return run_experiment(asked, output, say=lambda line: None, progress=False)


def saved(output: Path) -> dict[str, Any]:
    return load_file(output / "cells" / "small" / "fold_0" / "seed_0" / "model" / "model.safetensors")


def first_test_case(asked: Experiment, table: pd.DataFrame) -> tuple[pd.Series[Any], pd.Series[Any]]:
    """Its prediction, and its row."""
    tested = table[table["split"] == "test"].iloc[0]
    return tested, load_cases(asked.data).table.set_index("case_id").loc[tested.case_id]


@pytest.mark.parametrize("fusion", ["late", "cross_attention"])
@pytest.mark.parametrize("photo_pooling", ["mean", "attention"])
def test_photos_of_one_kind_are_pooled_whatever_their_order(
    pairs: Path, tmp_path: Path, photo_pooling: str, fusion: str
) -> None:
    asked = experiment(pairs, ONE_KIND, photo_pooling=photo_pooling, fusion={"name": fusion})
    tested, case = first_test_case(asked, train(asked, tmp_path / "run"))
    predictor = Predictor.load(tmp_path / "run")
    assert predictor.trained.record["photo_pooling"] == photo_pooling
    assert (predictor.trained.model.photo_pooling is not None) == (photo_pooling == "attention")
    names = [name for name in saved(tmp_path / "run") if name.startswith("photo_pooling.")]
    assert bool(names) == (photo_pooling == "attention")

    fields = {name: case[name] for name in predictor.schema.field_names}
    assert len(case.images) == 2
    answer = predictor.predict(list(case.images), fields).as_trained
    assert answer == pytest.approx({name: tested[f"prob_{name}"] for name in answer}, abs=1e-6)
    turned = predictor.predict(list(case.images)[::-1], fields).as_trained
    assert turned == pytest.approx(answer, abs=1e-6)
    one = predictor.predict(case.images[0], fields).as_trained
    assert one != pytest.approx(answer, abs=1e-6)


@pytest.mark.parametrize("fusion", ["late", "cross_attention"])
def test_photos_of_two_kinds_are_given_by_kind_and_are_no_substitute_for_each_other(
    pairs: Path, tmp_path: Path, fusion: str
) -> None:
    asked = experiment(pairs, TWO_KINDS, fusion={"name": fusion})
    tested, case = first_test_case(asked, train(asked, tmp_path / "run"))
    predictor = Predictor.load(tmp_path / "run")
    assert predictor.modalities == (*KINDS, "text")

    fields = {name: case[name] for name in predictor.schema.field_names}
    photos = dict(zip(case.image_kinds, case.images, strict=True))
    assert tuple(photos) == KINDS
    answer = predictor.predict(photos, fields)
    assert answer.as_trained == pytest.approx({c: tested[f"prob_{c}"] for c in answer.as_trained}, abs=1e-6)
    turned = dict(zip(KINDS, reversed(case.images), strict=True))
    assert predictor.predict(turned, fields).as_trained != pytest.approx(answer.as_trained, abs=1e-6)
    for kind, other in (KINDS, KINDS[::-1]):
        alone = predictor.predict({kind: photos[kind]}, fields)
        assert alone.missing == (other,)
        assert alone.as_trained != pytest.approx(answer.as_trained, abs=1e-6)
    with pytest.raises(UserError, match="this model reads clinical photos and dermoscopic photos: say which"):
        predictor.predict(photos["clinical"], fields)


def test_attention_learns_with_the_rest(pairs: Path, tmp_path: Path) -> None:
    after = []
    for epochs in (1, 3):
        recipe = experiment(pairs, ONE_KIND).to_json()["training"] | {"epochs": epochs, "weight_decay": 0.0}
        train(experiment(pairs, ONE_KIND, photo_pooling="attention", training=recipe), tmp_path / str(epochs))
        after.append({name: value for name, value in saved(tmp_path / str(epochs)).items() if "photo_pooling" in name})
    for part in ("content", "gate", "score"):
        (name,) = [name for name in after[0] if name.endswith(f"{part}.weight")]
        assert not after[0][name].equal(after[1][name])

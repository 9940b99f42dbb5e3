"""A data set of photo pairs, the whole way: trained with either pooling, saved, loaded, asked with two photos."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from make_milk10k import make_milk10k
from safetensors.torch import load_file
from small_experiment import small_experiment

from mmskin.api.predictor import Predictor
from mmskin.benchmark.run.run import run_experiment
from mmskin.config.experiment import Experiment, parse_experiment
from mmskin.data.load import load_cases


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """33 lesions, three of each class, each with two photos."""
    folder = tmp_path_factory.mktemp("milk")
    make_milk10k(folder, lesions=33, side=32)
    return folder


def experiment(pairs: Path, **changes: Any) -> Experiment:
    raw = small_experiment(pairs, data={"source": {"name": "milk10k"}}, epochs=1, batch_size=6).to_json()
    return parse_experiment(raw | changes)


def train(pairs: Path, output: Path, **changes: Any) -> pd.DataFrame:
    return run_experiment(experiment(pairs, **changes), output, say=lambda line: None, progress=False)


@pytest.mark.parametrize("fusion", ["late", "cross_attention"])
@pytest.mark.parametrize("photo_pooling", ["mean", "attention"])
def test_pairs_are_trained_on_saved_loaded_and_asked_for(
    pairs: Path, tmp_path: Path, photo_pooling: str, fusion: str
) -> None:
    changes = {"photo_pooling": photo_pooling, "fusion": {"name": fusion}}
    table = train(pairs, tmp_path / "run", **changes)
    predictor = Predictor.load(tmp_path / "run")
    assert predictor.trained.record["photo_pooling"] == photo_pooling
    assert (predictor.trained.model.photo_pooling is not None) == (photo_pooling == "attention")
    saved = load_file(tmp_path / "run" / "cells" / "small" / "fold_0" / "seed_0" / "model" / "model.safetensors")
    assert ("photo_pooling.score.weight" in saved) == (photo_pooling == "attention")

    asked = table[table["split"] == "test"].iloc[0]
    cases = load_cases(experiment(pairs, **changes).data).table.set_index("case_id")
    case = cases.loc[asked.case_id]
    fields = {name: case[name] for name in predictor.schema.field_names}
    assert len(case.images) == 2
    answer = predictor.predict(list(case.images), fields).probabilities
    assert answer == pytest.approx({name: asked[f"prob_{name}"] for name in answer}, abs=1e-6)
    turned = predictor.predict(list(case.images)[::-1], fields).probabilities
    assert turned == pytest.approx(answer, abs=1e-6)
    one = predictor.predict(case.images[0], fields).probabilities
    assert one != pytest.approx(answer, abs=1e-6)


def test_attention_learns_with_the_rest(pairs: Path, tmp_path: Path) -> None:
    after = []
    for epochs in (1, 3):
        recipe = experiment(pairs).to_json()["training"] | {"epochs": epochs, "weight_decay": 0.0}
        train(pairs, tmp_path / str(epochs), photo_pooling="attention", training=recipe)
        after.append(
            load_file(tmp_path / str(epochs) / "cells" / "small" / "fold_0" / "seed_0" / "model" / "model.safetensors")
        )
    for name in ("content", "gate", "score"):
        assert not after[0][f"photo_pooling.{name}.weight"].equal(after[1][f"photo_pooling.{name}.weight"])

"""Test-time views: an answer is the mean over the views, the same from a table, from memory and from a saved model."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from explain.small_predictors import small_predictor
from PIL import Image
from small_experiment import small_experiment

from mmskin.api.predictor import Predictor
from mmskin.benchmark.run.run import run_experiment
from mmskin.config.experiment import parse_experiment
from mmskin.data.load import load_cases
from mmskin.explain.explainer import Explainer
from mmskin.inputs.augment import Augment
from mmskin.inputs.batch import collate
from mmskin.inputs.photo_variations import PhotoVariations
from mmskin.inputs.photos import load_image
from mmskin.schema import History
from mmskin.trained.ensemble import Ensemble
from mmskin.trained.run_models import load_trained
from mmskin.trained.saved_model import load_model, save_model
from mmskin.trained.trained_model import TrainedModel

FIELDS = {"age": "62", "itch": "yes"}
HISTORY = History({"age": 62.0, "itch": "yes"}, "it grew")
VIEWS = PhotoVariations.drawn(Augment(), views=3, seed=0)


@pytest.fixture(scope="module")
def photo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("photo") / "a.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (60, 64, 3), dtype=np.uint8)).save(path)
    return path


def three_views(fusion: str = "late") -> TrainedModel:
    (trained,) = small_predictor(fusion).trained.models
    return replace(trained, variations=VIEWS)


def by_hand(trained: TrainedModel, photo: Path) -> Any:
    """softmax(log of the mean of p / T) of the photo and its two variations."""
    pixels = load_image(photo, max_side=64)
    seen = [pixels, *(Augment()(pixels, seed) for seed in VIEWS.seeds)]
    with torch.inference_mode():
        batches = [collate([trained.case(HISTORY, {"image": [view]})]) for view in seen]
        probs = [trained.model(batch).logits.double().softmax(-1)[0].numpy() for batch in batches]
    assert len({tuple(p.round(6)) for p in probs}) == 3
    scaled = np.mean(probs, axis=0) ** (1 / trained.temperature)
    return scaled / scaled.sum()


def test_an_answer_is_the_mean_over_the_views(photo: Path) -> None:
    trained = three_views()
    said = Predictor(trained).predict(photo, FIELDS, "it grew").probabilities
    assert [said[name] for name in trained.schema.classes] == pytest.approx(by_hand(trained, photo), abs=1e-6)


def test_a_table_a_file_and_a_picture_in_memory_have_the_same_views(photo: Path, tmp_path: Path) -> None:
    predictor = Predictor(three_views())
    from_file = predictor.predict(photo, FIELDS, "it grew").probabilities
    renamed = tmp_path / "another name.png"
    renamed.write_bytes(photo.read_bytes())
    in_memory = predictor.predict(Image.open(renamed).copy(), FIELDS, "it grew").probabilities
    assert in_memory == from_file
    frame = pd.DataFrame({"file": [str(renamed)], "age": [62], "itch": ["yes"], "story": ["it grew"]})
    of_table = predictor.predict(frame, photos="file", text="story").iloc[0]
    assert of_table.to_dict() == pytest.approx(from_file, abs=1e-6)


def test_views_are_drawn_from_the_seed_and_the_first_ones_stay() -> None:
    assert PhotoVariations.drawn(Augment(), views=3, seed=0) == VIEWS
    assert PhotoVariations.drawn(Augment(), views=5, seed=0).seeds[:2] == VIEWS.seeds
    assert not set(PhotoVariations.drawn(Augment(), views=3, seed=1).seeds) & set(VIEWS.seeds)


def test_a_saved_model_keeps_its_views(photo: Path, tmp_path: Path) -> None:
    before = three_views()
    save_model(before, tmp_path / "model")
    after = load_model(tmp_path / "model")
    assert after.models[0].variations == VIEWS
    here, there = (Predictor(one).predict(photo, FIELDS).probabilities for one in (before, after))
    assert here == there


def test_without_a_photo_the_views_are_all_alike() -> None:
    plain = small_predictor("late")
    said = Predictor(three_views()).predict(None, FIELDS, "it grew").probabilities
    assert said == pytest.approx(plain.predict(None, FIELDS, "it grew").probabilities)


def test_explanations_are_of_the_mean_and_the_map_says_what_it_is_of(photo: Path) -> None:
    trained = three_views()
    said = Predictor(trained).predict(photo, FIELDS, "it grew").probabilities
    found = Explainer(trained).explain(photo, FIELDS, "it grew")
    assert found.words is not None
    assert found.words.score == pytest.approx(said[found.target], abs=1e-6)
    assert found.shares.score == pytest.approx(said[found.target], abs=1e-6)
    assert found.photo_map is not None
    assert "of the photo as it is; the answer is the mean over 3 views of it" in found.photo_map.notes


def test_an_ensemble_takes_each_model_in_its_own_views(photo: Path) -> None:
    plain, varied = small_predictor("late").trained.models[0], three_views()
    alone = [Predictor(one).predict(photo, FIELDS).probabilities for one in (plain, varied)]
    both = Predictor(Ensemble((plain, varied))).predict(photo, FIELDS).probabilities
    assert both == pytest.approx({name: (alone[0][name] + alone[1][name]) / 2 for name in both})


@pytest.mark.parametrize(("trainable", "tolerance"), [("none", 3e-4), ("all", 1e-9)])  # features are kept as float16
def test_a_run_answers_by_its_views_and_so_does_its_saved_model(
    pad_folder: Path, tmp_path: Path, trainable: str, tolerance: float
) -> None:
    raw = small_experiment(pad_folder, views=2, augment={}, test_views=3, threads=1).to_json()
    raw["encoders"]["image"]["trainable"] = trainable
    experiment = parse_experiment(raw | {"features": str(tmp_path / "features")})
    table = run_experiment(experiment, tmp_path / "run", say=lambda line: None, progress=False)
    asked = table[table["split"] == "test"].reset_index(drop=True)
    rows = load_cases(experiment.data).table.set_index("case_id", drop=False).loc[list(asked.case_id)]
    (trained,) = load_trained(tmp_path / "run").models
    assert trained.views == 3

    def logits(probs: Any) -> Any:
        """Before the temperature, which makes the answers of two epochs all but equal."""
        logs = trained.temperature * np.log(np.asarray(probs))
        return logs - logs.mean(axis=1, keepdims=True)

    anew = logits(trained.probabilities(rows))
    assert anew == pytest.approx(logits(asked.filter(like="prob_")), abs=tolerance)
    plain = logits(replace(trained, variations=None).probabilities(rows))
    assert np.abs(plain - anew).max() > 5 * tolerance

"""A run folder as one model: which of its models answer, and what is said of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from small_experiment import small_experiment
from trained.test_ensemble import model

import mmskin
from mmskin.benchmark.run.grid import cell_folder
from mmskin.benchmark.run.run import run_experiment
from mmskin.errors import ModelError
from mmskin.trained.ensemble import Ensemble
from mmskin.trained.run_models import load_trained
from mmskin.trained.saved_model import save_model

FIELDS = {"age": "40"}


@pytest.fixture(scope="module")
def run(pad_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three folds of an arm of fields."""
    output = tmp_path_factory.mktemp("folds")
    data = {"test_folds": [0, 1, 2]}
    experiment = small_experiment(pad_folder, "metadata", fusion="metadata_only", data=data)
    run_experiment(experiment, output, say=lambda line: None, progress=False)
    return output


def test_the_folds_of_a_run_answer_together(run: Path) -> None:
    alone = [mmskin.load(cell_folder(run, "small", k, 0) / "model").predict(metadata=FIELDS) for k in range(3)]
    together = mmskin.load(run).predict(metadata=FIELDS)
    for name, probability in together.probabilities.items():
        assert probability == pytest.approx(np.mean([answer.probabilities[name] for answer in alone]))
    said = together.remarks[-1]
    assert "answered by 3 models together (folds 0, 1, 2)" in said
    assert "expect the score of the single models of the folds or better; it was not tested as a whole" in said


def test_what_it_is_made_of_is_in_its_record_and_no_fold_is_claimed(run: Path) -> None:
    trained = load_trained(run)
    assert trained.record["ensemble"] == [{"arm": "small", "fold": k, "seed": 0} for k in range(3)]
    assert "fold" not in trained.record


def test_an_ensemble_of_a_run_can_be_saved_as_one_model(run: Path, tmp_path: Path) -> None:
    before = mmskin.load(run)
    before.save(tmp_path / "model")
    after = mmskin.load(tmp_path / "model")
    saved, loaded = (one.predict(metadata=FIELDS) for one in (before, after))
    assert replace(loaded, model=saved.model) == saved


def test_a_part_of_a_run_with_one_model_is_that_model(run: Path) -> None:
    assert load_trained(run / "cells" / "small" / "fold_1").record["fold"] == 1


def save_cells(folder: Path, *cells: tuple[str, int, int]) -> None:
    for number, (arm, fold, seed) in enumerate(cells):
        save_model(model(shift=0.2 * number), cell_folder(folder, arm, fold, seed) / "model")


def test_of_several_arms_one_has_to_be_named(tmp_path: Path) -> None:
    save_cells(tmp_path, ("late", 0, 0), ("late", 10, 0), ("late", 2, 1), ("other", 0, 0))
    with pytest.raises(ModelError, match=r"holds models of several arms: late, other; .* --arm late or load\(…, arm="):
        load_trained(tmp_path)
    trained = load_trained(tmp_path, arm="late")
    assert isinstance(trained, Ensemble)
    assert [one["fold"] for one in trained.record["ensemble"]] == [0, 2, 10]
    assert "(folds 0, 2, 10, seeds 0, 1)" in trained.remarks[0]
    assert load_trained(tmp_path, arm="other").models[0].temperature == 1.5
    with pytest.raises(ModelError, match=r"arm with saved models in .* 'lite' does not exist\. Did you mean 'late'"):
        load_trained(tmp_path, arm="lite")


def test_an_arm_is_not_asked_of_a_model(tmp_path: Path) -> None:
    save_model(model(), tmp_path / "model")
    with pytest.raises(ModelError, match="is a model, not a run: leave out arm=late"):
        load_trained(tmp_path / "model", arm="late")
    assert load_trained(tmp_path).models[0].temperature == 1.5


def test_models_that_lie_elsewhere_than_in_cells_have_to_be_named(tmp_path: Path) -> None:
    for name in ("a", "b"):
        save_model(model(), tmp_path / name / "model")
    with pytest.raises(ModelError, match=r"holds several models, name one of them: .*a/model, .*b/model"):
        load_trained(tmp_path)


def test_folds_with_other_fields_are_refused_in_one_line_with_what_can_be_done(tmp_path: Path) -> None:
    note = model("text_only")
    fewer = note.schema.model_copy(update={"fields": note.schema.fields[:-1]})
    save_model(note, cell_folder(tmp_path, "late", 0, 0) / "model")
    save_model(replace(note, schema=fewer), cell_folder(tmp_path, "late", 1, 0) / "model")
    with pytest.raises(ModelError, match=r"read other fields: grew only one of them .*; name one of: .*fold_0"):
        load_trained(tmp_path)


def test_a_folder_without_a_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"is no mmskin model, without manifest\.json"):
        load_trained(tmp_path)

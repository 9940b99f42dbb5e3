"""An ensemble's answers against means worked out by hand, and a folder of it against the models inside."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from explain.small_predictors import small_predictor

from mmskin.api.predictor import Predictor
from mmskin.errors import ModelError, UserError
from mmskin.schema import History
from mmskin.trained.ensemble import Ensemble, Trained
from mmskin.trained.model_version import CHECKSUM
from mmskin.trained.saved_model import load_model, save_model
from mmskin.trained.trained_model import TrainedModel

FIELDS = {"age": "62", "itch": "yes"}


def model(fusion: str = "late", *, shift: float = 0.0, **changes: object) -> TrainedModel:
    """A small model; a shift moves all its weights that learn, so that it answers otherwise."""
    (trained,) = small_predictor(fusion).trained.models
    with torch.no_grad():
        for parameter in trained.model.fusion.parameters():
            parameter += shift * torch.sin(torch.arange(parameter.numel())).view(parameter.shape)
    return replace(trained, **changes)  # type: ignore[arg-type]


def ensemble(*shifts: float, temperature: float = 1.0) -> Ensemble:
    members: Sequence[Trained] = [model(shift=shift) for shift in shifts]
    return Ensemble(tuple(members), temperature, record=members[0].record)


def fixed(model: TrainedModel) -> np.ndarray:
    """What each of three models is made to answer: by its temperature, which tells them apart."""
    answers = {1.0: [0.5, 0.3, 0.2], 2.0: [0.1, 0.8, 0.1], 3.0: [0.3, 0.1, 0.6]}
    return np.array([answers[model.temperature]])


def test_an_answer_is_the_mean_of_the_probabilities() -> None:
    one, two, three = (model(temperature=temperature) for temperature in (1.0, 2.0, 3.0))
    # (.5 + .1 + .3) / 3, (.3 + .8 + .1) / 3, (.2 + .1 + .6) / 3
    assert Ensemble((one, two, three)).answered(fixed)[0] == pytest.approx([0.3, 0.4, 0.3])
    # an ensemble counts as one member: ((.5 + .1) / 2 + .3) / 2 and so on
    nested = Ensemble((Ensemble((one, two)), three))
    assert nested.answered(fixed)[0] == pytest.approx([0.3, 0.325, 0.375])
    assert nested.models == (one, two, three)


def test_the_temperature_is_that_of_the_mean() -> None:
    pair = Ensemble((model(temperature=1.0), model(temperature=2.0)), temperature=2.0)
    roots = np.sqrt([0.3, 0.55, 0.15])  # softmax(log p / 2)
    assert pair.answered(fixed)[0] == pytest.approx(roots / roots.sum())


def test_a_case_and_a_table_are_answered_by_the_mean_of_what_the_models_answer() -> None:
    three = ensemble(0.0, 0.5, 1.0)
    alone = [Predictor(member).predict(None, FIELDS, "it grew").probabilities for member in three.members]
    together = Predictor(three).predict(None, FIELDS, "it grew").probabilities
    assert len({round(answer["MEL"], 4) for answer in alone}) == 3
    for name in three.schema.classes:
        assert together[name] == pytest.approx(np.mean([answer[name] for answer in alone]))
    frame = pd.DataFrame({"age": [62, None], "itch": ["yes", None], "story": ["it grew", None]})
    rows = Predictor(three).predict(frame, text="story")
    assert rows.iloc[0].to_dict() == pytest.approx(together)
    assert rows.iloc[1].isna().all()  # nothing is there: no model has an answer


def test_its_remarks_are_told_with_every_answer() -> None:
    told = replace(ensemble(0.0, 0.5), remarks=("answered by 2 models",))
    assert "answered by 2 models" in Predictor(told).predict(None, FIELDS).remarks
    assert "2 models together" in repr(Predictor(told))


def test_an_ensemble_has_no_vectors_of_its_own() -> None:
    with pytest.raises(UserError, match="these are 2 models with vectors of their own: load one of them"):
        Predictor(ensemble(0.0, 0.5)).features(None, FIELDS)


def test_it_comes_back_from_its_folder(tmp_path: Path) -> None:
    before = replace(ensemble(0.0, 0.5, temperature=1.5), remarks=("answered by 2 models",))
    save_model(before, tmp_path / "model")
    after = load_model(tmp_path / "model")
    assert isinstance(after, Ensemble)
    assert (after.temperature, after.remarks) == (1.5, ("answered by 2 models",))
    assert {k: v for k, v in after.record.items() if k != CHECKSUM} == json.loads(json.dumps(before.record))
    manifest = (tmp_path / "model" / "manifest.json").read_bytes()
    assert after.record[CHECKSUM] == hashlib.sha256(manifest).hexdigest()[:12]
    here, there = (Predictor(one).predict(None, FIELDS, "it grew").probabilities for one in (before, after))
    assert here == there
    assert Predictor(load_model(tmp_path / "model" / "member_1")).predict(None, FIELDS).probabilities


def test_a_damaged_member_is_refused(tmp_path: Path) -> None:
    save_model(ensemble(0.0, 0.5), tmp_path / "model")
    config = tmp_path / "model" / "member_1" / "config.json"
    config.write_text(config.read_text().replace("1.5", "2.5"))
    with pytest.raises(ModelError, match=r"member_1 is damaged: config\.json"):
        load_model(tmp_path / "model")
    manifest = tmp_path / "model" / "member_1" / "manifest.json"
    manifest.write_text(manifest.read_text() + " ")
    with pytest.raises(ModelError, match=r"model is damaged: member_1/manifest\.json differ"):
        load_model(tmp_path / "model")


def test_models_that_do_not_read_or_answer_alike_are_refused() -> None:
    one = model()
    schema = one.schema
    others: dict[str, TrainedModel] = {
        r"have other classes: NEV, MEL, BCC and NEV, MEL, SCC": replace(
            one, schema=schema.model_copy(update={"classes": ("NEV", "MEL", "SCC")})
        ),
        r"read other fields: grew only one of them": replace(
            one, schema=schema.model_copy(update={"fields": schema.fields[:-1]})
        ),
        r"declare a field, a class or the photos differently": replace(
            one, schema=schema.model_copy(update={"class_titles": {"MEL": "Melanoma"}})
        ),
        r"read photos at other sizes: 64 and 32 pixels": replace(one, photo_side=32),
        r"read other parts of a case: image, text, metadata and text": model("text_only"),
    }
    for message, other in others.items():
        with pytest.raises(ModelError, match=rf"cannot answer together, for models 0 and 1 {message}"):
            Ensemble((one, other))
    with pytest.raises(ModelError, match="needs 2 or more models, however: 1"):
        Ensemble((one,))
    with pytest.raises(ModelError, match="temperature must be a finite number above 0, however: 0"):
        Ensemble((one, one), temperature=0)


def test_absent_parts_are_answered_too() -> None:
    both = ensemble(0.0, 0.5)
    presented = Predictor(both).present(None, {}, "it grew")
    expected = np.mean([m.of_cases([m.case(History({}, "it grew"))])[0] for m in both.models], axis=0)
    assert presented.probabilities() == pytest.approx(expected)

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from mmskin.api.predictor import Predictor
from mmskin.page.card import card


def text_of(html: str) -> str:
    return " ".join(re.sub(r"<[^>]*>", " ", html).split())


def test_the_card_tells_what_the_models_files_say(trained_run: Path) -> None:
    told = text_of(card(Predictor.load(trained_run), trained_run))
    assert "Data set pad_ufes_20" in told
    assert "Folds 3" in told
    assert "Fold held out as test 0" in told
    assert "Missing fields visible: this model was trained with missing fields visible" in told
    assert "Fusion late" in told
    assert "Never an input" in told
    assert "Licences of what it learned from data: pad_ufes_20: CC BY 4.0 Citation" in told


def test_a_licence_that_forbids_commercial_use_is_told_in_plain_words(trained_run: Path) -> None:
    trained = Predictor.load(trained_run).trained
    licences = {"data: milk10k": "CC BY-NC 4.0", "weights: image net": "MIT"}
    told = text_of(card(Predictor(replace(trained, record=dict(trained.record) | {"licences": licences})), trained_run))
    assert "data: milk10k: CC BY-NC 4.0 (non-commercial use only); weights: image net: MIT" in told


def test_what_is_not_in_the_files_is_said_to_be_not_known(trained_run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    predictor = Predictor.load(trained_run)
    record = {key: value for key, value in predictor.trained.record.items() if key not in ("missingness", "fold")}
    predictor = Predictor(replace(predictor.trained, record=record))
    told = text_of(card(predictor, trained_run))
    assert "Missing fields not known" in told
    assert "Fold held out as test not known" in told
    assert "there is no results.json" in told


def test_results_come_with_their_intervals_from_the_run_beside_the_model(trained_run: Path, tmp_path: Path) -> None:
    row = {"arm": "small", "subset": "all", "metric": "balanced_accuracy", "class": "", "estimate": 0.5}
    row |= {"low": 0.4, "high": 0.61, "n": 30, "patients": 24}
    accuracy = row | {"metric": "accuracy", "low": None, "high": None}
    of_class = row | {"class": "MEL", "estimate": 0.9}
    of_another = row | {"arm": "image_only", "estimate": 0.7}
    (tmp_path / "results.json").write_text(json.dumps({"metrics": [row, accuracy, of_class, of_another]}))
    place = tmp_path / "cells" / "small" / "fold_0" / "seed_0" / "model"
    told = text_of(card(Predictor.load(trained_run), place))
    assert "Balanced accuracy 0.500 [0.400, 0.610] Accuracy 0.500 Tested on 30 cases of 24 patients" in told
    assert "0.900" not in told
    assert "0.700" not in told

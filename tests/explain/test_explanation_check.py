from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from explain.small_predictors import PAIR, small_predictor
from PIL import Image

from mmskin.api.predictor import Predictor
from mmskin.config.experiment import DataConfig
from mmskin.data.load import load_cases
from mmskin.errors import UserError
from mmskin.evaluation.predictions import read_predictions
from mmskin.explain.explanation_check import check_explanations, mapped_kind, unseen_rows
from mmskin.explain.overlay import in_pixels
from mmskin.synthetic import make_clinic


def data_of(root: Path, **changed: object) -> DataConfig:
    given = {"source": {"name": "pad_ufes_20"}, "root": str(root), "folds": 3, "test_folds": [0], "photo_side": 32}
    given |= {"missingness": "visible"}
    return DataConfig.model_validate(given | changed)


def test_the_cases_are_those_that_the_model_was_tested_on(trained_run: Path, pad_folder: Path) -> None:
    rows = unseen_rows(Predictor.load(trained_run).trained, data_of(pad_folder, test_folds=[2]))
    predictions = read_predictions(trained_run / "predictions.parquet")
    by_split = predictions.groupby("split").patient_id.apply(set)
    assert set(rows.case_id) == set(predictions[predictions.split == "test"].case_id)
    assert not set(rows.patient_id) & by_split["val"]
    trained = set(load_cases(data_of(pad_folder)).table.patient_id) - by_split["val"] - by_split["test"]
    assert trained
    assert not set(rows.patient_id) & trained


def test_other_folds_or_cases_than_those_of_the_training_are_refused(trained_run: Path, pad_folder: Path) -> None:
    predictor = Predictor.load(trained_run)
    with pytest.raises(UserError, match="fold_seed is 7, however the model was trained with 42"):
        unseen_rows(predictor.trained, data_of(pad_folder, fold_seed=7))
    with pytest.raises(UserError, match="folds is 4, however the model was trained with 3"):
        unseen_rows(predictor.trained, data_of(pad_folder, folds=4))
    record = predictor.trained.record
    counts = record["class_counts"]
    changed = replace(predictor.trained, record={**record, "class_counts": [counts[0] + 1, *counts[1:]]})
    with pytest.raises(UserError, match="fold 0 has other training cases than those of the model"):
        unseen_rows(changed, data_of(pad_folder))
    unsaid = replace(predictor.trained, record={key: value for key, value in record.items() if key != "fold"})
    with pytest.raises(UserError, match="does not say on which fold it was trained"):
        unseen_rows(unsaid, data_of(pad_folder))


def test_lesions_of_the_synthetic_clinic_are_known_to_the_pointing_game(tmp_path: Path) -> None:
    clinic = make_clinic(tmp_path / "clinic", cases=10, size=96)
    given = {"source": {"name": "synthetic"}, "root": str(clinic), "folds": 3}
    rows = load_cases(DataConfig.model_validate(given)).table
    assert [Path(masks[0]).name for masks in rows.masks] == [f"{case_id}.png" for case_id in rows.case_id]
    predictor = small_predictor("image_only")
    rows = rows.assign(**dict.fromkeys(predictor.schema.field_names))
    found = {m.name: m for m in check_explanations(predictor.trained, rows, cases=len(rows)).measures}
    areas = {}
    for row in rows.itertuples():
        with Image.open(clinic / "masks" / f"{row.case_id}.png") as mask:
            areas[row.case_id] = float((np.asarray(mask) > 0).mean())
    # The small encoder's map can be warm nowhere: such photos are left out, and the others keep their own area.
    pointing = found["pointing"]
    assert 0 < pointing.n <= len(rows)
    assert min(areas.values()) <= pointing.beside["random point"] <= max(areas.values())
    if pointing.n == len(rows):
        assert pointing.beside["random point"] == pytest.approx(np.mean(list(areas.values())))


def test_a_mask_is_cut_as_the_photo_is() -> None:
    # The middle half of the width: columns 30 to 90 of 120.
    assert in_pixels((0.25, 0.0, 0.75, 1.0), (120, 60)) == (30, 0, 90, 60)


def test_maps_are_measured_of_the_first_kind_of_photo_and_said_so(tmp_path: Path) -> None:
    clinic = make_clinic(tmp_path / "clinic", cases=6, size=96)
    given = {"source": {"name": "synthetic"}, "root": str(clinic), "folds": 3}
    rows = load_cases(DataConfig.model_validate(given)).table
    predictor = small_predictor("late", *PAIR, photos=PAIR)
    kinds = [("clinical",)] * 4 + [("dermoscopic",)] * (len(rows) - 4)
    rows = rows.assign(image_kinds=kinds, **dict.fromkeys(predictor.schema.field_names))
    found = check_explanations(predictor.trained, rows, cases=len(rows))
    assert "heat maps of the dermoscopic photo: those of the clinical photo were" in found.left_out
    assert {m.name: m.n for m in found.measures}["forgotten"] == 4
    assert found.cases == len(rows)


def test_a_kind_of_photo_by_name_is_measured_in_place_of_the_first(tmp_path: Path) -> None:
    clinic = make_clinic(tmp_path / "clinic", cases=6, size=96)
    given = {"source": {"name": "synthetic"}, "root": str(clinic), "folds": 3}
    rows = load_cases(DataConfig.model_validate(given)).table
    predictor = small_predictor("concat", *PAIR, photos=PAIR)
    kinds = [("clinical",)] * 4 + [("dermoscopic",)] * (len(rows) - 4)
    rows = rows.assign(image_kinds=kinds, **dict.fromkeys(predictor.schema.field_names))
    found = check_explanations(predictor.trained, rows, cases=len(rows), kind="dermoscopic")
    assert {m.name: m.n for m in found.measures}["forgotten"] == len(rows) - 4
    assert "heat maps of the clinical photo: those of the dermoscopic photo were" in found.left_out
    assert mapped_kind(predictor.trained) == "clinical"
    with pytest.raises(UserError, match="kind of photo with a heat map 'hand'"):
        check_explanations(predictor.trained, rows, kind="hand")

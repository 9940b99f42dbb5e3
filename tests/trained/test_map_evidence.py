"""What heat maps were found to be worth stays with the model, and every map says it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from explain.small_predictors import small_predictor
from PIL import Image
from pydantic import ValidationError

from mmskin.api.predictor import Predictor
from mmskin.errors import ModelError
from mmskin.explain.explainer import Explainer
from mmskin.trained.ensemble import Ensemble
from mmskin.trained.map_evidence import MAP_EVIDENCE, Estimate, MapEvidence, map_evidence_of, preferred_map
from mmskin.trained.saved_model import keep_map_evidence, load_model, save_model
from mmskin.trained.trained_model import TrainedModel

GOOD = MapEvidence(
    deletion=Estimate(value=-0.04, low=-0.06, high=-0.01),
    insertion=Estimate(value=0.07, low=0.04, high=0.09),
    cases=80,
    patients=74,
)
# Better on the average both ways, and one interval holds zero.
UNSURE = GOOD.model_copy(update={"insertion": Estimate(value=0.04, low=-0.01, high=0.09)})


def saved(folder: Path) -> Path:
    save_model(small_predictor("image_only").trained, folder)
    return folder


def photo() -> Image.Image:
    return Image.fromarray(np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8))


@pytest.mark.parametrize(
    ("deletion", "insertion", "beats"),
    [((-0.06, -0.01), (0.04, 0.09), True), ((-0.06, 0.01), (0.04, 0.09), False), ((-0.06, -0.01), (-0.1, 0.2), False)],
)
def test_a_map_beats_random_orders_where_both_intervals_do(
    deletion: tuple[float, float], insertion: tuple[float, float], beats: bool
) -> None:
    first, second = (Estimate(value=sum(ends) / 2, low=ends[0], high=ends[1]) for ends in (deletion, insertion))
    assert MapEvidence(deletion=first, insertion=second, cases=9, patients=9).beats_random is beats


def test_it_is_kept_beside_a_model_that_stays_as_it_is(tmp_path: Path) -> None:
    folder = saved(tmp_path / "model")
    before = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    keep_map_evidence(folder, {"image": {"grad_cam": UNSURE}})
    keep_map_evidence(folder, {"image": {"layer_cam": GOOD}})
    assert map_evidence_of(load_model(folder)) == {"image": {"grad_cam": UNSURE, "layer_cam": GOOD}}
    assert all((folder / name).read_bytes() == content for name, content in before.items())
    assert {path.name for path in folder.iterdir()} - set(before) <= {"map_evidence.json", "assets"}
    # A copy that is saved anew has it in its record.
    save_model(load_model(folder), tmp_path / "copy")
    assert map_evidence_of(load_model(tmp_path / "copy"))["image"]["layer_cam"] == GOOD


def test_what_was_measured_on_another_model_is_refused(tmp_path: Path) -> None:
    folder = saved(tmp_path / "model")
    keep_map_evidence(folder, {"image": {"grad_cam": GOOD}})
    place = folder / "map_evidence.json"
    content = json.loads(place.read_text())
    place.write_text(json.dumps(content | {"checksum": "0" * 12}))
    with pytest.raises(ModelError, match="was measured on another model"):
        load_model(folder)
    for damage in ("", "[]", "{}", '{"checksum": 1}'):
        place.write_text(damage)
        with pytest.raises(ModelError, match=r"is damaged: delete it, and measure again"):
            load_model(folder)
    place.write_text(json.dumps(content | {"maps": {"image": {"grad_cam": {"cases": "many"}}}}))
    with pytest.raises(ModelError, match=r"damaged, at map_evidence\.image\.grad_cam"):
        map_evidence_of(load_model(folder))


def test_several_models_have_none_of_their_own(tmp_path: Path) -> None:
    members = tuple(replace(trained_with(grad_cam=GOOD)) for _ in range(2))
    together = Ensemble(members, record=dict(members[0].record))
    assert map_evidence_of(together) == {}
    save_model(together, tmp_path / "both")
    with pytest.raises(ModelError, match="holds several models, whose maps are averaged"):
        keep_map_evidence(tmp_path / "both", {"image": {"grad_cam": GOOD}})


def trained_with(**evidence: MapEvidence) -> TrainedModel:
    trained = small_predictor("image_only").trained
    assert isinstance(trained, TrainedModel)
    maps: dict[str, Any] = {"image": {name: one.model_dump(mode="json") for name, one in evidence.items()}}
    return replace(trained, record={**trained.record, MAP_EVIDENCE: maps})


def test_every_map_says_what_its_like_was_found_to_be_worth() -> None:
    unknown = Predictor(small_predictor("image_only").trained).photo_map(photo())
    assert unknown.notes[0].startswith("not shown to point at the lesion; what maps of this model are worth")
    unsure = Predictor(trained_with(grad_cam=UNSURE)).photo_map(photo())
    assert unsure.notes[0].startswith("not shown to point at the lesion: on 80 test cases, the answer did")
    good = Predictor(trained_with(grad_cam=GOOD)).photo_map(photo())
    assert good.notes[0].startswith("on 80 test cases, the answer hung on the warm places")
    assert good.notes[0].endswith("that they lie on the lesion is not shown")
    other = Predictor(trained_with(grad_cam=GOOD)).photo_map(photo(), method="grad_cam_plus_plus")
    assert other.notes[0] == unknown.notes[0]


@pytest.mark.parametrize(
    ("evidence", "chosen"),
    [
        ({}, "grad_cam"),
        ({"grad_cam": UNSURE}, "grad_cam"),
        ({"grad_cam": UNSURE, "grad_cam_plus_plus": GOOD}, "grad_cam_plus_plus"),
        ({"grad_cam": GOOD, "grad_cam_plus_plus": GOOD}, "grad_cam"),
    ],
)
def test_an_explanation_shows_the_map_that_earned_its_place(evidence: dict[str, MapEvidence], chosen: str) -> None:
    trained = trained_with(**evidence)
    assert preferred_map(trained, "image", "grad_cam") == chosen
    shown = Explainer(trained).explain(photo(), target="MEL").photo_maps["image"]
    expected = Predictor(trained).photo_map(photo(), target="MEL", method=chosen)
    assert np.array_equal(shown.heat, expected.heat)
    assert shown.notes == expected.notes


def test_numbers_that_are_none_are_refused() -> None:
    with pytest.raises(ValidationError):
        Estimate(value=float("nan"), low=0, high=1)

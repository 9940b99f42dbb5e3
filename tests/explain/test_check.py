from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from explain.small_predictors import SCHEMA, linear_predictor, small_predictor
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional as F

from mmskin.api.predictor import Predictor
from mmskin.encoders.encoder_contract import Encoder
from mmskin.explain.answers import Answers
from mmskin.explain.check import AIMS, Check, CheckedCase, adding_up, check, mean_with_interval, on_photo, summarised
from mmskin.explain.explanation_check import check_explanations, evidence_of
from mmskin.explain.fixed_history import hold_presented
from mmskin.explain.shares import PartShares
from mmskin.features import Features
from mmskin.fusion.single import SingleModality
from mmskin.losses.cross_entropy import CrossEntropyLoss
from mmskin.model.classifier import MultimodalClassifier
from mmskin.report.check_page import TITLE, check_section, lines, write_check
from mmskin.schema import History
from mmskin.trained.presented_case import present
from mmskin.trained.trained_model import TrainedModel

FIELDS = {"age": 62, "region": "arm", "itch": "yes", "bleed": "unknown"}


def rows_of(photos: list[Path], *, masks: list[Path] | None = None) -> pd.DataFrame:
    fields: dict[str, Any] = {name: [value] * len(photos) for name, value in {**FIELDS, "grew": None}.items()}
    table = pd.DataFrame(
        {
            "case_id": [f"c{i}" for i in range(len(photos))],
            "patient_id": [f"p{i}" for i in range(len(photos))],
            "images": [(str(photo),) for photo in photos],
            "text": ["it scabs" for _ in photos],
            **fields,
        }
    )
    return table if masks is None else table.assign(masks=[(str(mask),) for mask in masks])


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder, rng = tmp_path_factory.mktemp("photos"), np.random.default_rng(0)
    paths = [folder / f"{i}.png" for i in range(6)]
    for path in paths:
        Image.fromarray(rng.integers(0, 256, (90, 140, 3), dtype=np.uint8)).save(path)
    return paths


# --- cases put together ---


def column(name: str, values: list[float], patients: list[str] | None = None) -> Any:
    told = pd.Series(patients or [f"p{i}" for i in range(len(values))])
    beside = {key: [0.5] * len(values) for key in AIMS[name].beside.values()}
    return summarised(name, AIMS[name], pd.DataFrame({name: values, **beside}), told)


def test_a_measure_holds_where_its_whole_interval_lies_on_the_side_asked_for() -> None:
    assert column("deletion", [-0.1] * 6).holds is True
    assert column("deletion", [0.1] * 6).holds is False
    assert column("deletion", [0.2, -0.2] * 3).holds is None
    assert column("insertion", [0.1] * 6).holds is True
    assert column("insertion", [-0.1] * 6).holds is False
    assert column("forgotten", [0.4] * 6).holds is True
    assert column("forgotten", [0.6] * 6).holds is False
    largest = column("words", [0.2, 1.5, 0.1])
    assert (largest.value, largest.holds, largest.asked) == (1.5, False, "below 1")
    assert math.isnan(largest.low)
    assert column("words", [0.2, 0.9]).holds is True


def test_maps_of_zeros_are_left_out_and_counted_so_and_four_patients_are_too_few() -> None:
    found = column("deletion", [-0.1, math.nan, -0.3, -0.1, -0.1, -0.4, math.nan])
    assert (found.value, found.n) == (pytest.approx(-0.2), 5)
    assert found.beside == {"map": 0.5, "random orders": 0.5}
    few = column("deletion", [-0.1] * 6, ["a", "a", "b", "b", "c", "d"])
    assert (few.value, few.holds, few.n) == (pytest.approx(-0.1), None, 6)


def test_the_interval_is_that_of_a_mean_over_whole_patients() -> None:
    # 100 patients, 30 of them at 1: the bootstrap's standard error is √(.3 · .7 / 100) = .0458, the interval ± .090.
    ones = np.array([1.0] * 30 + [0.0] * 70)
    patients = pd.Series([f"p{i}" for i in range(100)])
    mean, low, high = mean_with_interval(ones, patients)
    assert (mean, low, high) == (pytest.approx(0.3), pytest.approx(0.21, abs=0.02), pytest.approx(0.39, abs=0.02))
    # The same patients with four equal cases each: no more is known than before.
    four = mean_with_interval(np.repeat(ones, 4), patients.repeat(4).reset_index(drop=True))
    assert four == pytest.approx((mean, low, high))


# --- one case ---


def linear_case() -> CheckedCase:
    predictor = linear_predictor()
    return CheckedCase("p", Answers(predictor.present()), History({"itch": "yes", "bleed": "yes"}, "scabs"), 0)


def test_what_adds_up_is_told_from_what_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    found = adding_up(linear_case())
    assert set(found) == {"words", "fields", "parts"}
    assert max(found.values()) < 0.01
    # .2 + .1 itch + .3 bleed + .08 "scabs" = .68, so .48 is to be explained and .0048 allowed. Parts that give .47
    # are off by .01: 2.083 times what is allowed.
    wrong = PartShares({"words": 0.08, "fields": 0.39}, 0.68, 0.2, 0.0)
    monkeypatch.setattr("mmskin.explain.check.part_shares", lambda *_: wrong)
    assert adding_up(linear_case())["parts"] == pytest.approx(0.01 / 0.0048, abs=1e-3)


class Redness(Encoder):
    """Four by four cells, each as red as it is."""

    out_dim = 1
    grid = (4, 4)

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Conv2d(1, 1, 1)
        nn.init.ones_(self.scale.weight)
        nn.init.zeros_(self.scale.bias)  # type: ignore[arg-type]

    def prepare(self, photo: Tensor) -> dict[str, Tensor]:  # type: ignore[override]
        return {"pixels": photo.float() / 255}

    def forward(self, inputs: Mapping[str, Tensor]) -> Features:
        cells = self.scale(F.adaptive_avg_pool2d(inputs["pixels"][:, :1], 4)).flatten(2).transpose(1, 2)
        return Features(cells.mean(1), cells, torch.ones(cells.shape[:2], dtype=torch.bool))


def redness() -> Predictor:
    """The redder the photo, the more it is MEL: logit 60 · mean redness − 2 against 0."""
    fusion = SingleModality("image", {"image": 1}, 2, dropout=0.0)
    model = MultimodalClassifier({"image": Redness()}, fusion)
    assert model.head is not None
    model.head[-1].weight.data = torch.tensor([[60.0], [0.0]])
    model.head[-1].bias.data = torch.tensor([-2.0, 0.0])
    loss = CrossEntropyLoss([1, 1])
    return Predictor(TrainedModel(model, loss, SCHEMA, temperature=1.0, photo_side=64))


def red_cell(folder: Path, row: int, column: int) -> tuple[Path, Path]:
    """A grey photo of 64 pixels with one red cell of 16, and the cell as its mask."""
    pixels, mask = np.full((64, 64, 3), 5, dtype=np.uint8), np.zeros((64, 64), dtype=np.uint8)
    place = slice(16 * row, 16 * row + 16), slice(16 * column, 16 * column + 16)
    pixels[place], mask[place] = (255, 5, 5), 255
    paths = folder / f"{row}{column}.png", folder / f"{row}{column}_mask.png"
    Image.fromarray(pixels).save(paths[0])
    Image.fromarray(mask).save(paths[1])
    return paths


def test_a_map_of_what_the_answer_rests_on_holds_and_one_of_brightness_fails_the_sanity_check(tmp_path: Path) -> None:
    pairs = [red_cell(tmp_path, row, column) for row in range(4) for column in range(4)]
    found = check_explanations(redness().trained, rows_of([p for p, _ in pairs], masks=[m for _, m in pairs]))
    by_name = {measure.name: measure for measure in found.measures}
    assert (by_name["deletion"].holds, by_name["insertion"].holds) == (True, True)
    pointing = by_name["pointing"]
    # Every map is warmest in its red cell; the pixel (32, 32) lies in one of sixteen; a cell is 1/16 of the photo.
    assert pointing.beside == pytest.approx({"map": 1.0, "centre": 1 / 16, "random point": 1 / 16})
    assert (pointing.value, pointing.holds) == (pytest.approx(15 / 16), True)
    # With one channel the map is the redness itself whatever the head weighs it with: the same map, or one of zeros.
    assert by_name["forgotten_answer"].value == pytest.approx(1)
    assert by_name["forgotten_answer"].holds is False
    assert by_name["noise"].holds is True
    assert found.left_out == ("words: the model reads no note", "fields: the model reads none")


def test_areas_are_those_of_the_answer_that_is_read(tmp_path: Path) -> None:
    photo, _ = red_cell(tmp_path, 0, 0)
    predictor = redness()
    areas = {}
    for temperature in (1.0, 4.0):
        presented = present(replace(predictor.trained, temperature=temperature), photo)
        answers, held = Answers(presented), hold_presented(presented)
        areas[temperature] = on_photo(CheckedCase("p", answers, History(), 0, held), held, seed=0, method="grad_cam")
    # Fifteen cells of 5 and one of 255: redness .0809, logit 60 · .0809 − 2 = 2.853, σ(2.853) = .9455 and
    # σ(2.853 / 4) = .6711. The blur that fills what is emptied keeps nearly all of it, so the areas lie close below.
    for temperature, answer in ((1.0, 0.9455), (4.0, 0.6711)):
        assert areas[temperature]["deletion_map"] == pytest.approx(answer, abs=0.015)
        assert (
            areas[temperature]["deletion"] == areas[temperature]["deletion_map"] - areas[temperature]["deletion_random"]
        )


# --- whole models ---


@pytest.mark.parametrize("fusion", ["late", "cross_attention"])
def test_a_check_leaves_the_model_and_random_numbers_as_they_were(fusion: str, photos: list[Path]) -> None:
    predictor, rows = small_predictor(fusion), rows_of(photos)
    state = {name: tensor.clone() for name, tensor in predictor.trained.model.state_dict().items()}
    generator = torch.get_rng_state()
    first = check_explanations(predictor.trained, rows, cases=5)
    assert all(torch.equal(state[name], tensor) for name, tensor in predictor.trained.model.state_dict().items())
    assert torch.equal(torch.get_rng_state(), generator)
    assert (first.cases, first.patients) == (5, 5)
    names = [measure.name for measure in first.measures]
    # The small encoder's map of a photo of 64 pixels has few cells; what it gives is measured.
    assert set(names) >= {"words", "fields", "parts", "noise", "forgotten", "deletion"}
    assert all(measure.holds for measure in first.measures if measure.name in ("words", "fields", "parts"))
    assert first.left_out == ("the pointing game: the data set has no masks of lesions",)
    assert json.dumps(check_explanations(predictor.trained, rows, cases=5).to_json()) == json.dumps(first.to_json())


def test_a_model_that_reads_no_photo_has_no_heat_maps(photos: list[Path]) -> None:
    found = check_explanations(small_predictor("metadata_only").trained, rows_of(photos), cases=3)
    assert [measure.name for measure in found.measures] == ["fields", "parts"]
    assert found.left_out == ("heat maps of photos: the model reads none", "words: the model reads no note")


def test_cases_without_anything_that_the_model_reads_are_passed_over(photos: list[Path]) -> None:
    rows = rows_of(photos)
    rows["images"] = [(), *rows["images"][1:]]
    found = check_explanations(small_predictor("image_only").trained, rows)
    assert found.cases == 5


def test_a_check_comes_back_from_json_and_is_told(photos: list[Path], tmp_path: Path) -> None:
    found = check_explanations(small_predictor("late").trained, rows_of(photos[:2]), cases=2)
    back = Check.from_json(json.loads(json.dumps(found.to_json(), allow_nan=False)))
    assert json.dumps(back.to_json()) == json.dumps(found.to_json())
    assert check_section(back).grids == check_section(found).grids
    page = write_check(found, tmp_path / "out", about={"fold": 0}).read_text()
    assert TITLE in page
    assert "2 cases of 2 patients." in page
    assert "<img" not in page
    content = json.loads((tmp_path / "out" / "check.json").read_text())
    assert (content["fold"], content["cases"]) == (0, 2)
    assert len(lines(found)) == len(found.measures) + 1
    assert any(line.startswith("holds") and "parts" in line for line in lines(found))


def test_seeds_differ_by_case_and_are_those_asked_for(photos: list[Path]) -> None:
    predictor, rows = small_predictor("concat"), rows_of(photos[:2])
    one, other = (check_explanations(predictor.trained, rows, cases=2, seed=seed) for seed in (0, 1))
    noise = [{m.name: m.value for m in found.measures}["noise"] for found in (one, other)]
    assert noise[0] != noise[1]


def test_no_cases_are_refused(photos: list[Path]) -> None:
    rows = rows_of(photos[:2]).assign(images=[(), ()])
    with pytest.raises(Exception, match="none of the 2 cases has anything that this model reads"):
        check_explanations(small_predictor("image_only").trained, rows)
    with pytest.raises(IndexError):
        check([])


def test_what_is_kept_of_a_check_is_what_it_found(photos: list[Path], tmp_path: Path) -> None:
    red = [red_cell(tmp_path, row, column)[0] for row in range(2) for column in range(4)]
    found = check_explanations(redness().trained, rows_of(red))
    by_name = {measure.name: measure for measure in found.measures}
    kept = evidence_of(found)
    assert kept is not None
    assert kept.beats_random
    for name in ("deletion", "insertion"):
        estimate, measure = getattr(kept, name), by_name[name]
        assert (estimate.value, estimate.low, estimate.high) == (measure.value, measure.low, measure.high)
    assert (kept.cases, kept.patients) == (8, 8)
    assert evidence_of(check_explanations(redness().trained, rows_of(red[:2]))) is None
    assert evidence_of(check_explanations(small_predictor("metadata_only").trained, rows_of(photos), cases=6)) is None

"""What holds of a model whatever kinds of photo it reads, for every fusion that can take them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch
from explain.small_predictors import OPTIONS, PAIR, small_predictor
from make_derm7pt import make_rows, write_photos, write_table
from PIL import Image
from small_experiment import ENCODERS, small_experiment
from tiny_encoders import photo
from torch import Tensor

import mmskin
from mmskin.api.predictor import Predictor
from mmskin.benchmark.run.run import run_experiment
from mmskin.config.build import build
from mmskin.config.experiment import parse_experiment
from mmskin.data.load import load_cases
from mmskin.data.table import photos_by_kind
from mmskin.errors import ConfigError
from mmskin.features import is_photo
from mmskin.fusion import FUSIONS
from mmskin.inputs.batch import Batch, Case, collate
from mmskin.model.parts_check import takes_experts
from mmskin.schema import History
from mmskin.trained.prediction import Prediction
from mmskin.trained.saved_model import load_model, save_model

SETS = [
    ("clinical",),
    PAIR,
    ("clinical", "text"),
    (*PAIR, "text"),
    ("clinical", "metadata"),
    (*PAIR, "metadata"),
    (*PAIR, "text", "metadata"),
]
EXPERTS: dict[str, Any] = {"hidden_dim": 8, "gate": "class"}
Model = tuple[Predictor, tuple[str, ...]]


def takes(fusion: str, modalities: tuple[str, ...]) -> bool:
    """Whether a fusion reads just these, of encoders for these."""
    dims = dict.fromkeys(modalities, 64)
    try:
        with torch.device("meta"):
            built = build("fusion", FUSIONS, {"name": fusion, **OPTIONS.get(fusion, {})}, dims, 3)
    except ConfigError:
        return False
    return set(built.modalities) == set(modalities)


MODELS: list[tuple[str, tuple[str, ...], dict[str, Any] | None]] = [
    (fusion, modalities, None) for fusion in FUSIONS for modalities in SETS if takes(fusion, modalities)
]
"""Fusion, modalities, and experts that it corrects: once a fusion, with the most that it takes."""
MODELS += [
    (fusion, max((modalities for name, modalities, _ in MODELS if name == fusion), key=len), EXPERTS)
    for fusion in FUSIONS
    if takes_experts({"name": fusion})
]


@pytest.fixture(
    params=MODELS, ids=lambda model: "-".join((model[0], *model[1], *(["experts"] if model[2] else []))), scope="module"
)
def model(request: pytest.FixtureRequest) -> Model:
    fusion, modalities, experts = request.param
    return small_predictor(fusion, *modalities, photos=PAIR, experts=experts), modalities


def picture(seed: int) -> Image.Image:
    return Image.fromarray(photo(seed, 64, 64).permute(1, 2, 0).numpy())


HISTORY = {"age": 62, "itch": "yes"}


def case_of(model: Model, seed: int, *, without: str = "") -> Case:
    """A case with everything that the model reads but one modality."""
    predictor, modalities = model
    photos = {kind: [photo(seed + n, 64, 64)] for n, kind in enumerate(PAIR) if kind in modalities and kind != without}
    case = predictor.trained.case(History({"age": 40.0 + seed, "itch": "yes"}), photos)
    return case._replace(rows={m: [] if m == without else rows for m, rows in case.rows.items()})


@torch.inference_mode()
def logits(predictor: Predictor, batch: Batch) -> Tensor:
    """(B, C): probabilities of random weights may be 0 or 1 whatever comes in."""
    return predictor.trained.model(batch).logits


def test_every_fusion_is_asked_with_one_kind_and_with_two() -> None:
    for fusion in FUSIONS:
        sets = [modalities for name, modalities, _ in MODELS if name == fusion]
        if sets and any(map(is_photo, sets[0])) and fusion != "image_only":
            assert any(set(PAIR) <= set(modalities) for modalities in sets), fusion
    assert {fusion for fusion, *_ in MODELS} >= set(FUSIONS) - {"text_only", "metadata_only"}


def test_a_case_is_answered_the_same_alone_and_beside_cases_that_lack_a_kind(model: Model) -> None:
    predictor, modalities = model
    lacking = [case_of(model, 30 + n, without=m) for n, m in enumerate(modalities) if len(modalities) > 1]
    cases = [case_of(model, 1), *lacking, case_of(model, 20)]
    together = logits(predictor, collate(cases))
    for case, answer in zip(cases, together, strict=True):
        # A convolution adds up in another order in another batch.
        torch.testing.assert_close(logits(predictor, collate([case]))[0], answer, rtol=1e-4, atol=5e-5)


def test_the_content_of_a_missing_modality_cannot_matter(model: Model) -> None:
    """Rows that stand for nobody: those of another case, under a flag that says that they are not there."""
    predictor, modalities = model
    if len(modalities) == 1:
        return
    for modality in modalities:
        one, other = (collate([case_of(model, 1)._replace(rows=rows)]) for rows in _two_rows(model, modality))
        absent = [logits(predictor, _absent(batch, modality)) for batch in (one, other)]
        assert torch.equal(*absent), modality
        assert not torch.equal(logits(predictor, one), logits(predictor, other)), modality


def _two_rows(model: Model, modality: str) -> tuple[Any, Any]:
    one, other = case_of(model, 1).rows, case_of(model, 20).rows
    return one, {**one, modality: other[modality]}


def _absent(batch: Batch, modality: str) -> Batch:
    return batch._replace(present={**batch.present, modality: torch.zeros_like(batch.present[modality])})


def test_gradients_reach_every_parameter_that_learns(model: Model) -> None:
    predictor, _ = model
    network = predictor.trained.model
    network.zero_grad()
    output = network(collate([case_of(model, seed) for seed in (1, 7, 20, 40)]))
    answers = [output.logits, *(logits for _, logits in output.parts())]
    torch.cat([answer.square().sum().reshape(1) for answer in answers]).sum().backward()
    for modality, encoder in network.encoders.items():
        reached = [p.grad is not None and bool((p.grad != 0).any()) for p in encoder.parameters() if p.requires_grad]
        assert any(reached) or not reached, modality
    for name, parameter in [
        *network.fusion.named_parameters(),
        *(network.head or torch.nn.Module()).named_parameters(),
        *(network.correction or torch.nn.Module()).named_parameters(),
    ]:
        assert parameter.grad is not None, name
    network.zero_grad()


def test_saved_and_loaded_it_answers_bit_for_bit(model: Model, tmp_path: Path) -> None:
    predictor, modalities = model
    save_model(predictor.trained, tmp_path / "model")
    loaded = Predictor(load_model(tmp_path / "model"))
    assert loaded.modalities == predictor.modalities
    assert loaded.schema.photos == PAIR
    state = predictor.trained.model.state_dict()
    assert all(torch.equal(value, state[name]) for name, value in loaded.trained.model.state_dict().items())
    photos = {kind: picture(n) for n, kind in enumerate(PAIR) if kind in modalities}
    fields = HISTORY if set(modalities) & {"text", "metadata"} else None
    assert said(loaded.predict(photos, fields)) == said(predictor.predict(photos, fields))
    for kind in photos if len(modalities) > 1 else ():
        rest = {other: shown for other, shown in photos.items() if other != kind}
        assert said(loaded.predict(rest, fields)) == said(predictor.predict(rest, fields))
        assert kind in loaded.predict(rest, fields).missing


def said(prediction: Prediction) -> tuple[object, ...]:
    """All that does not depend on where the model was read from."""
    return prediction.probabilities, prediction.as_trained, prediction.used, prediction.missing, prediction.note


def test_derm7pt_trains_with_both_kinds(tmp_path: Path) -> None:
    root, rows = tmp_path / "derm7pt", make_rows(cases=60)  # three of the rarest class
    write_table(root, rows)
    write_photos(root, rows, side=32)
    raw = small_experiment(root, data={"source": {"name": "derm7pt"}}, epochs=1, batch_size=6).to_json()
    encoders = {**dict.fromkeys(PAIR, ENCODERS["image"]), "metadata": ENCODERS["metadata"]}
    asked = parse_experiment(raw | {"encoders": encoders})
    table = run_experiment(asked, tmp_path / "run", say=lambda line: None, progress=False)
    predictor = Predictor.load(tmp_path / "run")
    assert predictor.modalities == (*PAIR, "metadata")
    cases: pd.DataFrame = load_cases(asked.data).table
    tested = table[table["split"] == "test"].iloc[0]
    row = cases[cases.case_id == tested.case_id]
    photos = photos_by_kind(row, predictor.schema)[0]
    fields = {name: row[name].iloc[0] for name in predictor.schema.field_names}
    answer = predictor.predict(photos, fields).as_trained
    assert answer == pytest.approx({name: tested[f"prob_{name}"] for name in answer}, abs=1e-6)


def test_few_files_ask_whether_a_modality_is_the_one_called_image() -> None:
    root = Path(mmskin.__file__).parent
    asking = [path for path in root.rglob("*.py") if re.search(r'[!=]= "image"', path.read_text(encoding="utf-8"))]
    assert len(asking) <= 5, asking

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest
import torch
from torch import Tensor

from mmskin.encoders.encoder_contract import Encoder
from mmskin.features import Features
from mmskin.fusion.fusion_contract import Fusion, FusionOutput
from mmskin.inputs.batch import Case, collate
from mmskin.losses.ldam import LDAMLoss
from mmskin.model.classifier import MultimodalClassifier
from mmskin.schema import Schema
from mmskin.trained.trained_model import TrainedModel

SCHEMA = Schema(name="any", classes=("a", "b", "c"))


class Logits(Encoder):
    """Features that are logits."""

    out_dim = 3

    def forward(self, inputs: Mapping[str, Tensor]) -> Features:
        return Features(inputs["logits"])


class AsTheyAre(Fusion):
    """Answers with them."""

    modalities = ("image",)
    out_dim = None

    def forward(self, features: Mapping[str, Features], present: Mapping[str, Tensor]) -> FusionOutput:
        return FusionOutput(logits=features["image"].pooled)


def trained_at(temperature: float) -> TrainedModel:
    model = MultimodalClassifier({"image": Logits()}, AsTheyAre(3))
    return TrainedModel(model, LDAMLoss([7, 2, 1]), SCHEMA, temperature=temperature, photo_side=8)


def test_answers_far_from_certain_keep_apart_what_the_logits_keep_apart() -> None:
    # LDAM reads (z, 0, 0) as 30 z: at z = −20 the first class has e^−600: 0 in float32, and far below any clip.
    # At T = 100 it is e^−6 / (e^−6 + 2) = .001238.
    z = torch.linspace(-20, 20, 81)
    cases = [Case({"image": [{"logits": torch.tensor([float(one), 0.0, 0.0])}]}, -1, str(i)) for i, one in enumerate(z)]
    trained = trained_at(100.0)
    probs = trained.of_cases(cases)
    assert probs[0, 0] == pytest.approx(0.001238, abs=1e-6)
    assert (np.diff(probs[:, 0]) > 0).all()
    assert probs.dtype == np.float64
    logits = torch.stack([case.rows["image"][0]["logits"] for case in cases])  # type: ignore[call-overload]
    assert trained.calibrated(logits).numpy() == pytest.approx(probs, rel=1e-12)


def test_a_case_of_which_nothing_is_there_gets_no_answer() -> None:
    there = Case({"image": [{"logits": torch.zeros(3)}]}, -1, "there")
    nothing = Case({"image": []}, -1, "nothing")
    probs = trained_at(1.0).of_batch(collate([there, nothing]))
    assert probs[0] == pytest.approx([1 / 3] * 3)
    assert np.isnan(probs[1]).all()

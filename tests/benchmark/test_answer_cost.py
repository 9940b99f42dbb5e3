from __future__ import annotations

import json
from pathlib import Path

import torch
from torch import Tensor, nn

from mmskin.benchmark.run.answer_cost import _peak_bytes
from mmskin.inputs.batch import Batch
from mmskin.losses.cross_entropy import CrossEntropyLoss
from mmskin.model.classifier import Output
from mmskin.schema import Schema
from mmskin.trained.trained_model import TrainedModel


class Doubling(nn.Module):
    """1,000 numbers, twice, and again twice: at the last step 4,000 bytes each of two results are alive."""

    def forward(self, batch: Batch) -> Output:
        start = torch.ones(1, 1000)
        first = start * 2
        del start
        second: Tensor = first * 2
        return Output(second[:, :2])


def test_the_peak_of_two_results_of_a_thousand_floats_is_eight_thousand_bytes() -> None:
    schema = Schema(name="two", classes=("a", "b"), fields=())
    fitted = TrainedModel(Doubling(), CrossEntropyLoss([1, 1]), schema, temperature=1.0, photo_side=64)  # type: ignore[arg-type]
    batch = Batch({}, {}, {}, torch.tensor([0]), ["c"])
    assert 8000 <= _peak_bytes(fitted, batch) < 8200  # the logits are small


def test_the_first_cell_of_an_arm_tells_what_one_answer_costs(whole_grid: Path) -> None:
    costs = json.loads((whole_grid / "costs.json").read_text())
    measured = [cost for cost in costs if "latency_ms" in cost]
    assert {(cost["arm"], cost["fold"], cost["seed"]) for cost in measured} == {("late", 0, 0), ("image_only", 0, 0)}
    for cost in measured:
        assert cost["latency_ms"] > 0
        assert cost["parameters_total"] > cost["parameters"] > 0
        assert cost["memory_mb"] * 1e6 > 4 * cost["parameters_total"]
    by_arm = {cost["arm"]: cost for cost in measured}
    assert by_arm["late"]["parameters_total"] > by_arm["image_only"]["parameters_total"]

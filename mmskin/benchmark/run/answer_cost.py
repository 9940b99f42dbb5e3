"""What one answer costs, from the photo's file and the history to probabilities, with no feature stored beforehand."""

from __future__ import annotations

import os
import statistics
import time
from typing import NamedTuple

import pandas as pd
import torch
from torch.profiler import ProfilerActivity, profile

from mmskin.inputs.batch import Batch, collate
from mmskin.inputs.dataset import CaseDataset
from mmskin.trained.ensemble import Trained
from mmskin.trained.trained_model import TrainedModel

CASES, WARM_UP = 12, 2
MEGABYTE = 1e6


class AnswerCost(NamedTuple):
    """Cost of one case.

    parameters_total: of encoders, fusion and head, whether they learned or not.
    latency_ms: CPU milliseconds on one thread: reading the photo, the note, and every part of the model; the median.
    memory_mb: megabytes of weights, and of what is alive beside them at the peak of one forward pass.
    """

    parameters_total: int
    latency_ms: float
    memory_mb: float


def answer_cost(fitted: Trained, rows: pd.DataFrame) -> AnswerCost:
    """Answer the first cases of some rows one by one, as if each had just come in; an ensemble costs all its models."""
    costs = [_cost_of_model(model, rows) for model in fitted.models]
    return AnswerCost(*(sum(values) for values in zip(*costs, strict=True)))


def _cost_of_model(fitted: TrainedModel, rows: pd.DataFrame) -> AnswerCost:
    views = [CaseDataset([rows.head(CASES)], fitted.schema, readers) for readers in fitted.by_view(fitted.readers())]
    fitted.model.eval()
    spent = []
    for index in range(len(views[0])):
        start = time.process_time()
        for dataset in views:
            batch = collate([dataset[index]])
            _answer(fitted, batch)
        spent.append(1000 * (time.process_time() - start))
    state = [*fitted.model.parameters(), *fitted.model.buffers()]
    weights = sum(tensor.numel() * tensor.element_size() for tensor in state)
    return AnswerCost(
        parameters_total=sum(parameter.numel() for parameter in fitted.model.parameters()),
        latency_ms=statistics.median(spent[WARM_UP:] or spent),
        memory_mb=(weights + _peak_bytes(fitted, batch)) / MEGABYTE,
    )


def _peak_bytes(fitted: TrainedModel, batch: Batch) -> int:
    """Most bytes that were held at a time of what one forward pass asked for."""
    os.environ.setdefault("KINETO_LOG_LEVEL", "99")  # the profiler writes to the terminal otherwise
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as seen:
        _answer(fitted, batch)
    assert seen.profiler is not None
    assert seen.profiler.kineto_results is not None
    events = [event for event in seen.profiler.kineto_results.events() if event.name() == "[memory]"]
    held = peak = 0
    for event in sorted(events, key=lambda event: event.start_ns()):
        held += event.nbytes()
        peak = max(peak, held)
    return peak


@torch.inference_mode()
def _answer(fitted: TrainedModel, batch: Batch) -> None:
    fitted.loss.log_probabilities(fitted.model(batch).logits)

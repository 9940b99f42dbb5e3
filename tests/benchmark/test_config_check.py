from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from benchmark.small_benchmark import ARMS, small_benchmark

from mmskin.benchmark.config_check import check_benchmark
from mmskin.errors import ConfigError


def test_a_benchmark_whose_parts_fit_is_let_through(tmp_path: Path) -> None:
    check_benchmark(small_benchmark(tmp_path, tmp_path))


@pytest.mark.parametrize(
    ("arm", "told"),
    [
        ({"fusion": {"name": "lat"}}, r"arms\.a\.fusion\.name: fusion 'lat' does not exist\. Did you mean 'late'\?"),
        (
            {"fusion": {"name": "late", "drop": 1}},
            r"arms\.a\.fusion\.drop does not exist \(did you mean arms\.a\.fusion\.dropout",
        ),
        (
            {"table": {"name": "stacking", "ovr": ["late"]}},
            r"arms\.a\.table\.ovr does not exist \(did you mean arms\.a\.table\.over",
        ),
        ({"table": {"name": "majority", "c": 1}}, r"arms\.a\.table\.c does not exist"),
        (
            {"fusion": {"name": "late"}, "loss": {"name": "focal", "gamma": None}},
            r"arms\.a\.loss\.gamma must be a number",
        ),
        ({"fusion": {"name": "metadata_only"}}, r"arms\.a\.fusion 'metadata_only': modality 'metadata' has no encoder"),
        (
            {"fusion": {"name": "co_attention"}, "encoders": {"metadata": {"name": "onehot"}}},
            r"arms\.a\.fusion 'co_attention' reads tokens of metadata, and its encoder 'onehot' gives none",
        ),
        (
            {"fusion": {"name": "late"}, "experts": {}},
            r"arms\.a\.experts: the fusion 'late' is made of experts of one modality each",
        ),
        (
            {"fusion": {"name": "late"}, "encoders": {"metadata": {"name": "onehott"}}},
            r"arms\.a\.encoders\.metadata\.name: metadata encoder 'onehott' does not exist",
        ),
    ],
)
def test_an_arm_that_can_be_seen_to_fail_is_refused_with_its_path(
    tmp_path: Path, arm: dict[str, Any], told: str
) -> None:
    with pytest.raises(ConfigError, match=told):
        check_benchmark(small_benchmark(tmp_path, tmp_path, arms=ARMS | {"a": arm}))

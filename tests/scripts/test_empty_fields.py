"""The experiment behind the default: a model that may see what is missing is moved by it, the default's is not."""

from __future__ import annotations

from pathlib import Path

import empty_fields as script
import numpy as np
import pytest
from small_experiment import small_experiment

from mmskin.errors import ConfigError
from mmskin.synthetic import Missing, make_clinic
from mmskin.synthetic.latents import CLASSES, WORRYING


def test_empty_fields_move_a_visible_model_and_not_the_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clinic = tmp_path / "clinic"
    make_clinic(clinic, cases=300, seed=0, missing=Missing(by_class={n: 0.6 for n in CLASSES if n not in WORRYING}))
    data = {"source": {"name": "synthetic"}}
    experiment = small_experiment(
        clinic, "metadata", fusion="metadata_only", data=data, epochs=15, batch_size=32, learning_rate=0.01
    )
    with pytest.raises(ConfigError, match="group 'malign' does not exist"):
        list(script.shifts(experiment, tmp_path / "refused", modes=["visible"], group="malign"))
    modes = ("visible", "always_recorded")
    visible, default = script.shifts(experiment, tmp_path / "runs", modes=modes, group="worrying")
    assert visible.cases == default.cases > 10
    assert visible.empty < visible.recorded - 0.1
    assert default.empty == default.recorded


def test_every_tested_fold_asks_its_own_model_about_its_own_cases(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clinic = tmp_path / "clinic"
    make_clinic(clinic, cases=120, seed=0, missing=Missing(by_class={n: 0.6 for n in CLASSES if n not in WORRYING}))
    sums = []
    for folds in ([0], [1], [0, 1]):
        data = {"source": {"name": "synthetic"}, "test_folds": folds}
        experiment = small_experiment(clinic, "metadata", fusion="metadata_only", data=data, epochs=2, batch_size=32)
        (shift,) = script.shifts(experiment, tmp_path / str(len(sums)), modes=["visible"], group="worrying")
        sums.append(shift.cases * np.array([1, shift.recorded, shift.empty]))
    assert sums[0] + sums[1] == pytest.approx(sums[2], rel=1e-6)

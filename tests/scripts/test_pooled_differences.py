from __future__ import annotations

from pathlib import Path

import pandas as pd
import pooled_differences as script
import pytest
from made_predictions import make

from mmskin.evaluation.differences import POWER_80, Difference
from mmskin.evaluation.predictions import write_predictions


def difference(estimate: float, error: float) -> Difference:
    return Difference("balanced_accuracy", "", estimate, 0, 0, 0, 0, error * POWER_80, "", 100, 100)


def test_the_surer_difference_counts_more_by_hand() -> None:
    """Weights 1/.01² = 10,000 and 1/.02² = 2,500: (.03 · 4 + .00 · 1) / 5 = .024, error 1/√12,500 = .008944."""
    found = script.pooled([difference(0.03, 0.01), difference(0.0, 0.02)])
    assert found.estimate == pytest.approx(0.024)
    assert (found.low, found.high) == pytest.approx((0.024 - 0.01753, 0.024 + 0.01753), abs=1e-5)
    assert found.p == pytest.approx(0.00729, abs=1e-5)  # z = 2.6833
    assert found.q_p == pytest.approx(0.1797, abs=1e-4)  # Q = .03² / (.01² + .02²) = 1.8 on 1 degree of freedom


def test_one_difference_is_left_as_it_is() -> None:
    found = script.pooled([difference(-0.02, 0.01)])
    assert found.estimate == pytest.approx(-0.02)
    assert found.q_p == 1


def test_runs_with_the_same_arms_are_read_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, n in (("one", 120), ("two", 150)):
        arms = [make(arm="fused", n=n, skill=3.0), make(arm="photo", n=n, skill=0.5, rng_seed=1)]
        write_predictions(pd.concat(arms), tmp_path / name / "predictions.parquet")
    runs = [str(tmp_path / "one"), str(tmp_path / "two")]
    monkeypatch.setattr("sys.argv", ["pooled_differences.py", *runs, "--arm", "fused"])
    script.main()
    line = capsys.readouterr().out.splitlines()[-1]
    assert line.split()[0] == "photo"
    assert line.count("+0.") == 3

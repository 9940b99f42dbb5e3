from __future__ import annotations

from typing import Any

from mmskin.report.sections.controls import sentence


def difference(arm: str, estimate: float, verdict: str) -> dict[str, Any]:
    low, high = estimate - 0.02, estimate + 0.02
    return {"arm": arm, "reference": "image", "estimate": estimate, "low": low, "high": high, "verdict": verdict}


def test_a_control_says_whether_the_advantage_vanished() -> None:
    late = difference("late", 0.1, "better")
    assert sentence(difference("late-shuffled", 0.003, "not distinguishable"), late) == (
        "late-shuffled: +0.003 [\u22120.017, 0.023] against image, where late had +0.100 [0.080, 0.120]. "
        "The advantage vanished."
    )
    assert "did not vanish" in sentence(difference("late-shuffled", 0.05, "better"), late)
    nothing = difference("late", 0.01, "not distinguishable")
    assert sentence(difference("c", 0.0, "not distinguishable"), nothing).endswith("there was no advantage to vanish.")

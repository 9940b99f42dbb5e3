from __future__ import annotations

import pytest

from mmskin.report.headline import answer


@pytest.mark.parametrize(
    ("verdict", "told"),
    [("better", "Yes: +0.100."), ("worse", "No, it is worse: +0.100."), ("x", "These patients cannot tell: +0.100.")],
)
def test_the_question_is_answered_in_words(verdict: str, told: str) -> None:
    assert answer({"estimate": 0.1, "verdict": verdict}) == told

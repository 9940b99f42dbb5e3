from __future__ import annotations

import pandas as pd
import pytest
import unread_parts as script


def rows(scenario: str, rate: float, arm: str, answers: str) -> pd.DataFrame:
    """Four cases a, a, b, b of one fold, each answered with one class at .9."""
    return pd.DataFrame(
        {
            "case_id": ["1", "2", "3", "4"],
            "fold": 0,
            "arm": arm,
            "target": ["a", "a", "b", "b"],
            "prob_a": [0.9 if answer == "a" else 0.1 for answer in answers],
            "prob_b": [0.1 if answer == "a" else 0.9 for answer in answers],
            "scenario": scenario,
            "rate": rate,
        }
    )


def test_an_arm_that_reads_the_fields_alone_is_shown_as_one(monkeypatch: pytest.MonkeyPatch) -> None:
    table = pd.concat(
        [
            rows("complete", 0.0, "blind", "aabb"),
            rows("fields", 1.0, "blind", "aabb").iloc[::-1],  # the order of rows says nothing
            rows("photo", 1.0, "blind", "aaaa"),
            rows("at_random", 0.5, "blind", "bbbb"),
            rows("complete", 0.0, "seeing", "aabb"),
            rows("fields", 1.0, "seeing", "abab"),
        ]
    )
    found = script.unread_parts(table)
    assert [row[:3] for row in found] == [("blind", "fields", 1.0), ("blind", "photo", 0.5), ("seeing", "fields", 0.5)]
    assert found[1].complete == (1.0, 1.0)
    assert found[1].shown == (0.5, 0.5)

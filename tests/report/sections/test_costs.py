from __future__ import annotations

from mmskin.report.sections.costs import by_arm


def test_costs_by_arm_are_means_of_seconds_and_bear_what_was_not_measured() -> None:
    cells = [
        {"arm": "a", "fit_cpu_seconds": 1.0, "parameters": 10, "latency_ms": 8.0},
        {"arm": "a", "fit_cpu_seconds": 3.0, "parameters": 10},
        {"arm": "table", "fit_cpu_seconds": 0.5, "parameters": None},
    ]
    found = by_arm(cells).set_index("arm")
    assert found.loc["a", ["fit_cpu_seconds", "parameters", "latency_ms"]].tolist() == [2.0, 10.0, 8.0]
    assert found.loc["table"].isna().tolist() == [True, True, False, True, True]
    assert by_arm([]).empty

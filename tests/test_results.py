from __future__ import annotations

import pandas as pd

from mmskin.results import answered_by_all


def test_arms_are_compared_on_the_cases_that_all_of_them_answered() -> None:
    table = pd.DataFrame({"arm": ["a", "a", "a", "b", "b"], "case_id": ["1", "2", "3", "2", "3"]})
    common, left_out = answered_by_all(table)
    assert left_out == 1
    assert common["case_id"].tolist() == ["2", "3", "2", "3"]

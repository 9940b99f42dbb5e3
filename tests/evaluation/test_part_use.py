"""Whether answers stay without a part, by hand; who ignores a part, by construction."""

from __future__ import annotations

import pandas as pd
import pytest
from evaluation.test_missing_curves import answers

from mmskin.evaluation.part_use import GONE, OTHERS, evaluate_part_use, ignored_parts
from mmskin.report.sections.part_use import part_use_section


def table(arm: str, *, without: dict[str, str], exchanged: dict[str, str], answered: str = "1111") -> pd.DataFrame:
    """Complete answers aabb; by part, what is said without it and with another patient's."""
    parts = list(exchanged)
    left = {part: "+".join(other for other in parts if other != part) for part in parts}
    rows = [answers(arm, "complete", 0, "aabb")]
    rows += [answers(arm, left[part], 1, said, answered=answered) for part, said in without.items()]
    rows += [answers(arm, f"exchanged_{part}", 1, said) for part, said in exchanged.items()]
    return pd.concat(rows, ignore_index=True)


def test_shares_and_changes_are_those_by_hand() -> None:
    used = evaluate_part_use(
        table("both", without={"photo": "aaaa", "fields": "aabb"}, exchanged={"photo": "bbbb", "fields": "abab"}),
        replicates=200,
    )
    told = used.set_index(["part", "how"])
    assert told.stays.to_dict() == {
        ("photo", GONE): 0.5,
        ("photo", OTHERS): 0.5,
        ("fields", GONE): 1.0,
        ("fields", OTHERS): 0.5,
    }
    # .9 and .1 change places: the total variation of such a case is .8
    assert told.change["photo", GONE] == pytest.approx(0.4)
    assert told.change["fields", GONE] == 0
    row = told.loc["photo", OTHERS]
    assert row.low <= row.stays <= row.high


def test_an_arm_that_is_not_given_a_part_is_not_said_to_ignore_it() -> None:
    without, exchanged = {"photo": "abab", "fields": "aabb"}, {"photo": "abab", "fields": "aabb"}
    used = evaluate_part_use(table("image_only", without=without, exchanged=exchanged), replicates=20)
    assert used.groupby("part").reads.all().to_dict() == {"fields": False, "photo": True}
    assert ignored_parts(used).empty


def test_an_arm_that_hardly_reads_a_part_is_named() -> None:
    both = table(
        "metablock", without={"photo": "aabb", "fields": "bbaa"}, exchanged={"photo": "aabb", "fields": "bbaa"}
    )
    # it is given the photo, for its probabilities move a little
    shifted = both.scenario.isin(["fields", "exchanged_photo"])
    both.loc[shifted, ["prob_a", "prob_b"]] = both.loc[shifted, ["prob_a", "prob_b"]] * 0.9 + 0.05
    used = evaluate_part_use(both, replicates=20)
    assert ignored_parts(used).part.tolist() == ["photo"]
    section = part_use_section(used)
    assert list(section.lines) == [
        "metablock answers the same without the photo in 100% of cases [100%, 100%]: it hardly reads it."
    ]
    assert section.grids[0].rows[0][0] == "metablock"


def test_without_anything_left_an_answer_is_forced_and_not_compared() -> None:
    both = table("note", without={"fields": "aaaa"}, exchanged={"photo": "aabb", "fields": "abab"}, answered="0000")
    used = evaluate_part_use(both, replicates=20)
    assert used[used.part == "fields"].how.tolist() == [OTHERS]


def test_a_table_without_exchanged_parts_says_nothing() -> None:
    rows = pd.concat([answers("both", "complete", 0, "aabb"), answers("both", "photo", 1, "aabb")])
    assert evaluate_part_use(rows, replicates=20).empty

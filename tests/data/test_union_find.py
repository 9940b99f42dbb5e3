from __future__ import annotations

from mmskin.data.union_find import UnionFind


def test_what_is_joined_through_others_has_one_name_and_the_kept_one_goes_on() -> None:
    sets: UnionFind[str] = UnionFind()
    sets.union("a", "b")
    sets.union("c", "d")
    assert [sets.find(item) for item in "abcde"] == ["a", "a", "c", "c", "e"]
    sets.union("d", "b")  # c stands for d's set, and now for a's as well
    assert {sets.find(item) for item in "abcd"} == {"c"}
    sets.union("a", "d")
    assert sets.find("d") == "c"

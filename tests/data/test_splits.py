from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from real_data import real_data

from mmskin.data.sources.pad_ufes_20 import PadUfes20
from mmskin.data.splits import (
    Split,
    check_disjoint,
    hash_folds,
    inner_folds,
    make_folds,
    read_folds,
    split_by_fold,
    thin_classes,
    write_folds,
)
from mmskin.errors import ConfigError, DataError, LeakError


def cases(targets: str, *, patients: list[str] | None = None) -> pd.DataFrame:
    """One case per letter of `targets` ('.' for an unknown label), each of its own patient unless said."""
    n = len(targets)
    return pd.DataFrame(
        {
            "case_id": [f"c{i}" for i in range(n)],
            "patient_id": patients or [f"p{i}" for i in range(n)],
            "lesion_id": [f"l{i}" for i in range(n)],
            "images": [(f"/photos/{i}.png",) for i in range(n)],
            "target": [None if letter == "." else letter for letter in targets],
            "text": [None] * n,
        },
        dtype=object,
    )


def folds_of(numbers: list[int]) -> pd.Series[int]:
    return pd.Series(numbers, index=[f"c{i}" for i in range(len(numbers))], name="fold")


def ids(part: pd.DataFrame) -> list[str]:
    return list(part.case_id)


# --- making folds ---


def test_folds_of_the_real_sample_are_those_of_its_file() -> None:
    root = real_data("pad_ufes_20")
    table = PadUfes20().load(root).table
    written = read_folds(root / "folds.csv", table)
    assert make_folds(table).equals(written)
    assert written.value_counts().sort_index().to_list() == [248, 248, 247, 247, 247]


@pytest.mark.parametrize("test_fold", range(5))
def test_the_real_sample_splits_without_a_leak(test_fold: int) -> None:
    root = real_data("pad_ufes_20")
    table = PadUfes20().load(root).table
    split = split_by_fold(table, read_folds(root / "folds.csv", table), test_fold=test_fold)
    patients = [set(part.patient_id) for part in split]
    assert sum(len(part) for part in split) == 1237
    assert sum(len(some) for some in patients) == len(set.union(*patients)) == 900
    assert thin_classes(split) == []


def test_patients_stay_whole_and_classes_are_spread() -> None:
    rng = np.random.default_rng(0)
    patients = [f"p{i}" for i in rng.integers(0, 120, size=300)]
    table = cases("".join(rng.choice(list("aabbbc"), size=300)), patients=patients)
    folds = make_folds(table, k=4, seed=1)
    assert list(folds.index) == ids(table)
    assert set(folds) == {0, 1, 2, 3}
    assert table.assign(fold=folds.to_numpy()).groupby("patient_id").fold.nunique().max() == 1
    counts = pd.crosstab(folds.to_numpy(), table.target.to_numpy(dtype=str))
    assert (counts.max() - counts.min()).max() <= 5


def test_folds_depend_on_the_seed_alone() -> None:
    table = cases("ab" * 20)
    assert make_folds(table, seed=3).equals(make_folds(table, seed=3))
    assert not make_folds(table, seed=3).equals(make_folds(table, seed=4))


def test_folds_do_not_depend_on_the_order_of_rows() -> None:
    table = cases("aabab" * 8)
    table["lesion_id"] = [f"l{i % 25}" for i in range(40)]  # ties p0 to p25, p1 to p26, …
    folds = make_folds(table)
    assert make_folds(table[::-1]).to_dict() == folds.to_dict()


def test_a_shared_lesion_photo_or_photo_group_ties_patients_together() -> None:
    table = cases("ab" * 10)
    table["photo_group"] = [f"c{i}" for i in range(20)]
    table.at[1, "lesion_id"] = "l0"  # p0 - p1
    table.at[2, "images"] = ("/photos/1.png", "/photos/2.png")  # p1 - p2, by one of two photos
    table.at[3, "photo_group"] = "c2"  # p2 - p3, by equal bytes
    table.at[19, "photo_group"] = None  # no photo ties nobody
    table.at[18, "photo_group"] = None
    for seed in range(10):
        folds = make_folds(table, k=5, seed=seed)
        assert folds[["c0", "c1", "c2", "c3"]].nunique() == 1
    assert any(make_folds(table, seed=seed)[["c18", "c19"]].nunique() == 2 for seed in range(10))


def test_cases_without_target_get_no_fold() -> None:
    folds = make_folds(cases("ab.ab.abab"), k=3)
    assert "c2" not in folds.index
    assert "c5" not in folds.index
    assert len(folds) == 8


def test_a_class_rarer_than_the_folds_is_no_obstacle() -> None:
    assert len(make_folds(cases("aaaaaaaaaab"), k=5)) == 11


def test_too_few_folds_or_patients_are_refused() -> None:
    with pytest.raises(ConfigError, match="k=2 folds are too few"):
        make_folds(cases("abab"), k=2)
    with pytest.raises(DataError, match="k=5 folds need 5 or more groups of patients, however the table has 2"):
        make_folds(cases("ababab", patients=["p", "p", "p", "q", "q", "q"]), k=5)


# --- keeping them ---


def test_folds_survive_their_file(tmp_path: Path) -> None:
    table = cases("ab.b" * 8)
    folds = make_folds(table)
    path = tmp_path / "folds.csv"
    write_folds(folds, path, table=table)
    assert path.read_text().startswith("case_id,patient_id,fold\nc0,p0,")
    assert read_folds(path, table).equals(folds)


def test_file_names_stand_for_case_ids_in_any_order(tmp_path: Path) -> None:
    path = tmp_path / "folds.csv"
    path.write_bytes(b"\xef\xbb\xbfimg_id,fold\r\nc2.png,2\r\nc0.png,0\r\nc1.jpg,1\r\n")
    folds = read_folds(path, cases("aba"))
    assert folds.to_dict() == {"c0": 0, "c1": 1, "c2": 2}
    assert list(folds.index) == ["c0", "c1", "c2"]


def test_ids_missing_unknown_doubled_or_moved_are_told_at_once(tmp_path: Path) -> None:
    path = tmp_path / "folds.csv"
    path.write_text("case_id,patient_id,fold\nc0,p0,0\nc0,p0,1\nc1,p9,1\nzz,p7,2\n")
    with pytest.raises(DataError) as caught:
        read_folds(path, cases("aba"))
    message = str(caught.value)
    assert "1 ids stand twice: c0" in message
    assert "1 cases of the table have no fold: c2" in message
    assert "1 ids are unknown to the table: zz" in message
    assert "1 ids have another patient: c1 (p9, in the table p1)" in message


def test_ids_of_dropped_cases_can_be_ignored_on_purpose(tmp_path: Path) -> None:
    path = tmp_path / "folds.csv"
    path.write_text("case_id,fold\nc0,0\nc1,1\nc2,2\nc3,0\n")
    assert len(read_folds(path, cases("aba"), unknown="ignore")) == 3
    with pytest.raises(DataError, match="unknown to the table: c3"):
        read_folds(path, cases("aba"))


@pytest.mark.parametrize("fold", ["", "1.5", "-1", "one"])
def test_a_fold_that_is_no_whole_number_is_refused(tmp_path: Path, fold: str) -> None:
    path = tmp_path / "folds.csv"
    path.write_text(f"case_id,fold\nc0,0\nc1,{fold}\n")
    with pytest.raises(
        DataError, match=f"whole number from 0, or in all rows train, val or test, however row 3: '{fold}'"
    ):
        read_folds(path, cases("ab"))


def test_a_file_without_the_columns_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "folds.csv"
    path.write_text("id,fold\nc0,0\n")
    with pytest.raises(DataError, match=r"lacks columns: 'case_id'.*; it has: id, fold"):
        read_folds(path, cases("ab"))
    with pytest.raises(DataError, match="does not exist"):
        read_folds(tmp_path / "none.csv", cases("ab"))


# --- splitting ---


def test_fold_k_tests_the_next_validates_the_rest_trains() -> None:
    table = cases("aaaaaaaa")
    folds = folds_of([0, 1, 2, 3, 0, 1, 2, 3])
    split = split_by_fold(table, folds, test_fold=1)
    assert (ids(split.train), ids(split.val), ids(split.test)) == (["c0", "c3", "c4", "c7"], ["c2", "c6"], ["c1", "c5"])
    last = split_by_fold(table, folds, test_fold=3)
    assert (ids(last.train), ids(last.val), ids(last.test)) == (["c1", "c2", "c5", "c6"], ["c0", "c4"], ["c3", "c7"])
    assert list(split.test.index) == [0, 1]


def test_each_case_is_tested_once_and_validates_once() -> None:
    table = cases("ab" * 15)
    folds = make_folds(table, k=5)
    splits = [split_by_fold(table, folds, test_fold=k) for k in range(5)]
    for part in ("val", "test"):
        assert sorted(case for split in splits for case in ids(getattr(split, part))) == sorted(table.case_id)


def test_cases_without_target_are_in_no_part() -> None:
    split = split_by_fold(cases("aaa."), folds_of([0, 1, 2]), test_fold=0)
    assert sorted(case for part in split for case in ids(part)) == ["c0", "c1", "c2"]


def test_a_class_without_training_case_is_refused_with_counts() -> None:
    folds = folds_of([0, 1, 2, 2, 0])
    with pytest.raises(DataError, match=r"1 classes have no training case: b \(training has a 2\)"):
        split_by_fold(cases("aaaab"), folds, test_fold=0)
    with pytest.raises(DataError, match=r"no training case: z"):
        split_by_fold(cases("aaaaa"), folds, test_fold=0, classes=("a", "z"))


def test_a_class_that_val_or_test_lacks_is_a_remark() -> None:
    split = split_by_fold(cases("abaab"), folds_of([0, 1, 1, 2, 2]), test_fold=0)
    assert thin_classes(split) == ["test has no case of class b (1 cases of 1 classes)"]
    assert len(thin_classes(split, classes=("a", "b", "c"))) == 3


def test_an_empty_part_is_refused() -> None:
    with pytest.raises(DataError, match=r"test_fold=1: no case is left for test \(of 2\)"):
        split_by_fold(cases("a.a"), folds_of([0, 1, 2]), test_fold=1)


def test_folds_that_do_not_fit_are_refused() -> None:
    table = cases("aaa")
    with pytest.raises(ConfigError, match=r"test_fold=3 must be one of \[0, 1, 2\]"):
        split_by_fold(table, folds_of([0, 1, 2]), test_fold=3)
    with pytest.raises(DataError, match=r"without a gap and be 3 or more, however: \[0, 1, 3\]"):
        split_by_fold(table, folds_of([0, 1, 3]), test_fold=0)
    with pytest.raises(DataError, match=r"3 or more, however: \[0, 1\]"):
        split_by_fold(table, folds_of([0, 1, 1]), test_fold=0)
    with pytest.raises(DataError, match="1 cases have no fold: c2"):
        split_by_fold(table, folds_of([0, 1]), test_fold=0)


# --- leaks ---


@pytest.mark.parametrize(
    ("column", "value", "told"),
    [
        ("patient_id", "p0", r"1 patients lie in two parts of the split: p0 \(val and test\)"),
        ("lesion_id", "l0", r"1 lesions lie in two parts of the split: l0 \(val and test\)"),
        ("images", ("x", "/photos/0.png"), r"1 images lie in two parts of the split: /photos/0.png \(val and test\)"),
        ("photo_group", "c0", r"1 photos \(equal bytes\) lie in two parts of the split: c0 \(val and test\)"),
    ],
)
def test_what_lies_in_two_parts_is_refused_by_name(column: str, value: object, told: str) -> None:
    table = cases("aaa").assign(photo_group=["c0", "c1", "c2"])
    check_disjoint(Split(train=table[2:], val=table[1:2], test=table[:1]))
    table.at[1, column] = value
    with pytest.raises(LeakError, match=told):
        split_by_fold(table, folds_of([0, 1, 2]), test_fold=0)


def test_absent_photos_and_lesions_are_shared_by_nobody() -> None:
    table = cases("aaa").assign(photo_group=None)
    table["lesion_id"] = None
    table["images"] = pd.Series([(), (), ()], dtype=object)
    check_disjoint(Split(train=table[2:], val=table[1:2], test=table[:1]))


def test_inner_folds_are_fewer_where_no_class_has_five_cases() -> None:
    def made(cases: int) -> pd.Series[int]:
        table = pd.DataFrame({"case_id": [f"c{n}" for n in range(2 * cases)], "target": ["a", "b"] * cases})
        table["images"] = [(name,) for name in table.case_id]
        table = table.assign(patient_id=table.case_id, lesion_id=table.case_id)
        return inner_folds(table)

    assert sorted(set(made(20))) == [0, 1, 2, 3, 4]
    assert sorted(set(made(4))) == [0, 1, 2, 3]
    with pytest.raises(DataError, match="2 or more cases of one class"):
        made(1)


# --- by hash ---


def many(n: int) -> pd.DataFrame:
    return cases("ab" * (n // 2))


def moved(one: pd.Series[int], other: pd.Series[int]) -> set[str]:
    both = one.index.intersection(other.index)
    return {case for case in both if one[case] != other[case]}


def test_by_hash_nobody_moves_when_cases_are_added_or_two_patients_are_tied() -> None:
    table = many(300)
    before = hash_folds(table.iloc[:250])
    assert not moved(before, hash_folds(table))
    tied = table.iloc[:250].copy()
    tied.loc[7, "lesion_id"] = tied.loc[3, "lesion_id"]
    after = hash_folds(tied)
    assert moved(before, after) <= {tied.case_id[3], tied.case_id[7]}
    assert after[tied.case_id[3]] == after[tied.case_id[7]]
    assert len(moved(make_folds(table.iloc[:250]), make_folds(tied))) > 50  # which is why there is a choice


def test_folds_by_hash_are_about_equal_and_follow_the_seed() -> None:
    table = many(3000)
    shares = hash_folds(table, k=5).value_counts(normalize=True)
    assert shares.between(0.17, 0.23).all()  # four standard deviations are .029
    assert moved(hash_folds(table), hash_folds(table, seed=1))
    pd.testing.assert_series_equal(hash_folds(table), hash_folds(table))


def test_a_fold_without_a_case_is_refused() -> None:
    with pytest.raises(DataError, match=r"fold .* of k=50 has no case.*fold_method: stratified"):
        hash_folds(many(20), k=50)
    with pytest.raises(ConfigError, match="k=2 folds are too few"):
        hash_folds(many(20), k=2)

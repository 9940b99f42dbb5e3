from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from benchmark.small_benchmark import ARMS, planned_run, run, small_benchmark

from mmskin.benchmark.run.folds import Folds
from mmskin.benchmark.run.run import fields_excluded
from mmskin.errors import ConfigError, DataError

LATE = ARMS["late"]


def folds(root: Path, tmp_path: Path, arms: dict[str, Any]) -> Folds:
    benchmark = small_benchmark(root, tmp_path, arms={"late": LATE, "image_only": ARMS["image_only"], **arms})
    return planned_run(benchmark, tmp_path / "out").folds


def test_an_arm_has_the_fields_of_its_own_mode_and_arms_of_one_mode_share_a_fold(
    pad_folder: Path, tmp_path: Path
) -> None:
    found = folds(pad_folder, tmp_path, {"blind": LATE | {"missingness": "always_recorded"}})
    assert found["late", 0] is found["image_only", 0]
    visible, blind = found["late", 0].schema.field_names, found["blind", 0].schema.field_names
    assert set(blind) < set(visible)
    assert found["blind", 0].split.train[list(blind)].notna().all(axis=None)


def test_a_control_has_the_histories_of_others_within_each_part_and_its_own_photos_and_subgroups(
    pad_folder: Path, tmp_path: Path
) -> None:
    found = folds(pad_folder, tmp_path, {"control": LATE | {"shuffle_histories": True}})
    for fold in (0, 1):
        shuffled, straight = found["control", fold], found["late", fold]
        fields = list(straight.schema.field_names)
        for part, before in zip(shuffled.split, straight.split, strict=True):
            rest = [column for column in before.columns if column not in (*fields, "text")]
            assert "group_fully_recorded" in rest
            assert "group_sex" in rest
            pd.testing.assert_frame_equal(part[rest], before[rest])
            told = [sorted(map(repr, table[fields].itertuples(index=False))) for table in (part, before)]
            assert told[0] == told[1]
            assert not part[fields].equals(before[fields])


def test_arms_in_other_modes_and_controls_stand_in_one_table_with_the_others(pad_folder: Path, tmp_path: Path) -> None:
    arms = {
        "late": LATE,
        "image_only": ARMS["image_only"],
        "late-blind": LATE | {"missingness": "always_recorded"},
        "late-equalized": LATE | {"missingness": "equalized"},
        "flags": {"table": {"name": "flags_only"}, "missingness": "visible"},
        "late-shuffled": LATE | {"shuffle_histories": True},
    }
    small = small_benchmark(pad_folder, tmp_path / "features", arms=arms, data={"test_folds": [0]})
    table, failures = run(small, tmp_path / "out")
    assert not failures
    answers = {arm: rows.filter(like="prob_").to_numpy() for arm, rows in table.groupby("arm")}
    assert set(answers) == set(arms)
    assert all((answers[arm] != answers["late"]).any() for arm in answers if arm != "late")
    groups = table.groupby("case_id")[[column for column in table.columns if column.startswith("group_")]]
    assert (groups.nunique(dropna=False) == 1).all(axis=None), "a subgroup is the case's own, whatever history it got"
    asked = set(pd.read_parquet(tmp_path / "out" / "missing.parquet").arm)
    assert asked == set(arms) - {"late-shuffled"}, "a control is not asked about missing parts"
    controls = {path.name for path in (tmp_path / "out" / "cells" / "late-shuffled" / "fold_0").iterdir()}
    assert controls == {"seed_0"}, "a control is run with one seed"


@pytest.mark.parametrize(("of", "changes"), [("image_only", False), ("late", True)])
def test_other_histories_change_an_arm_that_reads_them_and_no_other(
    pad_folder: Path, tmp_path: Path, of: str, changes: bool
) -> None:
    arms = {"late": LATE, "image_only": ARMS["image_only"], "control": ARMS[of] | {"shuffle_histories": True}}
    small = small_benchmark(pad_folder, tmp_path / "features", arms=arms, seeds=[0], data={"test_folds": [0]})
    table, _ = run(small, tmp_path / "out")
    straight, shuffled = (table[table.arm == arm].filter(like="prob_").to_numpy() for arm in (of, "control"))
    assert (straight != shuffled).any() == changes


def test_where_no_field_is_left_an_arm_of_photos_is_run_and_one_of_history_is_refused_by_its_fields(
    pad_folder: Path, tmp_path: Path
) -> None:
    data = {"fields": ["smoke", "drink"], "missingness": "always_recorded", "test_folds": [0]}
    photos = {"arms": {"image_only": ARMS["image_only"]}, "primary": None, "missing_parts": None}
    table, failures = run(small_benchmark(pad_folder, tmp_path, data=data, **photos), tmp_path / "photos")
    assert not failures
    assert table.filter(like="prob_").notna().to_numpy().all()
    with pytest.raises(DataError, match=r"arms\.late: .*leaves no field of pad_ufes_20.*smoke \(empty in .*equalized"):
        planned_run(small_benchmark(pad_folder, tmp_path, data=data), tmp_path / "both")


def test_a_field_that_only_some_folds_leave_out_is_named_with_them(pad_folder: Path, tmp_path: Path) -> None:
    run_of = planned_run(small_benchmark(pad_folder, tmp_path), tmp_path / "out")
    excluded = {0: {"age": "empty in one"}, 1: {"age": "empty in two", "sex": "empty"}}
    seen = {key: fold._replace(excluded=excluded[key[1]]) for key, fold in run_of.folds.items()}
    assert fields_excluded(run_of._replace(folds=seen)) == {"age": "empty in one", "sex": "empty (in fold 1)"}


def test_an_encoder_that_is_too_narrow_for_the_fields_of_a_fold_is_refused_before_anything_is_computed(
    pad_folder: Path, tmp_path: Path
) -> None:
    narrow = {"metadata": {"name": "tokens", "pooled": "columns", "dim": 8}}
    arm = {"fusion": {"name": "metadata_only"}, "encoders": narrow}
    with pytest.raises(ConfigError, match=r"arms\.fields\.encoders\.metadata, fold 0: dim must be \d+ or more"):
        folds(pad_folder, tmp_path, {"fields": arm})

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from api.small_parts import ONE_CELL, TINY
from made_predictions import make

import mmskin
from mmskin.errors import ConfigError, DataError, UserError
from mmskin.fusion.late import LateFusion


class Mine(LateFusion):
    """A fusion that a user has written."""


def test_names_classes_options_and_whole_arms_are_compared(pad_cases: mmskin.Cases, tmp_path: Path) -> None:
    arms = ["image_only", "late", Mine, "majority", {"name": "logistic_regression", "on": "fields"}]
    result = mmskin.compare(pad_cases, arms, reference="image_only", **ONE_CELL, output=tmp_path / "run")
    names = {"image_only", "late", "Mine", "majority", "logistic_regression"}
    assert set(result.metrics["arm"]) == set(result.predictions["arm"]) == names
    assert set(result.differences["arm"]) == names - {"image_only"}
    roles = result.differences.set_index(["metric", "arm"])["role"]
    assert roles["balanced_accuracy", "late"] == "primary"
    late, mine = (result.predictions[result.predictions["arm"] == arm].filter(like="prob_") for arm in ("late", "Mine"))
    assert late.to_numpy().tolist() == mine.to_numpy().tolist()  # the same code, the same seed
    page = result.report(tmp_path / "pages" / "report.html")
    assert page == tmp_path / "pages" / "report.html"
    assert "Mine" in page.read_text(encoding="utf-8")
    assert [path.name for path in page.parent.iterdir()] == ["report.html"]
    assert repr(result).startswith("primary, named before the run:\nlate - image_only, balanced accuracy: ")
    assert "<td>Mine</td>" in result._repr_html_()


def test_a_run_that_is_there_is_gone_on_with(pad_cases: mmskin.Cases, tmp_path: Path) -> None:
    options = ONE_CELL | {"output": tmp_path / "run", "encoders": {"metadata": TINY["metadata"]}}
    first = mmskin.compare(pad_cases, ["majority", "metadata_only"], reference="majority", **options)
    said: list[str] = []
    again = mmskin.compare(
        pad_cases, ["majority", "metadata_only"], reference="majority", **options | {"say": said.append}
    )
    pd.testing.assert_frame_equal(again.predictions, first.predictions)
    assert "2 cells (2 arms), 2 of them finished" in said


def test_a_fusion_that_was_rewritten_is_not_gone_on_with(
    pad_cases: mmskin.Cases, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = ONE_CELL | {"output": tmp_path / "run", "encoders": {"metadata": TINY["metadata"]}}
    mmskin.compare(pad_cases, ["majority", Mine], reference="majority", **options)
    monkeypatch.setattr("inspect.getsource", lambda part: "class Mine: rewritten")
    with pytest.raises(UserError, match=r"begun with another configuration: source of parts\.fusion of Mine"):
        mmskin.compare(pad_cases, ["majority", Mine], reference="majority", **options)


def test_arms_by_name_may_be_the_same_part_twice(pad_cases: mmskin.Cases) -> None:
    few = ONE_CELL | {"encoders": {"metadata": TINY["metadata"]}}
    arms = {
        "short": {"fusion": "metadata_only"},
        "long": {"fusion": "metadata_only", "training": {"epochs": 2}},
        "wide": {"fusion": "metadata_only", "encoders": {"metadata": {"name": "tokens", "dim": 16}}},
    }
    result = mmskin.compare(pad_cases, arms, reference="short", primary="long", **few)
    assert set(result.differences["arm"]) == {"long", "wide"}


def test_shared_experts_go_to_arms_that_join_modalities_and_an_arm_may_have_its_own(
    pad_cases: mmskin.Cases, tmp_path: Path
) -> None:
    arms = {
        "corrected": "concat",
        "plain": {"fusion": "concat", "experts": None, "reduce": {}},
        "late": "late",
        "ensemble": {"fusion": "concat", "experts": {"gate": "class"}, "training": {"members": 2, "save_model": True}},
    }
    few = ONE_CELL | {"encoders": {m: TINY[m] for m in ("text", "metadata")}, "output": tmp_path / "run"}
    result = mmskin.compare(
        pad_cases, arms, reference="late", primary="corrected", experts={}, reduce={"text": {"dim": 4}}, **few
    )
    assert set(result.differences["arm"]) == {"corrected", "plain", "ensemble"}
    answers = {arm: rows.filter(like="prob_").to_numpy() for arm, rows in result.predictions.groupby("arm")}
    assert not np.allclose(answers["corrected"], answers["plain"])
    saved = mmskin.load(tmp_path / "run", arm="ensemble").trained
    assert [one.model.correction.gate.numel() for one in saved.models] == [6, 6]
    for changed, message in (
        ({"experts": {"gate": "none"}}, r"experts.gate: Input should be 'all' or 'class', however: 'none'"),
        ({"reduce": {"txt": {"dim": 4}}}, r"reduce.txt: there is no encoder of txt; leave it out"),
    ):
        with pytest.raises(ConfigError, match=message) as caught:
            mmskin.compare(pad_cases, arms, reference="late", **ONE_CELL | changed)
        assert "\n" not in str(caught.value)


def test_workers_have_the_parts_of_their_parent(
    pad_cases: mmskin.Cases, other_package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(other_package), prepend=":")
    from skin_mixer import SumOfBranches

    few = ONE_CELL | {"encoders": {"metadata": TINY["metadata"]}}
    results = [
        mmskin.compare(pad_cases, ["majority", SumOfBranches], reference="majority", jobs=jobs, **few)
        for jobs in (1, 2)
    ]
    pd.testing.assert_frame_equal(results[0].predictions, results[1].predictions)


def test_what_no_worker_can_import_is_refused_in_one_line(pad_cases: mmskin.Cases) -> None:
    class Local(LateFusion):
        """Defined inside a function."""

    with pytest.raises(ConfigError, match=r"'Local' \(.*\) cannot be sent to worker processes: define it at the top"):
        mmskin.compare(pad_cases, ["image_only", Local], reference="image_only", jobs=2, **ONE_CELL)
    from mmskin.fusion import FUSIONS

    del FUSIONS._added["Local"]


def test_questions_without_an_answer_are_refused_before_anything_is_trained(pad_cases: mmskin.Cases) -> None:
    for arms, reference, message in (
        (["late"], "late", "two arms or more are compared, however: late"),
        (["late", "image_only"], "image", "reference 'image' does not exist. Did you mean 'image_only'"),
        (["late", "late"], "late", "two arms are called 'late': give them names"),
        (["late", "image_onl"], "late", "arm 'image_onl' does not exist. Did you mean 'image_only'"),
        ("late", "late", "arms must be a list of two arms or more, however: 'late'"),
        ({"a b": "late", "b": "image_only"}, "b", "an arm is named by letters"),
    ):
        with pytest.raises(ConfigError, match=message):
            mmskin.compare(pad_cases, arms, reference=reference, **ONE_CELL)


def test_the_table_for_a_paper_holds_the_numbers_of_the_results() -> None:
    result = mmskin.compare_predictions(
        image_only=make(), a_b=make(skill=2.0, rng_seed=1), reference="image_only", replicates=200
    )
    lines = result.to_latex().splitlines()
    assert lines[:3] == [
        r"\begin{tabular}{lrrrr}",
        r"\toprule",
        r"Arm & Balanced accuracy & Macro AUROC & Difference to image\_only & p \\",
    ]
    score = result.metrics.query("arm == 'a_b' and metric == 'balanced_accuracy' and subset == 'all'").iloc[0]
    difference = result.differences.query("metric == 'balanced_accuracy'").iloc[0]
    assert lines[4].startswith(rf"a\_b & {score.estimate:.3f} [{score.low:.3f}, {score.high:.3f}] & ")
    assert f"& +{difference.estimate:.3f} [{difference.low:.3f}, {difference.high:.3f}] &" in lines[4]
    assert lines[5].endswith(r"& reference &  \\")
    assert lines[-1] == r"\end{tabular}"


def test_predictions_of_two_tables_are_compared_whatever_their_arms_are_called(tmp_path: Path) -> None:
    ours, theirs = make(arm="late", skill=2.0), make(arm="late", rng_seed=1)
    ours.to_parquet(tmp_path / "ours.parquet")
    by_name = mmskin.compare_predictions(
        ours=tmp_path / "ours.parquet", theirs=theirs, reference="theirs", replicates=100
    )
    assert by_name.differences.query("metric == 'balanced_accuracy'")["role"].tolist() == ["primary"]
    renamed = theirs.assign(arm="theirs"), ours.assign(arm="ours")
    pd.testing.assert_frame_equal(
        mmskin.compare_predictions(*renamed, reference="theirs", replicates=100).differences, by_name.differences
    )
    with pytest.raises(DataError, match="two runs have an arm 'late': give each a name of its own"):
        mmskin.compare_predictions(ours, theirs, reference="late")
    with pytest.raises(DataError, match="there is nothing to compare"):
        mmskin.compare_predictions(reference="late")
    both = mmskin.compare_predictions(both=pd.concat(renamed), reference="both-theirs", replicates=100)
    assert both.differences["arm"].unique().tolist() == ["both-ours"]

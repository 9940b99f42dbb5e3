from __future__ import annotations

import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
from evaluation.test_robustness import by_hand, drawn_robustness

from mmskin.evaluation.robustness import CorruptedScores, evaluate_robustness
from mmskin.report import metric_figures as figures
from mmskin.report.numbers import MINUS, NOTHING
from mmskin.report.sections.robustness import drawn_arms, robustness_section


@pytest.fixture
def scores(make_predictions) -> CorruptedScores:
    return evaluate_robustness(drawn_robustness(make_predictions), reference="note", replicates=200)


def test_tables_have_every_arm_by_fault_at_the_worst_severity_and_the_mean() -> None:
    scores = evaluate_robustness(by_hand(), reference="note", replicates=20)
    means, worst, intervals = robustness_section(scores, first=["photo", "note"], left_out=[]).grids
    assert list(means.head)[:5] == ["Arm", "Clean", "Mean corrupted", "Change", "Mean minus note"]
    assert [row[0] for row in means.rows] == [row[0] for row in worst.rows] == ["photo", "note"]
    assert means.rows[0][1] == "1.000"
    assert means.rows[0][2].startswith("0.562 [") or means.rows[0][2].startswith("0.563 [")
    assert means.rows[1][3:5] == ["0.000", NOTHING]
    assert "2 faults at severity 1, 5" in means.note
    assert worst.title.endswith("severity 5")
    assert list(worst.head) == ["Arm", "Clean", "Blur", "Hair", "Mean of all"]
    assert [cell.removesuffix(" ↓") for cell in worst.rows[0][1:4]] == ["1.000", "0.500", "0.000"]
    assert list(worst.rows[1][1:]) == ["0.750"] * 4
    assert intervals.folded
    assert [row[0] for row in intervals.rows] == ["photo, blur", "photo, hair"]


def test_only_a_loss_that_can_be_told_from_zero_is_marked(scores: CorruptedScores) -> None:
    worst = robustness_section(scores, first=["photo", "note"], left_out=[]).grids[1]
    balanced = scores.scores[scores.scores.metric == "balanced_accuracy"]
    high = balanced.set_index(["arm", "corruption", "severity"]).change_high
    for row in worst.rows:
        for name, cell in zip(("blur", "hair"), row[2:4], strict=True):
            assert cell.endswith(" ↓") == (high[row[0], name, 5] < 0)
    assert worst.rows[0][2].endswith(" ↓")
    assert not worst.rows[1][2].endswith(" ↓")


def test_sentences_say_what_is_lost_most_and_what_the_history_keeps(scores: CorruptedScores) -> None:
    lines = robustness_section(scores, first=["photo", "note"], left_out=["note-shuffled"]).lines
    assert lines[0].startswith("photo: mean corrupted balanced accuracy 0.")
    assert f"It loses most by blur: {MINUS}0." in lines[0]
    assert lines[0].endswith("at severity 5.")  # nothing is said of zero where the loss can be told from it
    assert lines[1] == "note answers as before under every fault: it reads no photo."
    assert lines[2].startswith("On bad photos photo minus note is ")
    assert lines[3].startswith("Not asked: note-shuffled (")
    assert len(robustness_section(scores, first=["photo"], left_out=[]).lines) == 1


def test_a_loss_that_cannot_be_told_from_zero_is_called_so_and_no_loss_is_none() -> None:
    table = by_hand()
    photo = table[table.arm == "photo"]
    hair = photo[(photo.corruption == "clean") | ((photo.corruption == "hair") & (photo.severity == 1))]
    mild = photo[(photo.corruption == "clean") | ((photo.corruption == "blur") & (photo.severity == 1))].copy()
    mild.loc[mild.severity == 1, ["prob_a", "prob_b"]] = [[0.8, 0.2], [0.8, 0.2], [0.2, 0.8], [0.2, 0.8]]
    lost, kept = (
        robustness_section(evaluate_robustness(of, replicates=50), first=["photo"], left_out=[]) for of in (hair, mild)
    )
    assert lost.lines[0].endswith("at severity 1, which cannot be told from zero.")
    assert list(lost.grids[1].rows[0]) == ["photo", "1.000", "0.750", "0.750"]
    assert kept.lines[0].endswith("No fault costs it anything at severity 1.")


def test_the_same_numbers_stand_in_the_json_file(scores: CorruptedScores) -> None:
    section = robustness_section(scores, first=["photo", "note"], left_out=[])
    assert len(section.saved["corrupted_photos"]) == len(scores.scores) == 2 * 5 * 2
    assert section.saved["corrupted_photos_mean"][0]["estimate"] == scores.means.estimate.iloc[0]


def test_the_picture_draws_losses_of_arms_that_read_photos_the_worst_fault_first(scores: CorruptedScores) -> None:
    (picture,) = robustness_section(scores, first=["note", "photo"], left_out=[]).pictures
    ElementTree.fromstring(picture.image)
    assert drawn_arms(scores, first=["note", "photo"]) == ["photo"]
    by_fault = evaluate_robustness(by_hand(), replicates=20).scores
    balanced = by_fault[by_fault.metric == "balanced_accuracy"]
    axes = figures.corruption_losses(balanced, arms=["photo"], severity=5).axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["hair", "blur"]
    drawn = next(line for line in axes.lines if line.get_marker() == "o")
    assert np.asarray(drawn.get_xdata()) == pytest.approx([-1, -0.5])


def test_without_an_arm_that_reads_photos_there_is_no_picture(make_predictions) -> None:
    table = drawn_robustness(make_predictions)
    scores = evaluate_robustness(table[table.arm == "note"], replicates=20)
    section = robustness_section(scores, first=["note"], left_out=[])
    assert section.pictures == []
    assert list(section.grids[2].rows) == []

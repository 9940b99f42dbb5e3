from __future__ import annotations

import xml.etree.ElementTree as ElementTree

import numpy as np
import pandas as pd
import pytest
from evaluation.test_missing_curves import by_hand, drawn_clinic

from mmskin.data.missing_parts import scenarios
from mmskin.evaluation.missing_curves import evaluate_missing
from mmskin.report import metric_figures as figures
from mmskin.report.sections.missing_parts import drawn_arms, missing_grids, missing_pictures


def test_grids_tell_scores_shares_not_answered_and_what_is_not_applicable() -> None:
    parts, hidden = missing_grids(evaluate_missing(by_hand(), replicates=20))
    assert list(parts.head) == ["Arm", "Complete", "Photo alone", "n"]
    assert [row[0] for row in parts.rows] == ["both", "note"]
    assert parts.rows[0][2].startswith("0.750 [")
    assert parts.rows[1][2] == "n/a"
    assert list(hidden.head)[3:] == ["60% hidden, at random", "60% hidden, in blocks"]
    assert hidden.rows[1][3].startswith("0.500 [")
    assert hidden.rows[1][3].endswith(" (50% not answered)")
    assert hidden.rows[1][4] == "n/a"
    assert "0.3, 0.6" in hidden.note
    assert "chance = 0.500" in hidden.note


def test_the_picture_draws_the_arms_named_first_and_the_best_others(make_predictions) -> None:
    losses = evaluate_missing(drawn_clinic(make_predictions), replicates=100)
    (picture,) = missing_pictures(losses, first=["note", "photo"])
    ElementTree.fromstring(picture.image)
    (again,) = missing_pictures(losses, first=["note", "photo"])
    assert again.image == picture.image
    figure = figures.missing_curves(losses.scores, arms=["note"], chance=0.25)
    xy = figure.axes[0].lines[1].get_xydata()
    expected = losses.scores[losses.scores.arm == "note"][["rate", "estimate"]].to_numpy()
    assert np.asarray(xy) == pytest.approx(expected)


def test_arms_are_drawn_six_at_most_among_them_one_that_reads_no_photo() -> None:
    rows = [("complete", 0.0, arm, 1 - k / 10, 1.0) for k, arm in enumerate("abcdefgh")]
    rows += [("photo", 1.0, arm, 0.2, 0.0 if arm in "gh" else 1.0) for arm in "abcdefgh"]
    scores = pd.DataFrame(rows, columns=["scenario", "rate", "arm", "estimate", "answered"])
    assert drawn_arms(scores, first=["f", "b"]) == ["f", "b", "g", "a", "c", "d"]


def test_without_rates_there_are_parts_alone_and_no_curve() -> None:
    table = by_hand()
    losses = evaluate_missing(table[table.rate.isin([0, 1])], replicates=20)
    assert [grid.title for grid in missing_grids(losses)] == ["With parts alone: balanced accuracy"]
    assert missing_pictures(losses, first=["both"]) == []


def test_four_parts_have_a_table_for_each_number_of_parts_that_are_left() -> None:
    parts = ("clinical_photo", "dermoscopic_photo", "fields", "words")
    names = [scenario.name for scenario in scenarios(parts, [])]
    drawn = by_hand()
    complete = drawn[drawn.rate == 0]
    table = pd.concat([complete.assign(scenario=name, rate=float(name != "complete")) for name in names])
    grids = missing_grids(evaluate_missing(table, replicates=20))
    assert [grid.title.removesuffix(": balanced accuracy") for grid in grids] == [
        "With one part alone",
        "With 2 parts",
        "With one part missing",
    ]
    alone, two, missing = (list(grid.head)[2:-1] for grid in grids)
    assert alone == ["Clinical photo alone", "Dermoscopic photo alone", "Fields alone", "Words alone"]
    assert two[:2] == ["Clinical photo and dermoscopic photo", "Clinical photo and fields"]
    assert len(two) == 6
    assert missing == ["Without words", "Without fields", "Without dermoscopic photo", "Without clinical photo"]


def test_an_arm_reads_no_photo_if_it_answers_none_of_all_kinds_together() -> None:
    rows = [("complete", 0.0, arm, 1 - k / 10, 1.0) for k, arm in enumerate("abcdefgh")]
    rows += [("clinical_photo", 1.0, arm, 0.2, 0.0 if arm in "cgh" else 1.0) for arm in "abcdefgh"]
    rows += [("clinical_photo+dermoscopic_photo", 1.0, arm, 0.2, 0.0 if arm in "gh" else 1.0) for arm in "abcdefgh"]
    rows += [("at_random", 0.5, arm, 0.2, 0.0) for arm in "abcdefgh"]
    scores = pd.DataFrame(rows, columns=["scenario", "rate", "arm", "estimate", "answered"])
    assert drawn_arms(scores, first=["f", "b"]) == ["f", "b", "g", "a", "c", "d"]

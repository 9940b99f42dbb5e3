"""Scores of a reader of free texts, worked out by hand."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pandas as pd
import pytest

from mmskin.errors import DataError
from mmskin.schema import Field, Schema
from mmskin.teaching.free_text_scores import Read, score_free_texts
from mmskin.teaching.free_texts import FreeText, read_free_texts

SCHEMA = Schema(
    name="made",
    classes=("a", "b"),
    fields=(
        Field(name="itch", kind="yes_no"),
        Field(name="bleed", kind="yes_no"),
        Field(name="region", kind="categorical", choices=("ear", "nose")),
        Field(name="age", kind="numeric", unit="years"),
        Field(name="days", kind="duration"),
    ),
)


def text(
    style: str = "voice", *, negated: tuple[str, ...] = (), vague: tuple[str, ...] = (), **stated: float | str
) -> FreeText:
    return FreeText(style, "…", stated, negated, vague)


def table(texts: list[FreeText], read: list[Read]) -> pd.DataFrame:
    scores = score_free_texts(texts, read, SCHEMA)
    return scores.set_index(["style", "score"])


def scored(texts: list[FreeText], read: list[Read], score: str, style: str = "all") -> tuple[float, int]:
    row = table(texts, read).loc[(style, score)]
    return float(row["value"]), int(row["n"])


def test_yes_no_facts_count_unknown_and_what_is_left_unsaid() -> None:
    texts = [text(itch="yes", bleed="no"), text(itch="unknown", bleed="yes")]
    read: list[Read] = [{"itch": "yes", "bleed": None}, {"itch": "unknown", "bleed": "no"}]
    assert scored(texts, read, "yes/no right") == (2 / 4, 4)


def test_negations_are_those_marked_not_every_no() -> None:
    texts = [text(itch="no", bleed="no", negated=("itch",)), text(itch="yes")]
    read: list[Read] = [{"itch": "no", "bleed": "yes"}, {"itch": "no"}]
    assert scored(texts, read, "negations right") == (1.0, 1)
    assert scored(texts, read, "yes/no right") == (1 / 3, 3)


def test_sites() -> None:
    texts = [text(region="ear"), text(region="nose"), text()]
    assert scored(texts, [{"region": "ear"}, {"region": "ear"}, {"region": "nose"}], "site right") == (0.5, 2)


def test_ages_within_two_years_both_ends_included_and_unread_ones_wrong() -> None:
    texts = [text(age=60.0), text(age=60.0), text(age=60.0), text(age=60.0)]
    read: list[Read] = [{"age": 62.0}, {"age": 57.9}, {}, {"age": 59.0}]
    assert scored(texts, read, "age within 2 years") == (0.5, 4)
    assert scored(texts, read, "age off by (median)") == (pytest.approx(2.0), 3)  # of 2, 2.1 and 1


def test_durations_within_a_fifth_of_what_is_stated_and_in_order() -> None:
    texts = [text(days=10.0), text(days=100.0), text(days=1000.0), text(days=3652.0)]
    read: list[Read] = [{"days": 12.0}, {"days": 79.9}, {"days": 1200.0}, {"days": 90.0}]
    assert scored(texts, read, "duration within a fifth") == (0.5, 4)
    # Ranks 1 2 3 4 against 1 2 4 3: 1 - 6 · (0 + 0 + 1 + 1) / (4 · 15)
    assert scored(texts, read, "durations in order") == (pytest.approx(0.8), 4)


def test_order_of_durations_leaves_out_the_unread_and_is_undefined_for_one() -> None:
    value, n = scored([text(days=10.0), text(days=20.0)], [{"days": 10.0}, {}], "durations in order")
    assert math.isnan(value)
    assert n == 1


def test_what_is_not_stated_must_be_left_unsaid_and_what_is_vague_does_not_count() -> None:
    texts = [text(itch="yes", vague=("days",))]
    read: list[Read] = [{"itch": "yes", "bleed": "no", "region": None, "days": 9000.0}]
    assert scored(texts, read, "unstated not recorded") == (pytest.approx(2 / 3), 3)  # bleed, region, age


def test_styles_stand_for_themselves_and_all_for_every_text() -> None:
    texts = [text("voice", itch="yes"), text("letter", itch="yes"), text("letter", itch="no")]
    read: list[Read] = [{"itch": "no"}, {"itch": "yes"}, {"itch": "no"}]
    assert scored(texts, read, "yes/no right", "voice") == (0.0, 1)
    assert scored(texts, read, "yes/no right", "letter") == (1.0, 2)
    assert scored(texts, read, "yes/no right") == (pytest.approx(2 / 3), 3)


def test_a_score_of_nothing_is_nan() -> None:
    value, n = scored([text()], [{}], "site right")
    assert math.isnan(value)
    assert n == 0


def test_files_without_marked_negations_take_every_no(tmp_path: Path) -> None:
    lines = [
        {"style": "voice", "text": "It itches, no blood.", "fields": {"itch": "yes", "bleed": "no", "age": 41}},
        {"style": "voice", "text": "Flat.", "fields": {"bleed": "no"}, "negated": [], "vague": ["days"]},
    ]
    file = tmp_path / "texts.jsonl"
    file.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    first, second = read_free_texts(file, SCHEMA)
    assert first == FreeText(
        "voice", "It itches, no blood.", {"itch": "yes", "bleed": "no", "age": 41.0}, ("bleed",), ()
    )
    assert (second.negated, second.vague) == ((), ("days",))


@pytest.mark.parametrize(
    ("line", "named"),
    [
        ("no json", "line 1: expected a JSON object with style, text and fields"),
        ('{"style": "voice", "text": "…"}', "line 1: .* 'fields'"),
        ('{"style": "voice", "text": "…", "fields": {"itch": "perhaps"}}', "line 1: .*itch='perhaps'"),
    ],
)
def test_a_line_that_is_no_free_text_is_refused_by_number(tmp_path: Path, line: str, named: str) -> None:
    file = tmp_path / "texts.jsonl"
    file.write_text(line, encoding="utf-8")
    with pytest.raises(DataError, match=named):
        read_free_texts(file, SCHEMA)

"""The 300 free texts: as the grammar makes them, in the schema's values, in words of their own."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest
from teaching.free_text_grammar import STYLES, TARGET, make_texts, number_in_words
from teaching.shared_runs import four_grams, shared_with

from mmskin.teaching.free_texts import free_text_schema


@pytest.fixture(scope="module")
def texts() -> list[dict[str, Any]]:
    return [json.loads(line) for line in TARGET.read_text(encoding="utf-8").splitlines()]


def test_the_file_is_what_the_grammar_makes(texts: list[dict[str, Any]]) -> None:
    assert texts == [text._asdict() for text in make_texts()]


def test_a_hundred_texts_of_each_style_all_different(texts: list[dict[str, Any]]) -> None:
    assert Counter(text["style"] for text in texts) == dict.fromkeys(STYLES, 100)
    assert len({text["text"] for text in texts}) == 300


def test_every_fact_is_a_value_that_the_schema_admits(texts: list[dict[str, Any]]) -> None:
    schema = free_text_schema()
    assert schema.field_names == (
        "age", "region", "itch", "grew", "hurt", "changed", "bleed", "elevation", "skin_cancer_history",
        "duration_days",
    )  # fmt: skip
    for text in texts:
        assert schema.parse_history(text["fields"]).fields == text["fields"]


def test_only_what_is_stated_as_no_is_negated_and_what_is_vague_has_no_value(texts: list[dict[str, Any]]) -> None:
    for text in texts:
        assert all(text["fields"][name] == "no" for name in text["negated"])
        assert not set(text["vague"]) & set(text["fields"])


def test_the_texts_hold_enough_of_each_fact_to_score_it_by_style(texts: list[dict[str, Any]]) -> None:
    for style in STYLES:
        of_style = [text for text in texts if text["style"] == style]
        assert sum(len(text["negated"]) for text in of_style) >= 100
        assert sum("duration_days" in text["fields"] for text in of_style) >= 30
        assert sum("unknown" in text["fields"].values() for text in of_style) >= 10
        days = [text["fields"]["duration_days"] for text in of_style if "duration_days" in text["fields"]]
        assert min(days) <= 21
        assert 3600 <= max(days) <= 3653


@pytest.mark.parametrize(("number", "said"), [(7, "seven"), (19, "nineteen"), (40, "forty"), (83, "eighty-three")])
def test_a_number_in_words(number: int, said: str) -> None:
    assert number_in_words(number) == said


def test_shared_runs_of_four_words_go_by_words_alone() -> None:
    assert four_grams("It has bled, once. It hurts") == {
        ("it", "has", "bled", "once"), ("has", "bled", "once", "it"), ("bled", "once", "it", "hurts"),
    }  # fmt: skip
    assert shared_with(["It has bled once or twice"], ["IT HAS BLED, once more"]) == {("it", "has", "bled", "once")}

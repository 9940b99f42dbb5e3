from __future__ import annotations

import re

import numpy as np
import pytest

from mmskin.data.tables.declaration import read_declaration
from mmskin.schema import Field, History, Schema
from mmskin.teaching.free_texts import free_text_schema
from mmskin.teaching.lesson import lessons
from mmskin.teaching.lexicon import concept_of, concepts_of, held, lexicon, places_of
from mmskin.teaching.random_histories import draw_history
from mmskin.teaching.spoken import in_words
from mmskin.teaching.teller import Teller

MADE_UP = Schema(
    name="made_up",
    classes=("a", "b"),
    fields=(
        Field(name="hat_size", kind="numeric", low=40, high=70),
        Field(name="colour", kind="categorical", choices=("red", "dark_blue")),
        Field(name="swims", kind="yes_no"),
        Field(name="since", kind="duration"),
    ),
)


def told(schema: Schema, history: History, count: int = 60) -> list[str]:
    rng = np.random.default_rng(1)
    texts = Teller(schema)
    return [texts.tell(history, rng) for _ in range(count)]


def test_fields_find_their_concept_by_name() -> None:
    names = {
        "itch": "itch",
        "pruritus": "itch",
        "pain": "hurt",
        "growth": "grew",
        "has_bled": "bleed",
        "raised": "elevation",
    }
    found = {name: concept_of(Field(name=name, kind="yes_no")) for name in names}
    assert found == names
    assert concept_of(Field(name="swims", kind="yes_no")) == ""
    assert concept_of(Field(name="age", kind="numeric", unit="years")) == "age"
    assert concept_of(Field(name="where", kind="categorical", choices=("face", "back", "arm"))) == "site"
    assert concept_of(Field(name="how_long", kind="duration")) == "duration"


def test_a_long_name_that_says_more_than_a_concept_is_none() -> None:
    assert concept_of(Field(name="family_member_has_pain", kind="yes_no")) == ""


@pytest.mark.parametrize("name", ["pad_ufes_20", "milk10k", "ham10000", "isic2019", "derm7pt"])
def test_histories_of_every_declaration_can_be_told(name: str) -> None:
    schema = read_declaration(name).declared_schema
    rng = np.random.default_rng(0)
    for hold in ("seen", "unseen"):
        texts = Teller(schema, hold=hold)  # type: ignore[arg-type]
        for _ in range(150):
            text = texts.tell(draw_history(schema, rng), rng)
            assert not re.search(r"[{}|\[\]]", text), text


def test_a_declaration_without_a_known_word_is_told_in_its_own() -> None:
    texts = told(MADE_UP, History({"hat_size": 57.0, "colour": "dark_blue", "swims": "no"}))
    assert all("57" in text for text in texts)
    assert sum("dark blue" in text.lower() for text in texts) > 50  # a slip of the pen here and there
    assert sum("swim" in text.lower() for text in texts) > 50


def test_an_age_is_told_in_digits_or_words() -> None:
    for text in told(free_text_schema(), History({"age": 67.0})):
        assert "67" in text or in_words(67) in text.lower() or "sixt" in text.lower(), text


def test_nothing_declared_and_nothing_told_leaves_no_word_of_another_fact() -> None:
    """With no field recorded, no text says a word that only a fact has."""
    for text in told(free_text_schema(), History({}), 300):
        assert not re.search(r"\b(itch(y|es|ing)? at night|bled|tender|nodule|papule)\b", text.lower()), text


def test_a_family_is_a_distraction_unless_it_is_asked_for() -> None:
    patient = Teller(free_text_schema())
    assert "family" not in patient.declared
    family = Teller(read_declaration("pad_ufes_20").declared_schema)
    assert "family" in family.declared
    schema = read_declaration("pad_ufes_20").declared_schema
    for text in told(schema, History({}), 200):
        assert not re.search(r"famil|fhx|had (a )?(skin cancer|melanoma)", text.lower()), text


def test_choices_that_join_sites_take_the_words_of_all() -> None:
    assert "cheek" in places_of("face")
    assert {"cheek", "nape"} <= set(places_of("head/neck")) | set(places_of("head_neck"))
    assert places_of("left_antenna") == ("left antenna",)


def test_wordings_are_seen_or_held_out_never_both() -> None:
    wordings = lexicon()["yes_no"]["grew"]["yes"]["any"] + lexicon()["frames"]["no"]["verb"]["any"]
    seen, unseen = held(wordings, "seen"), held(wordings, "unseen")
    assert unseen
    assert set(seen) | set(unseen) == set(wordings)
    assert not set(seen) & set(unseen)
    assert held(["one", "two"], "unseen") == ["one", "two"]


def test_lessons_are_drawn_alike_from_one_seed() -> None:
    drawn = [lessons(free_text_schema(), np.random.default_rng(3)) for _ in range(2)]
    for _ in range(50):
        assert next(drawn[0]) == next(drawn[1])


def test_only_the_first_field_of_a_concept_has_its_words() -> None:
    twice = Schema(
        name="twice",
        classes=("a", "b"),
        fields=(Field(name="pain", kind="yes_no"), Field(name="tenderness", kind="yes_no")),
    )
    assert concepts_of(twice) == {"pain": "hurt", "tenderness": ""}


def test_since_childhood_is_said_only_where_nothing_else_tells_how_long() -> None:
    lifelong = "childhood|child|kid|little|small|all my life|birth|born|congenital"

    def share(history: History) -> float:
        texts = told(free_text_schema(), history, count=300)
        return sum(re.search(lifelong, text.lower()) is not None for text in texts) / len(texts)

    without = share(History({"age": 40.0, "duration_days": 91.3}))  # "small" and "birthmark" stand elsewhere too
    assert share(History({"age": 40.0})) - without == pytest.approx(0.08, abs=0.05)
    assert share(History({"age": 40.0})) > without

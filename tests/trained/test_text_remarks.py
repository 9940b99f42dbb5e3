from __future__ import annotations

import pytest
from trained.scripted_reader import SCHEMA, ScriptedEncoder, scripted_predictor

from mmskin.schema import FieldValue
from mmskin.trained.text_remarks import NO_LANGUAGE, NO_MEANING, contradicts, is_known_language


def remarks(text: str, **fields: FieldValue) -> tuple[str, ...]:
    """Of the free text; those on fields that are not recorded aside."""
    found = scripted_predictor().predict(metadata=fields, text=text).remarks
    return tuple(remark for remark in found if not remark.startswith("not recorded"))


def test_a_text_that_contradicts_a_typed_field_is_remarked_with_its_confidence() -> None:
    assert remarks("It does not itch.", itch="yes") == ("the text says itch: no (97%), the field says yes",)
    assert remarks("sixty, on the arm", age=67, region="face") == (
        "the text says age: 60 years, the field says 67 years",
        "the text says region: arm (95%), the field says face",
    )
    assert remarks("for half a year", days=30.0) == ("the text says days: 6 months, the field says 1 month",)


def test_what_agrees_is_not_typed_or_not_sure_is_not_remarked() -> None:
    assert remarks("It does not itch.", itch="no") == ()
    assert remarks("It does not itch.", bleed="yes") == ()
    assert remarks("sixty, on the arm", age=62, region="arm") == ()
    assert remarks("cannot say about itch", itch="yes") == ()
    assert remarks("perhaps itches", itch="no") == (NO_MEANING,)


@pytest.mark.parametrize(
    ("name", "read", "typed", "expected"),
    [
        ("itch", "no", "yes", True),
        ("itch", "unknown", "yes", False),
        ("itch", "no", "unknown", False),
        ("age", 60.0, 66.0, False),  # six years are a twentieth of 0 to 120
        ("age", 60.0, 66.1, True),
        ("days", 30.0, 60.0, False),
        ("days", 30.0, 61.0, True),
        ("days", 61.0, 30.0, True),
        ("days", 0.0, 1.0, False),
    ],
)
def test_two_values_contradict_each_other(name: str, read: float | str, typed: float | str, expected: bool) -> None:
    assert contradicts(SCHEMA.field(name), read, typed) is expected


def test_words_of_no_known_language_are_said_in_place_of_all_that_was_read() -> None:
    assert remarks("coça muito, sangra, coça muito: does not itch", itch="yes") == (NO_LANGUAGE,)


def test_words_of_which_nothing_is_read_are_said() -> None:
    assert remarks("The weather was fine.") == (NO_MEANING,)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("coça muito sangra", False),
        ("zxcv", False),
        ("coça muito sangra here when rubbed", True),  # three of six long words
        ("6/12, M 54", True),  # no word to go by
    ],
)
def test_a_language_is_known_by_its_long_words(text: str, expected: bool) -> None:
    assert is_known_language(ScriptedEncoder(), text) is expected


def test_a_short_word_of_another_script_counts() -> None:
    class Knows(ScriptedEncoder):
        def knows(self, word: str) -> bool:
            return word != "痒"

    assert not is_known_language(Knows(), "痒")
    assert is_known_language(Knows(), "dói")  # three letters that several languages write


def test_what_was_read_stands_in_the_prediction() -> None:
    found = scripted_predictor().predict(text="It does not itch.")
    assert dict(found.read) == {"itch": ("no", 0.97)}
    assert found.to_json()["read"] == {"itch": {"value": "no", "confidence": 0.97}}
    assert scripted_predictor(is_taught=False).predict(text="It does not itch.").read == {}

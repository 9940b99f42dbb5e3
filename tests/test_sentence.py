from __future__ import annotations

import copy
import json
import pickle

from mmskin.language import Language
from mmskin.sentence import Named, Sentence, all_of, joined

GERMAN = Language(
    "de",
    {"{n} of {fields}": "von {fields} {n}", "yes": "ja", "Itches": "Juckt", "{first} and {last}": "{first} und {last}"},
)


def test_a_sentence_is_its_english_text_and_is_said_by_its_template() -> None:
    said = Sentence("{n} of {fields}", n=2, fields=[Named("itch", "Itches"), "yes"])
    assert said == "2 of itch, yes"
    assert json.dumps([said]) == '["2 of itch, yes"]'
    assert GERMAN.say(said) == "von Juckt, ja 2"
    assert Language("en", {}).say(said) == "2 of Itches, yes"


def test_what_a_language_does_not_hold_stays_as_it_is() -> None:
    assert GERMAN.say("{7*7} it scabs") == "{7*7} it scabs"
    assert GERMAN.say(Sentence("{text!r} is odd", text="{n} {x}")) == "'{n} {x}' is odd"


def test_a_copy_says_the_same() -> None:
    said = Sentence("{n} of {fields}", n=2, fields=[Named("itch", "Itches")])
    for twin in (copy.deepcopy(said), pickle.loads(pickle.dumps(said))):
        assert twin == said
        assert GERMAN.say(twin) == "von Juckt 2"


def test_several_become_one() -> None:
    assert joined(["a", "b", "c"]) == "a; b; c"
    assert joined([]) == ""
    assert GERMAN.say(all_of(["a", "b", "yes"])) == "a, b und ja"
    assert all_of(["a"]) == "a"

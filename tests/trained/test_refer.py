from __future__ import annotations

import pytest
from PIL import Image, ImageFilter

from mmskin.schema import Schema
from mmskin.trained.prediction import Prediction
from mmskin.trained.refer import advise, photo_quality, smallest_set

SCHEMA = Schema(
    name="tiny",
    classes=("NEV", "MEL", "BCC"),
    class_titles={"MEL": "Melanoma"},
    class_groups={"malignant": ("MEL", "BCC"), "pigmented": ("NEV",)},
)


def answer(*probs: float, missing: tuple[str, ...] = ()) -> Prediction:
    ranked = sorted(zip(SCHEMA.classes, probs, strict=True), key=lambda item: -item[1])
    return Prediction(probabilities=dict(ranked), used=("image",), missing=missing)


@pytest.mark.parametrize(
    ("mass", "expected"),
    [
        (0.6, ("NEV",)),  # .6 is reached, not passed
        (0.61, ("NEV", "MEL")),
        (0.9, ("NEV", "MEL")),  # .6 + .3, which is .8999… in binary
        (0.91, ("NEV", "MEL", "BCC")),
        (1.0, ("NEV", "MEL", "BCC")),
        (1e-6, ("NEV",)),
    ],
)
def test_the_fewest_classes_that_reach_the_mass(mass: float, expected: tuple[str, ...]) -> None:
    assert smallest_set({"BCC": 0.1, "NEV": 0.6, "MEL": 0.3}, mass=mass) == expected


@pytest.mark.parametrize("mass", [0.0, -0.1, 1.1])
def test_a_mass_that_no_set_can_have_is_refused(mass: float) -> None:
    with pytest.raises(ValueError, match="mass must lie above 0"):
        smallest_set({"NEV": 1.0}, mass=mass)


def test_a_sure_and_harmless_answer_gives_no_reason_to_refer() -> None:
    advice = advise(answer(0.95, 0.03, 0.02), SCHEMA)
    assert (advice.classes, advice.reached, advice.reasons, advice.refer) == (("NEV",), 0.95, (), False)


def test_each_rule_gives_its_own_reason() -> None:
    assert advise(answer(0.95, 0.03, 0.02, missing=("image",)), SCHEMA).reasons == (
        "there is no photo, and this model was made to see one",
    )
    assert advise(answer(0.95, 0.03, 0.02), SCHEMA, quality=["the photo seems blurred"]).reasons == (
        "the photo seems blurred",
    )
    dangerous = advise(answer(0.85, 0.10, 0.05), SCHEMA)
    assert dangerous.reasons == ("of the malignant classes the set holds Melanoma (10%)",)
    unsure = advise(answer(0.48, 0.47, 0.05), SCHEMA)
    assert unsure.refer
    assert unsure.reasons[0] == "the most likely class reaches only 48%, less than 50%"


def test_a_missing_history_is_no_reason_to_refer() -> None:
    assert not advise(answer(0.95, 0.03, 0.02, missing=("text",)), SCHEMA).refer


def test_a_photo_is_judged_for_blur_darkness_and_size() -> None:
    sharp = Image.effect_noise((256, 256), 60).convert("RGB")
    sharp.paste((20, 20, 20), (64, 64, 192, 192))
    assert photo_quality(sharp) == ()
    assert photo_quality(sharp.filter(ImageFilter.GaussianBlur(8))) == ("the photo seems blurred",)
    assert photo_quality(Image.new("RGB", (128, 128), (5, 5, 5))) == ("the photo is almost all black",)
    assert photo_quality(sharp.resize((40, 40)))[0].startswith("the photo is small: 40 x 40 pixels")

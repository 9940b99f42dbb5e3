from __future__ import annotations

import pytest

from mmskin.fusion.fusion_options import check_share, check_size, choose_modalities

DIMS = {"metadata": 4, "image": 8}


def test_modalities_come_in_one_order_whatever_was_asked() -> None:
    assert choose_modalities(DIMS, None) == ("image", "metadata")
    assert choose_modalities(DIMS, ("metadata", "image")) == ("image", "metadata")
    assert choose_modalities(DIMS, ("metadata",)) == ("metadata",)


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        (("image", "txt"), r"'txt' has no encoder \(did you mean 'text'\?\)"),
        (("image", "text"), "'text' has no encoder; .*encoders: image, metadata"),
        (("image", "image"), "'image' is named twice"),
        (("image",), "at least 2 modalities"),
    ],
)
def test_modalities_that_cannot_be_fused_are_refused(wanted: tuple[str, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        choose_modalities(DIMS, wanted, at_least=2)


@pytest.mark.parametrize("value", [1.0, -0.1, float("nan"), True, "0.2", None])
def test_a_share_outside_its_range_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match=r"dropout must be a number in \[0, 1\), however: dropout="):
        check_share("dropout", value)


@pytest.mark.parametrize("value", [0, -1, 1.5, True, "8", None])
def test_a_size_that_is_none_is_refused(value: int) -> None:
    with pytest.raises(ValueError, match="depth must be a whole number of at least 1, however: depth="):
        check_size("depth", value)

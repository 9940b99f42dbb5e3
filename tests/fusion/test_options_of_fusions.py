from __future__ import annotations

import inspect
from functools import partial

import pytest

from mmskin.config.build import build
from mmskin.errors import ConfigError
from mmskin.fusion import FUSIONS
from mmskin.fusion.fusion_options import check_share, check_size, choose_modalities, modalities_of, tokens_read

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


@pytest.mark.parametrize("value", [1.0, 1.5, -0.1, float("nan"), True, "0.2", None])
def test_a_share_outside_its_range_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match=r"dropout must be a number in \[0, 1\), however: dropout="):
        check_share("dropout", value)


@pytest.mark.parametrize("value", [0, -1, 1.5, True, "8", None])
def test_a_size_that_is_none_is_refused(value: int) -> None:
    with pytest.raises(ValueError, match="depth must be a whole number of at least 1, however: depth="):
        check_size("depth", value)


SETS = [
    {"image", "text", "metadata"},
    {"image", "text"},
    {"image", "metadata"},
    {"text"},
    {"a", "b", "text"},
    {"a", "b"},
]


@pytest.mark.parametrize("encoded", SETS, ids=lambda encoded: "-".join(sorted(encoded)))
@pytest.mark.parametrize("name", FUSIONS)
def test_what_a_fusion_declares_is_what_it_takes_once_built(name: str, encoded: set[str]) -> None:
    declared, dims = FUSIONS[name], dict.fromkeys(sorted(encoded), 64)
    fixed = declared.args[0] if isinstance(declared, partial) else ""
    constructor = declared.func if isinstance(declared, partial) else declared
    try:
        built = build("fusion", FUSIONS, {"name": name}, dims, 2)
    except ConfigError:
        with pytest.raises(ValueError, match=r"encoder|modalities"):
            modalities_of(constructor.takes, dims, fixed=fixed)
        return
    assert modalities_of(constructor.takes, dims, fixed=fixed) == built.modalities
    assert tokens_read(constructor.reads_tokens, built.modalities) == built.needs_tokens


@pytest.mark.parametrize(
    ("name", "option", "value"),
    [
        ("bottleneck", "num_bottlenecks", 4),  # Nagrani et al. 2021, section 4.2
        ("concat", "hidden_dim", 256),  # Pacheco & Krohling 2020
        ("film", "hidden_dim", 128),  # Perez et al. 2018, section 3
        ("metablock", "group_width", 32),  # Pacheco & Krohling 2021
    ],
)
def test_the_sizes_that_a_paper_names_are_those_of_the_paper(name: str, option: str, value: int) -> None:
    assert inspect.signature(FUSIONS[name]).parameters[option].default == value

"""The refusal of option values that a fusion cannot use."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mmskin.errors import one_of
from mmskin.features import MODALITIES


def choose_modalities(dims: Mapping[str, int], wanted: Sequence[str] | None, *, at_least: int = 1) -> tuple[str, ...]:
    """The modalities of a fusion, always in the order image, text, metadata.

    Args:
        dims: D by modality, for those that have an encoder.
        wanted: the option as given; None stands for all that have an encoder.
        at_least: how many the fusion needs.

    Raises:
        ValueError: a modality that does not exist, has no encoder or is named twice, or too few of them.
    """
    names = list(dims) if wanted is None else list(wanted)
    for name in names:
        if name not in MODALITIES:
            raise ValueError(one_of("modality", name, MODALITIES))
        if name not in dims:
            raise ValueError(f"modality {name!r} has no encoder; add one, or leave it out (encoders: {_listed(dims)})")
        if names.count(name) > 1:
            raise ValueError(f"modality {name!r} is named twice, however: modalities={names}")
    if len(names) < at_least:
        raise ValueError(f"at least {at_least} modalities are needed to fuse, however: modalities={names}")
    return tuple(name for name in MODALITIES if name in names)


def choose_photo_and_history(dims: Mapping[str, int], wanted: Sequence[str] | None) -> tuple[str, ...]:
    """The modalities of a fusion that joins the photo with a history: the photo first, then note or fields or both.

    Raises:
        ValueError: as `choose_modalities`, or the photo is not among them.
    """
    chosen = choose_modalities(dims, wanted, at_least=2)
    if "image" not in chosen:
        raise ValueError(f"the photo must be one side of this fusion, however: modalities={chosen}")
    return chosen


def check_share(name: str, value: float) -> float:
    """The value, if it is a share in [0, 1).

    Raises:
        ValueError: it is not; names the option and its value.
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1:
        raise ValueError(f"{name} must be a number in [0, 1), however: {name}={value!r}")
    return float(value)


def check_size(name: str, value: int) -> int:
    """The value, if it is a whole number of at least 1.

    Raises:
        ValueError: it is not; names the option and its value.
    """
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ValueError(f"{name} must be a whole number of at least 1, however: {name}={value!r}")
    return value


def check_heads(hidden_dim: int, num_heads: int) -> None:
    """Refuse a width that attention heads cannot share equally.

    Raises:
        ValueError: hidden_dim is not divisible by num_heads, or one of them is no size.
    """
    if check_size("hidden_dim", hidden_dim) % check_size("num_heads", num_heads):
        raise ValueError(
            f"hidden_dim must be divisible by num_heads, however: hidden_dim={hidden_dim}, num_heads={num_heads}"
        )


def _listed(dims: Mapping[str, int]) -> str:
    return ", ".join(name for name in MODALITIES if name in dims) or "none"

"""The modalities that a fusion takes, and the refusal of option values that it cannot use. No torch here."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from difflib import get_close_matches
from typing import Literal, NamedTuple

from mmskin.features import HISTORY, in_order, is_photo

Takes = Literal["photo", "one", "any", "several", "photos_and_history", "photos_and_context"]
ReadsTokens = Literal["none", "photos", "all"]


class Sides(NamedTuple):
    """The two sides of a fusion that joins photos with a history; neither is empty."""

    photos: tuple[str, ...]
    history: tuple[str, ...]


def modalities_of(
    takes: Takes, encoded: Collection[str], *, wanted: Sequence[str] | str | None = None, fixed: str = ""
) -> tuple[str, ...]:
    """The modalities that a fusion uses of those that have an encoder.

    Args:
        takes: "photo" for the one kind that is named or has an encoder, "one" for a fixed modality, "any" for one or
            more, "several" for two or more, "photos_and_history" for photos and note or fields or both,
            "photos_and_context" for photos and one fixed form of the history.
        encoded: the modalities that have an encoder, kinds of photos in their order.
        wanted: the option `modality` or `modalities` as given.
        fixed: the modality that the table fixes.

    Raises:
        ValueError: there are no encoders for such a fusion, see the functions below.
    """
    if takes == "photo":
        return (choose_photo(encoded, wanted if isinstance(wanted, str) else None),)
    if takes == "one":
        return choose_modalities(encoded, (fixed,))
    if takes == "photos_and_context":
        sides = choose_photos_and(fixed, encoded)
    elif takes == "photos_and_history":
        sides = choose_sides(encoded, wanted)
    else:
        return choose_modalities(encoded, wanted, at_least=2 if takes == "several" else 1)
    return (*sides.photos, *sides.history)


def tokens_read(reads: ReadsTokens, modalities: Sequence[str]) -> tuple[str, ...]:
    """The modalities of which tokens are read."""
    return tuple(m for m in modalities if reads == "all" or (reads == "photos" and is_photo(m)))


def choose_modalities(encoded: Collection[str], wanted: Sequence[str] | None, *, at_least: int = 1) -> tuple[str, ...]:
    """The modalities of a fusion, always in one order: kinds of photos as they have encoders, then text, then metadata.

    Args:
        encoded: the modalities that have an encoder.
        wanted: the option as given; None stands for all that have an encoder.
        at_least: how many the fusion needs.

    Raises:
        ValueError: a modality that has no encoder or is named twice, or too few of them.
    """
    names = list(encoded) if wanted is None else list(wanted)
    for name in names:
        if name not in encoded:
            raise ValueError(_no_encoder(name, encoded))
        if names.count(name) > 1:
            raise ValueError(f"modality {name!r} is named twice, however: modalities={names}")
    if len(names) < at_least:
        raise ValueError(f"at least {at_least} modalities are needed to fuse, however: modalities={names}")
    return in_order(name for name in encoded if name in names)


def choose_sides(encoded: Collection[str], wanted: Sequence[str] | None) -> Sides:
    """The modalities of a fusion that joins photos of one or several kinds with note or fields or both.

    Raises:
        ValueError: as `choose_modalities`, or one of the sides is not among them.
    """
    chosen = choose_modalities(encoded, wanted, at_least=2)
    sides = Sides(tuple(m for m in chosen if is_photo(m)), tuple(m for m in chosen if not is_photo(m)))
    if not sides.photos:
        raise ValueError(f"the photo must be one side of this fusion, however: modalities={chosen}")
    if not sides.history:
        raise ValueError(f"the history must be one side of this fusion, however: modalities={chosen}; or take concat")
    return sides


def choose_photos_and(context: str, encoded: Collection[str]) -> Sides:
    """The modalities of a fusion that joins all photos with one form of the history.

    Raises:
        ValueError: there is no encoder of a photo, or of the context.
    """
    photos = tuple(m for m in encoded if is_photo(m))
    if not photos:
        raise ValueError(
            f"a photo is one side of this fusion and has no encoder; add one (encoders: {_listed(encoded)})"
        )
    return choose_sides(encoded, (*photos, context))


def choose_photo(encoded: Collection[str], wanted: str | None) -> str:
    """The one kind of photo that is read.

    Args:
        encoded: the modalities that have an encoder.
        wanted: its name; None for the only one that has an encoder.

    Raises:
        ValueError: there is none, or several of which none is named.
    """
    photos = [m for m in encoded if is_photo(m)]
    if wanted is not None:
        if wanted in HISTORY:
            raise ValueError(f"modality {wanted!r} is no photo; take {wanted}_only")
        if wanted not in photos:
            raise ValueError(_no_encoder(wanted, encoded))
        return wanted
    if not photos:
        raise ValueError(_no_encoder("image", encoded))
    if len(photos) > 1:
        raise ValueError(
            f"{', '.join(photos)} have an encoder each: name one kind of photo as modality, or take concat for all"
        )
    return photos[0]


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


def _no_encoder(name: str, encoded: Collection[str]) -> str:
    near = get_close_matches(name, {*encoded, *HISTORY} - {name}, n=1)
    hint = f" (did you mean {near[0]!r}?)" if near else ""
    return f"modality {name!r} has no encoder{hint}; add one, or leave it out (encoders: {_listed(encoded)})"


def _listed(encoded: Collection[str]) -> str:
    return ", ".join(in_order(encoded)) or "none"

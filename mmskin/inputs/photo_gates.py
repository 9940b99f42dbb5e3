"""Whether a picture can be a photo of a skin lesion at all, by its pixels alone: eight simple measures with names.

They need no model and know no class. Every limit lies outside the values of real clinical photos, of 1,237 of
PAD-UFES-20 and 2,623 of MILK10k, but for two: `contrast` stops 3 and 30 of them, faint lesions on even skin, and `text`
none and 3, wrinkles in hard light. By skin tone all gates together stop 0 of 773 photos of Fitzpatrick types 1 to 6 and
3 of 464 without a type (PAD-UFES-20), and 3 of 56, 8 of 261, 13 of 1,568, 8 of 562 and 1 of 176 with tone 0 or 1, 2, 3,
4 and 5 of MILK10k, where 0 is very dark. Values beside the limits are the least or greatest of PAD-UFES-20 and of
MILK10k. Limits were set on all of these photos, so that their rates are no independent estimate.

What the gates let through, such as a landscape, is left to the distance from the training photos:
`mmskin.trained.familiarity`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from mmskin.errors import ImageError
from mmskin.sentence import Sentence

SIDE = 224
"""The longer side at which the limits were measured, pixels."""
LUMINANCE = (0.299, 0.587, 0.114)  # ITU-R BT.601

ONE_COLOUR = 5 / 255  # 6.4/255 and 6.1/255
CONTRAST = 8 / 255  # 0.2 % and 1.1 % lie below; of corners without a lesion 71 % and 77 %
GREY = 0.02  # 0.049 and 0.090
FEW_COLOURS = 0.48  # 0.40 and 0.46
NOT_SKIN = 0.5  # 0.25 and 0.43
STRIPES = 0.55  # 0.45 and 0.53
NOISE = 0.35  # 0.56 and 0.39
TEXT = (0.76, 0.68, 0.15, 0.08)  # of each of the four, many photos are beyond; of all four together 0 and 3


class Gate(NamedTuple):
    """One measure and its limit.

    stops: a photo as `at_side` gives it → whether it is beyond the limit.
    reason: what a person is told of such a picture.
    """

    stops: Callable[[Tensor], bool]
    reason: str


def gate_reasons(photo: Tensor) -> dict[str, str]:
    """Why a picture is no photo of a lesion: a reason by the name of each gate that stops it, {} for a real photo.

    Args:
        photo: (3, H, W) float, RGB in [0, 1], of any size.

    Raises:
        ImageError: not such a tensor.
    """
    small = at_side(photo)
    return {name: gate.reason for name, gate in GATES.items() if gate.stops(small)}


def at_side(photo: Tensor) -> Tensor:
    """The photo with its longer side at 224 pixels, at least 16 on the shorter: (3, h, w).

    Raises:
        ImageError: not float, not three channels, no pixels, or values outside [0, 1].
    """
    if not photo.is_floating_point() or photo.ndim != 3 or photo.shape[0] != 3 or 0 in photo.shape:
        raise ImageError(f"a photo must be float RGB of shape (3, H, W), however: {photo.dtype} {tuple(photo.shape)}")
    if not (photo.min() >= 0 and photo.max() <= 1):  # NaN fails both
        raise ImageError(
            f"pixels must lie in [0, 1], however: {float(photo.min()):g} to {float(photo.max()):g}; divide by 255"
        )
    scale = SIDE / max(photo.shape[1:])
    size = [max(16, round(scale * side)) for side in photo.shape[1:]]
    return F.interpolate(photo[None].float(), size=size, mode="bilinear", antialias=True)[0].clamp(0, 1)


def colour_spread(photo: Tensor) -> float:
    """Standard deviation of the channel that varies most, in [0, 0.5]."""
    return float(photo.std((1, 2), correction=0).max())


def coarse_contrast(photo: Tensor) -> float:
    """How much fields of 1/14 of the photo's sides differ, in lightness, red − green and yellow − blue.

    Their three standard deviations as one length. Fine texture averages out; a lesion does not.
    """
    fields = F.adaptive_avg_pool2d(photo, 14)
    red, green, blue = fields.flatten(1)
    opponent = torch.stack([_grey(fields).flatten(), red - green, (red + green) / 2 - blue])
    return float(opponent.std(1, correction=0).norm())


def strongest_chroma(photo: Tensor) -> float:
    """Largest minus smallest channel of the pixels, at their 99th percentile: 0 of grey pictures, in [0, 1]."""
    return float((photo.amax(0) - photo.amin(0)).quantile(0.99))


def commonest_colour(photo: Tensor) -> float:
    """Share of the pixels that have the most frequent of 32 × 32 × 32 colours."""
    red, green, blue = (photo * 31.999).long()
    return float(torch.bincount((1024 * red + 32 * green + blue).flatten()).max() / red.numel())


def foreign_hues(photo: Tensor) -> float:
    """Share of the pixels that are greener than red by 0.06 or bluer by 0.10.

    Skin of any tone, blood, pigment and crust are redder than green or blue, or nearly grey; so black and slate-blue
    lesions pass, and so does a lesion circled with a pen.
    """
    red, green, blue = photo
    return float(((green > red + 0.06) | (blue > red + 0.10)).float().mean())


def one_direction(photo: Tensor) -> float:
    """Share of the power spectrum in the 9° of direction that hold most of it, in [0.05, 1]: 1 of straight stripes.

    Without the lowest frequencies, up to 2 periods a side, which say where light falls.
    """
    grey = _grey(photo)
    height, width = grey.shape
    window = torch.hann_window(height)[:, None] * torch.hann_window(width)
    power = torch.fft.fft2((grey - grey.mean()) * window).abs().square()
    down, across = (torch.fft.fftfreq(side) * side for side in (height, width))
    row, column = torch.meshgrid(down, across, indexing="ij")
    high = row.hypot(column) >= 2.5
    sector = torch.remainder(torch.round(torch.atan2(row / height, column / width) / torch.pi * 60), 60).long()
    by_sector = torch.bincount(sector[high], weights=power[high], minlength=60)
    wide = by_sector + by_sector.roll(1) + by_sector.roll(-1)
    return float(wide.max() / by_sector.sum().clamp(min=1e-9))


def neighbour_correlation(photo: Tensor) -> float:
    """Correlation of a pixel with the next to the right or below, the least of both and of the channels, in [−1, 1].

    1 where a channel has one value: what does not vary is no noise.
    """
    centred = photo - photo.mean((1, 2), keepdim=True)
    variance = centred.square().mean((1, 2))
    right = (centred[:, :, 1:] * centred[:, :, :-1]).mean((1, 2))
    below = (centred[:, 1:] * centred[:, :-1]).mean((1, 2))
    return float(torch.where(variance > 1e-6, torch.minimum(right, below) / variance.clamp(min=1e-6), 1.0).min())


class Ink(NamedTuple):
    """How a picture falls into ink and paper, at the lightness that parts it best (Otsu 1979).

    parted: share of the variance of lightness that lies between the two parts, in [0, 1].
    paper: share of the pixels in the larger part.
    gap: difference of the two mean lightnesses.
    edges: changes from one part to the other, a step to the right or below: their two shares together.
    """

    parted: float
    paper: float
    gap: float
    edges: float


def ink_on_paper(photo: Tensor) -> Ink:
    """Ink and paper; a page has few dark strokes in much light, or the reverse, with many edges."""
    grey = _grey(photo)
    share = torch.histc(grey, 64, 0, 1) / grey.numel()
    level = (torch.arange(64) + 0.5) / 64
    below, moment = share.cumsum(0), (share * level).cumsum(0)
    mean = moment[-1]
    between = (mean * below - moment).square() / (below * (1 - below)).clamp(min=1e-6)
    cut = int(between.argmax())
    dark, lower = float(below[cut]), float(moment[cut])
    gap = (float(mean) - lower) / max(1 - dark, 1e-6) - lower / max(dark, 1e-6)
    variance = float((share * (level - mean).square()).sum())
    light = grey > (cut + 1) / 64
    edges = sum(
        float((one != other).float().mean()) for one, other in ((light[1:], light[:-1]), (light.T[1:], light.T[:-1]))
    )
    return Ink(float(between[cut]) / max(variance, 1e-9), max(dark, 1 - dark), gap, edges)


def _is_page(photo: Tensor) -> bool:
    return all(value > limit for value, limit in zip(ink_on_paper(photo), TEXT, strict=True))


def _grey(photo: Tensor) -> Tensor:
    """Lightness (H, W)."""
    return (photo * torch.tensor(LUMINANCE).view(3, 1, 1)).sum(0)


GATES: dict[str, Gate] = {
    "one_colour": Gate(
        lambda photo: colour_spread(photo) < ONE_COLOUR, Sentence("the picture has almost only one colour")
    ),
    "contrast": Gate(
        lambda photo: coarse_contrast(photo) < CONTRAST,
        Sentence("nothing stands out from its surroundings in the picture"),
    ),
    "grey": Gate(
        lambda photo: strongest_chroma(photo) < GREY,
        Sentence("the picture has no colour, as scans and X-rays have none"),
    ),
    "few_colours": Gate(
        lambda photo: commonest_colour(photo) > FEW_COLOURS,
        Sentence("half of the picture is one flat colour, as in a drawing"),
    ),
    "not_skin": Gate(
        lambda photo: foreign_hues(photo) > NOT_SKIN, Sentence("most of the picture is green or blue, as no skin is")
    ),
    "stripes": Gate(lambda photo: one_direction(photo) > STRIPES, Sentence("the picture is a pattern of stripes")),
    "noise": Gate(
        lambda photo: neighbour_correlation(photo) < NOISE,
        Sentence("neighbouring pixels have nothing in common, as in noise"),
    ),
    "text": Gate(_is_page, Sentence("the picture looks like a page of text: ink on paper with many edges")),
}
"""By name, in the order in which reasons are given."""

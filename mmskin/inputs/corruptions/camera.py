"""Faults of focus, light, colour, framing and the file. Photos are (H, W, 3) in [0, 1] on the scale of the file."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from mmskin.synthetic.texture import Plane

JPEG_SUBSAMPLING = 2  # 4:2:0, as cameras have it


def blur(photo: Plane, radius: float, rng: np.random.Generator) -> Plane:
    """Out of focus: every point becomes a disc. radius: a share of the shorter side. Nothing is drawn.

    ImageNet-C's `defocus_blur` has radii of 3 to 10 of 224 pixels.
    # NOTE[DIFF]: 1.6 to 7 here, for at 10 of a photo of skin nothing is left to be seen.
    """
    reach = radius * min(photo.shape[:2])
    y, x = _around(reach)
    return _convolved(photo, np.clip(reach + 0.5 - np.hypot(y, x), 0, 1))


def motion_blur(photo: Plane, length: float, rng: np.random.Generator) -> Plane:
    """The hand moved in a straight line. length: of the way, a share of the shorter side. The direction is drawn.

    # NOTE[DIFF]: an even line about the place of the photo; ImageNet-C's trails off and shifts the photo.
    """
    angle = rng.uniform(0, np.pi)
    reach = length * min(photo.shape[:2]) / 2
    y, x = _around(reach)
    forward = np.abs(x * np.cos(angle) + y * np.sin(angle))
    aside = y * np.cos(angle) - x * np.sin(angle)
    return _convolved(photo, np.clip(1 - np.hypot(np.maximum(forward - reach, 0), aside), 0, 1))


def noise(photo: Plane, deviation: float, rng: np.random.Generator) -> Plane:
    """Grain of a small sensor in poor light: normal, of each pixel and channel by itself.

    # NOTE[DIFF]: about half the deviations of ImageNet-C's `gaussian_noise`; phones smooth theirs.
    """
    return photo + np.float32(deviation) * rng.standard_normal(photo.shape, dtype=np.float32)


def jpeg(photo: Plane, quality: float, rng: np.random.Generator) -> Plane:
    """Saved again as JPEG, as by a messenger. quality: of Pillow. Nothing is drawn.

    # NOTE[DIFF]: 35 to 9, not 25 to 7 as in ImageNet-C: at 7 skin is three flat colours.
    """
    file = io.BytesIO()
    pixels = np.asarray(np.rint(photo * 255), dtype=np.uint8)
    Image.fromarray(pixels).save(file, format="JPEG", quality=int(quality), subsampling=JPEG_SUBSAMPLING)
    with Image.open(file) as read:
        return np.asarray(read.convert("RGB"), dtype=np.float32) / np.float32(255)


def dark(photo: Plane, factor: float, rng: np.random.Generator) -> Plane:
    """Too little light: every value times the factor. Nothing is drawn."""
    return photo * np.float32(factor)


def bright(photo: Plane, factor: float, rng: np.random.Generator) -> Plane:
    """Too much light: every value times the factor, and white where that is more than the sensor holds."""
    return np.asarray(np.minimum(photo * np.float32(factor), 1))


def colour_cast(photo: Plane, strength: float, rng: np.random.Generator) -> Plane:
    """A wrong white balance: gains of red against blue, and a little of green, in a drawn direction.

    The gains are exp(strength · t) with |t| at most 1, and leave grey as light as it was (ITU-R BT.601).
    """
    angle = rng.uniform(0, 2 * np.pi)
    warm, green = np.cos(angle), 0.3 * np.sin(angle)
    gains = np.exp(strength * np.array([warm - green / 2, green, -warm - green / 2]))
    gains = gains / (gains @ (0.299, 0.587, 0.114))
    return photo * gains.astype(np.float32)


def vignette(photo: Plane, loss: float, rng: np.random.Generator) -> Plane:
    """Light that falls off towards the corners, about a middle that is drawn near that of the photo.

    loss: share of the light that is gone a half diagonal away from the middle, in [0, 1].
    """
    height, width = photo.shape[:2]
    row, column = (0.5 + rng.uniform(-0.1, 0.1, size=2)) * (height - 1, width - 1)
    y, x = np.mgrid[:height, :width].astype(np.float32)
    away = np.hypot(y - row, x - column) / (np.hypot(height, width) / 2)
    falling = np.clip((away - 0.25) / 0.75, 0, 1) ** 1.5
    return photo * np.asarray(1 - loss * falling[..., None], dtype=np.float32)


def crop(photo: Plane, aside: float, rng: np.random.Generator) -> Plane:
    """Too near and beside the middle, where the lesion mostly is, so that it is partly cut off.

    The window has 1 / (1 + aside) of each side. Its middle lies off the photo's, in a drawn direction, by the share
    `aside` of half a window: the photo's middle is always inside, and a window lies inside those of lower severity.

    aside: in [0, 1).
    """
    height, width = photo.shape[:2]
    angle = rng.uniform(0, 2 * np.pi)
    side = 1 / (1 + aside)
    left, top = (0.5 + side / 2 * (aside * way - 1) for way in (np.cos(angle), np.sin(angle)))
    box = (left * width, top * height, (left + side) * width, (top + side) * height)
    channels = [
        Image.fromarray(photo[..., channel]).resize((width, height), Image.Resampling.BICUBIC, box=box)
        for channel in range(3)
    ]
    return np.stack([np.asarray(channel) for channel in channels], axis=-1)


def _around(reach: float) -> tuple[Plane, Plane]:
    """Rows and columns of the pixels that lie within the reach of one, and one more all around, from that one."""
    half = int(np.ceil(reach)) + 1
    y, x = np.mgrid[-half : half + 1, -half : half + 1].astype(np.float32)
    return y, x


def _convolved(photo: Plane, kernel: Plane) -> Plane:
    """The photo, mirrored at its border, with every point spread out in the shares of the kernel."""
    half = len(kernel) // 2
    mirrored = np.pad(photo, [(half, half), (half, half), (0, 0)], mode="symmetric")
    size = mirrored.shape[:2]
    spread = np.fft.rfft2(mirrored, axes=(0, 1)) * np.fft.rfft2(kernel / kernel.sum(), s=size)[..., None]
    whole = np.fft.irfft2(spread, s=size, axes=(0, 1))
    return np.asarray(whole[2 * half :, 2 * half :], dtype=np.float32)  # the rest has come round from the other side

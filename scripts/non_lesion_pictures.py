"""Pictures that show no lesion, by kind, drawn or read in memory: what a model must not answer without a warning.

The kinds of `DESIGN` were looked at while features and gates were chosen. Those of `HELD_OUT` were not: nothing was
fitted to them and no number of theirs was seen before the design was frozen. Every picture is uint8 RGB (3, H, W).
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter, ImageFont
from scipy.ndimage import gaussian_filter
from torch import Tensor

Plane = NDArray[np.float64]
Colour = tuple[int, int, int]
Maker = Callable[[np.random.Generator], Image.Image]

SIDE = 256  # as long as the photos of the two data sets are here
WORDS = (
    *("patient", "lesion", "report", "clinic", "the", "of", "and", "for", "with", "history", "skin", "left", "right"),
    *("arm", "years", "seen", "no", "new", "old", "date", "name", "address", "doctor", "referral", "letter", "dear"),
    *("colleague", "thank", "you", "biopsy", "result", "benign", "follow", "up", "in", "six", "months", "invoice"),
)
SKIN: tuple[Colour, ...] = (
    (224, 186, 164),
    (205, 160, 135),
    (178, 128, 100),
    (141, 93, 66),
    (92, 59, 44),
    (232, 170, 160),
)
INK: tuple[Colour, ...] = ((0, 0, 0), (20, 40, 160), (170, 20, 30), (90, 90, 90), (10, 110, 60))


# --- kinds that were looked at --------------------------------------------------------------------------------


def stripes(rng: np.random.Generator) -> Image.Image:
    """Straight bands of two colours, hard or soft, at any angle and period, with or without noise."""
    turned = _turned(rng)
    period = float(np.exp(rng.uniform(np.log(4), np.log(80))))
    wave = np.sin(2 * np.pi * turned / period + rng.uniform(0, 6.3))
    share = (wave > rng.uniform(-0.5, 0.5)).astype(float) if rng.random() < 0.5 else (wave + 1) / 2
    return _noisy(_blend(share, *_two_colours(rng)), rng)


def white_noise(rng: np.random.Generator) -> Image.Image:
    """Every pixel drawn alone: normal, even or salt and pepper, in grey or colour, weak or strong."""
    shape = (SIDE, SIDE, 3) if rng.random() < 0.5 else (SIDE, SIDE, 1)
    law = rng.integers(3)
    spread = rng.uniform(15, 90)
    if law == 0:
        values = rng.normal(rng.uniform(80, 180, size=shape[2]), spread, size=shape)
    elif law == 1:
        values = rng.uniform(128 - spread, 128 + spread, size=shape)
    else:
        values = np.where(rng.random(shape) < rng.uniform(0.2, 0.8), 230.0, 25.0)
    return _picture(np.broadcast_to(values, (SIDE, SIDE, 3)))


def drawing(rng: np.random.Generator) -> Image.Image:
    """A cat, a house, a sun or a face with ink lines or flat colours, on paper of any colour, skin among them."""
    paper: Colour = SKIN[rng.integers(len(SKIN))] if rng.random() < 0.4 else _light(rng)
    image = Image.new("RGB", (2 * SIDE, 2 * SIDE), paper)
    draw = ImageDraw.Draw(image)
    figures: tuple[Callable[[ImageDraw.ImageDraw, np.random.Generator], None], ...] = (_cat, _house, _sun, _face)
    for _ in range(rng.integers(1, 4)):
        figures[rng.integers(len(figures))](draw, rng)
    return _stored(image.resize((SIDE, SIDE), Image.Resampling.LANCZOS), rng)


def text_page(rng: np.random.Generator) -> Image.Image:
    """Lines of words in dark ink on light paper: printed, photographed askew or as seen on a screen."""
    dark = rng.random() < 0.15
    paper: Colour = (25, 25, 30) if dark else _paper(rng)
    ink: Colour = (230, 230, 230) if dark else INK[rng.integers(len(INK))]
    image = Image.new("RGB", (2 * SIDE, 2 * SIDE), paper)
    draw = ImageDraw.Draw(image)
    size = int(rng.integers(14, 56))
    font = ImageFont.load_default(size=size)
    margin = int(rng.integers(5, 60))
    for top in range(margin, 2 * SIDE - margin, int(size * rng.uniform(1.1, 1.7))):
        if rng.random() < 0.1:
            continue
        line = " ".join(WORDS[word] for word in rng.integers(len(WORDS), size=20))
        draw.text((margin, top), line[: int(rng.integers(10, 80))], font=font, fill=ink)
    if rng.random() < 0.5:
        image = image.rotate(float(rng.uniform(-20, 20)), Image.Resampling.BICUBIC, fillcolor=paper)
    image = image.resize((SIDE, SIDE), Image.Resampling.LANCZOS)
    return _stored(_lit(image, rng) if rng.random() < 0.5 else image, rng)


def _cat(draw: ImageDraw.ImageDraw, rng: np.random.Generator) -> None:
    x, y, r = _place(rng)
    ink, fill, width = _pens(rng)
    for side in (-1, 1):
        ear = [(x + side * 0.9 * r, y - 0.3 * r), (x + side * 0.8 * r, y - 1.5 * r), (x + side * 0.2 * r, y - 0.9 * r)]
        draw.polygon(ear, fill=fill, outline=ink, width=width)
    draw.ellipse((x - r, y - r, x + r, y + r), fill=fill, outline=ink, width=width)
    for side in (-1, 1):
        eye = x + side * 0.4 * r
        draw.ellipse((eye - 0.12 * r, y - 0.4 * r, eye + 0.12 * r, y - 0.05 * r), fill=ink)
        for tilt in (-0.2, 0.0, 0.2):
            draw.line(
                (x + side * 0.2 * r, y + 0.35 * r, x + side * 1.3 * r, y + (0.35 + tilt) * r), fill=ink, width=width
            )
    draw.arc((x - 0.3 * r, y + 0.2 * r, x + 0.3 * r, y + 0.7 * r), 0, 180, fill=ink, width=width)


def _house(draw: ImageDraw.ImageDraw, rng: np.random.Generator) -> None:
    x, y, r = _place(rng)
    ink, fill, width = _pens(rng)
    draw.rectangle((x - r, y - 0.4 * r, x + r, y + r), fill=fill, outline=ink, width=width)
    draw.polygon([(x - 1.2 * r, y - 0.4 * r), (x, y - 1.3 * r), (x + 1.2 * r, y - 0.4 * r)], outline=ink, width=width)
    draw.rectangle((x - 0.2 * r, y + 0.3 * r, x + 0.2 * r, y + r), outline=ink, width=width)


def _sun(draw: ImageDraw.ImageDraw, rng: np.random.Generator) -> None:
    x, y, r = _place(rng)
    ink, fill, width = _pens(rng)
    draw.ellipse((x - 0.5 * r, y - 0.5 * r, x + 0.5 * r, y + 0.5 * r), fill=fill, outline=ink, width=width)
    for angle in np.linspace(0, 2 * np.pi, 12, endpoint=False):
        c, s = float(np.cos(angle)), float(np.sin(angle))
        draw.line((x + 0.6 * r * c, y + 0.6 * r * s, x + r * c, y + r * s), fill=ink, width=width)


def _face(draw: ImageDraw.ImageDraw, rng: np.random.Generator) -> None:
    x, y, r = _place(rng)
    ink, fill, width = _pens(rng)
    draw.ellipse((x - r, y - r, x + r, y + r), fill=fill, outline=ink, width=width)
    for side in (-1, 1):
        eye = x + side * 0.4 * r
        draw.ellipse((eye - 0.1 * r, y - 0.3 * r, eye + 0.1 * r, y - 0.1 * r), fill=ink)
    draw.arc((x - 0.5 * r, y - 0.3 * r, x + 0.5 * r, y + 0.6 * r), 20, 160, fill=ink, width=width)


def _place(rng: np.random.Generator) -> tuple[float, float, float]:
    """Centre and radius of a figure, on the sheet of twice the side."""
    x, y = rng.uniform(0.35 * 2 * SIDE, 0.65 * 2 * SIDE, size=2)
    return float(x), float(y), float(rng.uniform(0.12, 0.3) * 2 * SIDE)


def _pens(rng: np.random.Generator) -> tuple[Colour, Colour | None, int]:
    """Ink, filling (None: an outline alone) and width of the line."""
    fill = None if rng.random() < 0.5 else _any_colour(rng)
    return INK[rng.integers(len(INK))], fill, int(rng.integers(2, 12))


# --- kinds that were not looked at before the design was frozen ---------------------------------------------------


def checkerboard(rng: np.random.Generator) -> Image.Image:
    """Squares of two colours, turned by any angle."""
    period = rng.uniform(8, 80)
    along, across = (np.floor(plane / period) for plane in _turned_pair(rng))
    return _noisy(_blend(((along + across) % 2), *_two_colours(rng)), rng)


def gradient(rng: np.random.Generator) -> Image.Image:
    """One colour fading into another, along a line or from a centre."""
    if rng.random() < 0.5:
        plane = _turned(rng)
    else:
        y, x = np.mgrid[:SIDE, :SIDE] - rng.uniform(0, SIDE, size=2)[:, None, None]
        plane = np.hypot(y, x)
    return _noisy(_blend((plane - plane.min()) / np.ptp(plane), *_two_colours(rng)), rng)


def fractal_noise(rng: np.random.Generator) -> Image.Image:
    """Clouds: the spectrum of white noise bent to 1/f^a, a between 1 and 3, between two colours or in all three."""
    exponent = rng.uniform(1, 3)
    frequency = np.hypot(*np.meshgrid(np.fft.fftfreq(SIDE), np.fft.fftfreq(SIDE)))
    frequency[0, 0] = 1
    planes = np.fft.ifft2(np.fft.fft2(rng.normal(size=(3, SIDE, SIDE))) / frequency ** (exponent / 2)).real
    scaled = (planes - planes.min((1, 2), keepdims=True)) / np.ptp(planes, axis=(1, 2), keepdims=True)
    return _blend(scaled[0], *_two_colours(rng)) if rng.random() < 0.5 else _picture(255 * np.moveaxis(scaled, 0, -1))


def square_code(rng: np.random.Generator) -> Image.Image:
    """Dark modules on a light ground with three finder squares, as a QR code looks."""
    n = int(rng.integers(21, 42))
    modules = rng.random((n, n)) < 0.5
    for row, column in ((0, 0), (0, n - 7), (n - 7, 0)):
        ring = np.ones((7, 7), dtype=bool)
        ring[1:6, 1:6] = False
        ring[2:5, 2:5] = True
        modules[row : row + 7, column : column + 7] = ring
    quiet = np.pad(modules, int(rng.integers(1, 5)))
    image = _blend(quiet.astype(float), _paper(rng), INK[rng.integers(len(INK))]).resize(
        (SIDE, SIDE), Image.Resampling.NEAREST
    )
    return _stored(_lit(image, rng) if rng.random() < 0.5 else image, rng)


def bar_chart(rng: np.random.Generator) -> Image.Image:
    """Bars, axes and numbers, as on a screen."""
    image = Image.new("RGB", (2 * SIDE, 2 * SIDE), _paper(rng))
    draw = ImageDraw.Draw(image)
    bars = int(rng.integers(3, 12))
    width = 420 / bars
    several = [_any_colour(rng) for _ in range(int(rng.integers(1, 4)))]
    for bar in range(bars):
        left = 60 + bar * width
        draw.rectangle((left, 460 - rng.uniform(20, 400), left + 0.7 * width, 460), fill=several[bar % len(several)])
        draw.text((left, 470), str(bar), font=ImageFont.load_default(size=22), fill=(40, 40, 40))
    draw.line((55, 30, 55, 460, 490, 460), fill=(40, 40, 40), width=3)
    return _stored(image.resize((SIDE, SIDE), Image.Resampling.LANCZOS), rng)


# --- pictures that come with packages ---------------------------------------------------------------------------


def scans(rng: np.random.Generator) -> Iterator[Image.Image]:
    """CT and MR of pydicom's own test files: two CT and two MR studies, in several windows and crops of each."""
    import pydicom
    from pydicom.data import get_testdata_file

    for name in ("CT_small.dcm", "J2K_pixelrep_mismatch.dcm", "MR_small.dcm", "examples_overlay.dcm"):
        file = get_testdata_file(name, download=False)
        if not isinstance(file, str):
            raise FileNotFoundError(f"pydicom's own test file {name} is not installed: pip install 'pydicom>=3.0.2'")
        values = pydicom.dcmread(file).pixel_array.astype(float)
        for share in (1.0, 1.0, 0.8, 0.8, 0.6, 0.6, 0.5, 0.5):
            low, high = np.quantile(values, sorted(rng.uniform([0, 0.9], [0.4, 1.0])))
            grey = 255 * np.clip((values - low) / max(high - low, 1), 0, 1)
            yield _window(_picture(np.repeat(grey[..., None], 3, axis=2)), share, rng)


def science_pictures(rng: np.random.Generator) -> Iterator[Image.Image]:
    """The pictures that scikit-image installs, each whole and in two crops: people, animals, things, cells."""
    import skimage

    folder = Path(skimage.__file__).parent / "data"
    files = sorted(path for path in folder.iterdir() if path.suffix in (".png", ".jpg"))
    for path in files:
        with Image.open(path) as file:
            image = file.convert("RGB")
        for share in (1.0, 0.7, 0.5):
            yield _window(image, share, rng)


def _window(image: Image.Image, share: float, rng: np.random.Generator) -> Image.Image:
    """A part of a picture with this share of each side, at random, its longer side at `SIDE`."""
    width, height = (max(1, round(share * side)) for side in image.size)
    left, top = (int(rng.integers(0, room + 1)) for room in (image.width - width, image.height - height))
    scale = SIDE / max(width, height)
    size = (max(1, round(scale * width)), max(1, round(scale * height)))
    return image.crop((left, top, left + width, top + height)).resize(size, Image.Resampling.BICUBIC)


# --- lesion-free skin -------------------------------------------------------------------------------------------


def plain_corner(photo: Tensor) -> Tensor | None:
    """A corner of a third of each side, the plainest of the four; None where none is surely free of the lesion.

    Free: its spread of luminance is below a third of the whole photo's, and its mean differs from the centre's by more
    than its own spread. There are no outlines of lesions to go by.
    """
    grey = photo.float().mean(0)
    height, width = (side // 3 for side in grey.shape)
    places = [
        (rows, columns)
        for rows in (slice(None, height), slice(-height, None))
        for columns in (slice(None, width), slice(-width, None))
    ]
    corner = min(places, key=lambda place: float(grey[place].std()))
    spread = float(grey[corner].std())
    centre = float(grey[height:-height, width:-width].mean())
    is_free = spread < grey.std() / 3 and abs(float(grey[corner].mean()) - centre) > spread
    return photo[:, corner[0], corner[1]].contiguous() if is_free else None


def centre(photo: Tensor) -> Tensor:
    """The middle third of each side: a lesion, as much enlarged as a corner is."""
    height, width = (side // 3 for side in photo.shape[1:])
    top, left = (photo.shape[1] - height) // 2, (photo.shape[2] - width) // 2
    return photo[:, top : top + height, left : left + width].contiguous()


def tiled(corner: Tensor) -> Tensor:
    """A corner mirrored over and over to the size of its photo: skin without a lesion, as sharp as the photo."""
    row = torch.cat([corner, corner.flip(2), corner], dim=2)
    return torch.cat([row, row.flip(1), row], dim=1)


# --- small parts --------------------------------------------------------------------------------------------------


def _turned_pair(rng: np.random.Generator) -> tuple[Plane, Plane]:
    """Coordinates along and across a direction at random, in pixels."""
    angle = rng.uniform(0, np.pi)
    y, x = np.mgrid[:SIDE, :SIDE]
    return x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)


def _turned(rng: np.random.Generator) -> Plane:
    return _turned_pair(rng)[0]


def _any_colour(rng: np.random.Generator) -> Colour:
    red, green, blue = (int(value) for value in rng.integers(0, 256, size=3))
    return red, green, blue


def _light(rng: np.random.Generator) -> Colour:
    red, green, blue = (int(value) for value in rng.integers(200, 256, size=3))
    return red, green, blue


def _paper(rng: np.random.Generator) -> Colour:
    """White to cream."""
    white = int(rng.integers(225, 256))
    return white, white - int(rng.integers(0, 8)), white - int(rng.integers(0, 25))


def _two_colours(rng: np.random.Generator) -> tuple[Colour, Colour]:
    """Black and white, any two, or two of skin."""
    case = rng.integers(3)
    if case == 0:
        return (255, 255, 255), (0, 0, 0)
    if case == 1:
        return _any_colour(rng), _any_colour(rng)
    one, other = rng.choice(len(SKIN), size=2, replace=False)
    return SKIN[one], SKIN[other]


def _blend(share: Plane, one: Colour, other: Colour) -> Image.Image:
    """Between two colours by a share (H, W) in [0, 1]."""
    return _picture(np.array(one) * (1 - share[..., None]) + np.array(other) * share[..., None])


def _picture(values: Plane) -> Image.Image:
    """Values (H, W, 3) on the scale of 0 to 255."""
    return Image.fromarray(np.clip(np.rint(values), 0, 255).astype(np.uint8))


def _noisy(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """With the noise of a sensor, in half of the pictures, and stored as people store pictures."""
    if rng.random() < 0.5:
        pixels = np.asarray(image).astype(float)
        image = _picture(pixels + rng.normal(0, rng.uniform(1, 8), size=pixels.shape))
    return _stored(image, rng)


def _lit(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """As photographed: light falling off over the sheet, a tint, a little blur, noise."""
    light = gaussian_filter(rng.normal(size=(SIDE, SIDE)), SIDE / 4, mode="reflect")
    light = 1 + rng.uniform(0, 0.3) * (light - light.max()) / np.ptp(light)
    tint = 1 - rng.uniform(0, 0.12, size=3)
    blurred = np.asarray(image.filter(ImageFilter.GaussianBlur(float(rng.uniform(0, 1))))).astype(float)
    return _picture(blurred * light[..., None] * tint + rng.normal(0, 3, size=blurred.shape))


def _stored(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """As it is, or through JPEG."""
    if rng.random() < 0.4:
        return image
    file = io.BytesIO()
    image.save(file, "JPEG", quality=int(rng.integers(70, 96)))
    file.seek(0)
    return Image.open(file).convert("RGB")


DESIGN: dict[str, Maker] = {
    "stripes": stripes,
    "white noise": white_noise,
    "drawings": drawing,
    "text pages": text_page,
}
HELD_OUT: dict[str, Maker] = {
    "checkerboards": checkerboard,
    "gradients": gradient,
    "fractal noise": fractal_noise,
    "square codes": square_code,
    "bar charts": bar_chart,
}


def drawn(makers: dict[str, Maker], *, each: int, seed: int = 0) -> dict[str, list[Tensor]]:
    """So many pictures of each kind."""
    return {
        kind: [_tensor(make(np.random.default_rng([seed, number, *kind.encode()]))) for number in range(each)]
        for kind, make in makers.items()
    }


def packaged(*, seed: int = 0) -> dict[str, list[Tensor]]:
    """Pictures of packages by kind: of scans, which were looked at, and of scikit-image, which were not."""
    return {
        "CT and MR": [_tensor(image) for image in scans(np.random.default_rng(seed))],
        "scikit-image": [_tensor(image) for image in science_pictures(np.random.default_rng(seed))],
    }


def _tensor(image: Image.Image) -> Tensor:
    return torch.from_numpy(np.array(image)).permute(2, 0, 1).contiguous()

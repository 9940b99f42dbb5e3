"""A photo as it lies on a disk → an upright RGB picture, or one plain line that says why not.

Command line, training and demo all read photos here, so that a photo gives the same pixels, or the same refusal,
everywhere. Of 12,132 odd image files Pillow refuses 292 with something else than OSError; whatever a decoder raises
becomes one `ImageError`. Colour profiles are not applied, as in the published pipelines.
"""

from __future__ import annotations

import io
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageFile, UnidentifiedImageError
from torch import Tensor
from torch.nn import functional as F

from mmskin.errors import ImageError
from mmskin.sentence import Sentence

PhotoSource = Path | str | bytes | Image.Image | IO[bytes] | NDArray[np.uint8]
"""A path, the bytes of a file, an open file, a picture, or its pixels (H, W, 3) uint8, RGB."""

MAX_PIXELS = 40_000_000
"""Refused from the header on: a 260 kB PNG can hold 89 Mpx, which take 1.3 GB. Phones take 12 to 50 Mpx, mostly 12."""

FORMATS = ("JPEG", "PNG", "WEBP", "TIFF", "BMP", "GIF")
"""Pillow's other parsers, some of which start programs, never see the file. HEIC is read by pi-heif."""

BACKGROUND = (255, 255, 255)
"""What shows through where a photo is transparent: white, as on a page. Hidden colours never show."""

_HEIC = re.compile(rb".{4}ftyp(heic|heix|heim|heis|hevc|hevx|hevm|hevs|mif1|msf1)", re.DOTALL)
_FOREIGN = (
    (rb"\Z", "is an empty file; copy or download it again"),
    (rb"version https://git-lfs", "is a Git LFS pointer, not the photo itself; run `git lfs pull`"),
    (rb"(\xef\xbb\xbf)?\s*<(!doctype html|html|head|body)", "is a web page under an image's name; download the photo"),
    (rb"(\xef\xbb\xbf)?\s*<(\?xml|svg)", "is SVG or XML; save it as JPEG or PNG"),
    (rb".{128}DICM", "is a DICOM file; export the photo as JPEG or PNG, without the patient's tags"),
    (rb".{4}ftypavi[fs]", "is AVIF; save it as JPEG or PNG"),
    (rb"%PDF-", "is a PDF; save the photo itself as JPEG or PNG"),
    (rb"%!PS|\xc5\xd0\xd3\xc6", "is PostScript; save it as JPEG or PNG"),
    (rb"PK\x03\x04", "is a ZIP archive; unpack it first"),
)
_TRANSPOSE = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


class ReadPhoto(NamedTuple):
    """A photo, read.

    image: RGB, upright, without EXIF or other information about the patient.
    remarks: what was guessed or left out while reading, one line each.
    """

    image: Image.Image
    remarks: tuple[str, ...] = ()


def is_photo_source(source: object) -> bool:
    """Whether this is one photo, and no list of them."""
    return isinstance(source, str | bytes | Path | Image.Image | np.ndarray) or hasattr(source, "read")


def load_image(source: PhotoSource, *, max_side: int | None = None) -> Tensor:
    """The pixels of a photo; `open_rgb` gives the remarks too.

    Returns:
        (3, H, W) uint8, RGB.

    Raises:
        ImageError: see `open_rgb`.
    """
    return to_tensor(open_rgb(source, max_side=max_side).image)


def to_tensor(image: Image.Image) -> Tensor:
    """An RGB picture as (3, H, W) uint8, in memory of its own."""
    return torch.from_numpy(np.array(image.convert("RGB"))).permute(2, 0, 1).contiguous()


def open_rgb(source: PhotoSource, *, max_side: int | None = None) -> ReadPhoto:
    """Read a photo by its content, whatever its name ends in.

    EXIF orientation is applied (an unreadable one is a remark, not a refusal); 16-bit grey is divided by 257, floats in
    [0, 1] multiplied by 255; transparency is laid over `BACKGROUND`; of several frames the first is taken.

    Args:
        source: a path, the bytes of a file, an open file (read from its beginning), a picture that is already open, or
            its pixels, (H, W, 3) uint8, RGB. URLs are never fetched.
        max_side: shrink so that the longer side has at most this many pixels; a JPEG is then decoded at a reduced
            scale, never below twice that size (12 Mpx in 30 ms, not 120). A smaller photo stays as it is.

    Raises:
        ImageError: not a regular file (folders, pipes and devices are not even opened), not a photo in a known format,
            more than `MAX_PIXELS`, damaged or cut short. Names the file and what to do.
        ValueError: max_side < 1.
    """
    if max_side is not None and max_side < 1:
        raise ValueError(f"max_side must be 1 or more, however: max_side={max_side}")
    if ImageFile.LOAD_TRUNCATED_IMAGES:
        raise ImageError(
            "PIL.ImageFile.LOAD_TRUNCATED_IMAGES is on: half a photo would be read as grey; set it to False"
        )
    if isinstance(source, np.ndarray):
        source = _from_pixels(source)
    elif not isinstance(source, str | bytes | Path | Image.Image):
        source = _content(source)
    name = _name(source)
    if isinstance(source, Image.Image):
        with _one_error(name):
            return _upright_rgb(source, name, max_side)
    with _stream(source, name) as stream, _one_error(name), _identify(stream, name) as image:
        if max_side is not None:
            scale = 2 * max_side / max(image.size)
            image.draft(None, (max(1, int(image.width * scale)), max(1, int(image.height * scale))))
        return _upright_rgb(image, name, max_side)


def _from_pixels(pixels: NDArray[np.uint8]) -> Image.Image:
    if pixels.ndim != 3 or pixels.shape[2] != 3 or pixels.dtype != np.uint8 or 0 in pixels.shape:
        raise ImageError(
            f"an array must hold pixels as (H, W, 3) uint8, RGB, however: {pixels.shape} {pixels.dtype}; "
            "transpose it, or scale it to 0 to 255 and convert it"
        )
    return Image.fromarray(pixels)


def _content(file: IO[bytes]) -> bytes:
    """All bytes of an open file, from its beginning where it can go back."""
    if not hasattr(file, "read"):
        raise ImageError(
            f"a photo is a path, bytes, an open file, a picture or an array of pixels, however: {type(file).__name__}"
        )
    if file.seekable():
        file.seek(0)
    content = file.read()
    if not isinstance(content, bytes):
        raise ImageError('the file was opened as text; open it with open(path, "rb")')
    return content


def image_remarks(pixels: Tensor) -> tuple[str, ...]:
    """What a clinician should know about the quality of a photo before believing an answer.

    The thresholds flag none of 600 photos of PAD-UFES-20 (256 px) for light or blur, and 19 of 20 of them after a
    Gaussian blur of 2 px; a photo in focus but very smooth can be flagged too, so it is a remark and no refusal.

    Args:
        pixels: (3, H, W) uint8, RGB.
    """
    remarks: list[str] = []
    height, width = pixels.shape[-2:]
    if min(height, width) < 64:  # a guess: a model that looks at 224 pixels sees 3.5-fold enlargement
        small = "the photo is small: {width} x {height} pixels, 64 or more expected on the shorter side"
        remarks.append(Sentence(small, width=width, height=height))
    grey = _small_grey(pixels)
    mean, spread = float(grey.mean()), float(grey.std(correction=0))
    if mean < 30 or mean > 235:  # PAD-UFES-20: 71 to 210
        remarks.append(Sentence("the photo is almost all {colour}", colour="black" if mean < 30 else "white"))
    elif spread < 4:  # PAD-UFES-20: 5.8 to 64
        remarks.append(Sentence("the photo shows almost nothing but one colour"))
    elif _sharpness(grey) < 5:  # PAD-UFES-20: 5.3 to 5,068; after a blur of 2 px 1.5 to 11.6
        remarks.append(Sentence("the photo seems blurred"))
    return tuple(remarks)


def _small_grey(pixels: Tensor) -> Tensor:
    """Luminance in [0, 255] with the longer side at 256 pixels, where the thresholds were measured: (H, W) float."""
    weights = torch.tensor([0.299, 0.587, 0.114]).view(3, 1, 1)  # ITU-R BT.601
    grey = (pixels.float() * weights).sum(0)
    scale = 256 / max(grey.shape)
    size = [max(3, round(side * scale)) for side in grey.shape]
    return F.interpolate(grey[None, None], size=size, mode="bilinear", antialias=True)[0, 0]


def _sharpness(grey: Tensor) -> float:
    """Variance of the Laplacian (Pech-Pacheco et al., 2000)."""
    kernel = torch.tensor([[0.0, 1.0, 0.0], [1.0, -4.0, 1.0], [0.0, 1.0, 0.0]]).view(1, 1, 3, 3)
    return float(F.conv2d(grey[None, None], kernel).var(correction=0))


def _name(source: Path | str | bytes | Image.Image) -> str:
    """How messages call the photo; `repr` keeps odd file names on one line."""
    if isinstance(source, bytes):
        return f"photo of {len(source)} bytes"
    path = getattr(source, "filename", "") if isinstance(source, Image.Image) else source
    text = str(path)
    return f"photo {text if len(text) <= 300 else text[:300] + '...'!r}" if text else "photo"


@contextmanager
def _one_error(name: str) -> Iterator[None]:
    """Whatever a decoder raises, as one `ImageError`."""
    try:
        yield
    except (ImageError, MemoryError):
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise ImageError(_too_large(name, "more than Pillow's limit")) from None
    except UnidentifiedImageError:
        known = ", ".join((*FORMATS, "HEIC"))
        raise ImageError(f"{name} is damaged or no image at all; expected one of: {known}") from None
    except Exception as error:
        reason = " ".join(str(error).split())[:200] or "no reason given"
        raise ImageError(
            f"{name} cannot be decoded, it is cut short or damaged ({type(error).__name__}: {reason}); "
            "copy it again from its source, or save it again as JPEG or PNG"
        ) from error


def _too_large(name: str, found: str) -> str:
    return f"{name} is too large: {found} pixels, at most {MAX_PIXELS:,} are read; scale it down first"


def _stream(source: Path | str | bytes, name: str) -> IO[bytes]:
    """An open file; only a regular file is opened, because opening a pipe or a device can block for ever."""
    if isinstance(source, bytes):
        return io.BytesIO(source)
    try:
        kind = Path(source).stat().st_mode
        if stat.S_ISDIR(kind):
            raise ImageError(f"{name} is a folder; name one photo in it")
        if not stat.S_ISREG(kind):
            raise ImageError(f"{name} is no regular file but a pipe, socket or device; name a photo")
        return Path(source).open("rb")
    except FileNotFoundError:
        is_url = re.match(r"[a-zA-Z][a-zA-Z0-9+.-]+:", str(source)) is not None
        what_to_do = "URLs are never fetched; download the photo first" if is_url else "check the path"
        raise ImageError(f"{name} does not exist; {what_to_do}") from None
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        reason = getattr(error, "strerror", None) or str(error)
        raise ImageError(f"{name} cannot be opened: {reason}; check the path and its permissions") from None


def _identify(stream: IO[bytes], name: str) -> Image.Image:
    """The picture with its header read and not one pixel decoded."""
    head = stream.read(512)
    stream.seek(0)
    for pattern, sentence in _FOREIGN:
        if re.match(pattern, head, re.DOTALL | re.IGNORECASE):
            raise ImageError(f"{name} {sentence}")
    if _HEIC.match(head):
        return _open_heic(stream, name)
    return Image.open(stream, formats=FORMATS)


def _open_heic(stream: IO[bytes], name: str) -> Image.Image:
    try:
        from pi_heif import HeifImageFile
    except ImportError:
        remedy = "install mmskin[heif] to read it, or save it as JPEG"
        raise ImageError(f"{name} is HEIC, as iPhones take photos; {remedy}") from None
    image: Image.Image = HeifImageFile(stream)
    return image


def _upright_rgb(image: Image.Image, name: str, max_side: int | None) -> ReadPhoto:
    width, height = image.size
    if width * height > MAX_PIXELS:
        raise ImageError(_too_large(name, f"{width} x {height}"))
    remarks = []
    if getattr(image, "is_animated", False):
        remarks.append(Sentence("the file holds several pictures; the first was taken"))
    image.load()
    orientation = _orientation(image)
    if orientation is None:
        remarks.append(Sentence("the EXIF orientation cannot be read; the photo was not rotated"))
    rgb, colour_remarks = _to_rgb(image, name)
    if orientation in _TRANSPOSE:
        rgb = rgb.transpose(_TRANSPOSE[orientation])
    rgb = _shrunk(rgb, max_side)
    rgb.info = {}
    return ReadPhoto(rgb, (*remarks, *colour_remarks))


def _orientation(image: Image.Image) -> int | None:
    """1 to 8, or None if there is something that cannot be read; a bad EXIF block must not lose a good photo."""
    try:
        value = image.getexif().get(ExifTags.Base.Orientation, 1)
    except Exception:
        return None
    return value if value in range(1, 9) else None


def _to_rgb(image: Image.Image, name: str) -> tuple[Image.Image, tuple[str, ...]]:
    """A new RGB picture, and what was guessed about the meaning of its values."""
    if image.mode.startswith("I;16"):
        grey = (np.asarray(image).astype(np.uint32) + 128) // 257  # rounds; 65,535 → 255
        return Image.fromarray(grey.astype(np.uint8)).convert("RGB"), (Sentence("16-bit grey was scaled to 8 bits"),)
    if image.mode in ("I", "F"):
        values = np.asarray(image)
        if image.mode == "I" or not (values.min() >= 0 and values.max() <= 1):  # NaN fails both
            kind = "whole numbers of 32 bits" if image.mode == "I" else "decimal numbers outside 0 to 1"
            raise ImageError(f"{name} holds {kind}, for which black and white are not defined; save it with 8 bits")
        grey = np.rint(values * 255)
        scaled = Sentence("decimal grey from 0 to 1 was scaled to 8 bits")
        return Image.fromarray(grey.astype(np.uint8)).convert("RGB"), (scaled,)
    if not image.has_transparency_data:
        return image.convert("RGB"), ()
    rgba = image.convert("RGBA")
    if rgba.getchannel("A").getextrema()[0] == 255:
        return rgba.convert("RGB"), ()
    page = Image.new("RGBA", rgba.size, BACKGROUND)
    return Image.alpha_composite(page, rgba).convert("RGB"), (Sentence("transparent parts are shown white"),)


def _shrunk(image: Image.Image, max_side: int | None) -> Image.Image:
    longer = max(image.size)
    if max_side is None or longer <= max_side:
        return image
    width, height = (max(1, round(side * max_side / longer)) for side in image.size)
    return image.resize((width, height), Image.Resampling.BICUBIC)

from __future__ import annotations

import contextlib
import io
import os
import random
import struct
import sys
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image, ImageFile
from real_data import real_data

from mmskin.errors import ImageError
from mmskin.inputs.photos import MAX_PIXELS, image_remarks, load_image, open_rgb, to_tensor


def make_photo(width: int = 24, height: int = 16) -> Image.Image:
    """A picture without any symmetry, in strong colours."""
    y, x = np.mgrid[0:height, 0:width]
    return Image.fromarray(np.stack([x * 255 // width, y * 255 // height, (x + 2 * y) % 256], axis=-1).astype(np.uint8))


def encoded(image: Image.Image, format: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


def png_chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png_with_chunk(kind: bytes, body: bytes) -> bytes:
    """The photo as PNG with one more chunk after the header (8 + 25 bytes)."""
    plain = encoded(make_photo(), "PNG")
    return plain[:33] + png_chunk(kind, body) + plain[33:]


def orientation_exif(value: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = value
    return exif


# Colours: the expected values are written by hand.


@pytest.mark.parametrize("format", ["PNG", "TIFF"])
def test_16_bit_grey_is_scaled_by_257_and_not_clipped(format: str) -> None:
    values = np.array([[0, 257 * 100, 257 * 200, 65535]], dtype=np.uint16)
    photo = open_rgb(encoded(Image.fromarray(values), format))
    assert to_tensor(photo.image)[:, 0].tolist() == [[0, 100, 200, 255]] * 3
    assert photo.remarks == ("16-bit grey was scaled to 8 bits",)


def test_16_bit_grey_is_rounded_to_the_nearest_level() -> None:
    values = np.array([[128, 129, 385, 386]], dtype=np.uint16)  # 0.498, 0.502, 1.498, 1.502 levels
    assert load_image(Image.fromarray(values))[0, 0].tolist() == [0, 1, 1, 2]


def test_decimal_grey_from_0_to_1_spans_black_to_white() -> None:
    picture = Image.fromarray(np.array([[0.0, 0.2, 1.0]], dtype=np.float32))
    assert load_image(encoded(picture, "TIFF"))[0, 0].tolist() == [0, 51, 255]


@pytest.mark.parametrize("value", [-0.1, 1.5, float("nan")])
def test_decimal_grey_without_a_defined_white_is_refused(value: float) -> None:
    picture = Image.fromarray(np.array([[0.0, value]], dtype=np.float32))
    with pytest.raises(ImageError, match="decimal numbers outside 0 to 1"):
        load_image(encoded(picture, "TIFF"))


def test_32_bit_whole_numbers_are_refused() -> None:
    with pytest.raises(ImageError, match="whole numbers of 32 bits"):
        load_image(encoded(Image.fromarray(np.array([[0, 70000]], dtype=np.int32)), "TIFF"))


@pytest.mark.parametrize(
    ("picture", "expected"),
    [
        (Image.new("RGBA", (2, 2), (255, 0, 0, 0)), (255, 255, 255)),  # hidden red does not show
        (Image.new("RGBA", (2, 2), (0, 0, 0, 51)), (204, 204, 204)),  # 255 · (1 − 51/255)
        (Image.new("LA", (2, 2), (10, 0)), (255, 255, 255)),
        (Image.new("RGBA", (2, 2), (1, 2, 3, 255)), (1, 2, 3)),
    ],
)
def test_transparency_is_laid_over_white(picture: Image.Image, expected: tuple[int, ...]) -> None:
    photo = open_rgb(encoded(picture, "PNG"))
    assert photo.image.getpixel((0, 0)) == expected
    assert photo.remarks == (() if expected == (1, 2, 3) else ("transparent parts are shown white",))


@pytest.mark.parametrize("mode", ["P", "RGB"])
def test_a_transparent_colour_is_laid_over_white(mode: str) -> None:
    picture = Image.new(mode, (2, 1))
    picture.putpixel((1, 0), 1 if mode == "P" else (9, 9, 9))
    if mode == "P":
        picture.putpalette([0, 0, 0, 9, 9, 9])
    photo = open_rgb(encoded(picture, "PNG", transparency=0 if mode == "P" else (0, 0, 0)))
    assert [photo.image.getpixel((x, 0)) for x in (0, 1)] == [(255, 255, 255), (9, 9, 9)]


@pytest.mark.parametrize(
    ("mode", "colour", "expected"),
    [
        ("CMYK", (0, 255, 255, 0), (255, 0, 0)),
        ("LAB", (138, 209, 198), (255, 0, 0)),  # CIE under D50: red is L 54.3 %, a 80.8, b 69.9; a, b offset by 128
        ("1", 1, (255, 255, 255)),
        ("L", 77, (77, 77, 77)),
    ],
)
def test_other_colour_models_become_the_right_rgb(mode: str, colour: Any, expected: tuple[int, ...]) -> None:
    pixels = load_image(encoded(Image.new(mode, (4, 4), colour), "TIFF"))
    assert pixels[:, 1, 1].tolist() == pytest.approx(expected, abs=6)  # LAB is rounded to 8 bits


def test_a_cmyk_jpeg_is_not_inverted() -> None:
    pixels = load_image(encoded(Image.new("CMYK", (16, 16), (0, 255, 255, 0)), "JPEG"))
    assert pixels[:, 8, 8].tolist() == pytest.approx([255, 0, 0], abs=4)


def test_pixels_are_channels_first_bytes() -> None:
    pixels = load_image(encoded(make_photo(24, 16), "PNG"))
    assert pixels.shape == (3, 16, 24)
    assert pixels.dtype == torch.uint8
    assert pixels[:, 8, 12].tolist() == [127, 127, 28]


# Orientation


@pytest.mark.parametrize("format", ["PNG", "TIFF", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_exif_orientation_gives_the_upright_photo(format: str, orientation: int) -> None:
    # How a camera stores an upright photo under each orientation: the inverse of what the EXIF table asks of viewers.
    upright = np.asarray(make_photo())
    stored = {
        1: upright,
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: upright.transpose(1, 0, 2),
        6: np.rot90(upright),
        7: upright.transpose(1, 0, 2)[::-1, ::-1],
        8: np.rot90(upright, -1),
    }[orientation]
    options = {"lossless": True} if format == "WEBP" else {}
    picture = Image.fromarray(np.ascontiguousarray(stored))
    photo = open_rgb(encoded(picture, format, exif=orientation_exif(orientation), **options))
    assert np.array_equal(np.asarray(photo.image), upright)
    assert photo.remarks == ()


@pytest.mark.parametrize("orientation", [0, 9, 65535])
def test_an_undefined_orientation_leaves_the_photo_as_it_is_and_says_so(orientation: int) -> None:
    photo = open_rgb(encoded(make_photo(), "PNG", exif=orientation_exif(orientation)))
    assert np.array_equal(np.asarray(photo.image), np.asarray(make_photo()))
    assert photo.remarks == ("the EXIF orientation cannot be read; the photo was not rotated",)


def test_garbage_in_the_exif_block_does_not_lose_a_good_photo() -> None:
    photo = open_rgb(png_with_chunk(b"eXIf", b"garbage, not TIFF"))
    assert np.array_equal(np.asarray(photo.image), np.asarray(make_photo()))
    assert photo.remarks == ("the EXIF orientation cannot be read; the photo was not rotated",)


def test_nothing_about_the_patient_stays_with_the_picture() -> None:
    exif = orientation_exif(1)
    exif[0x010E] = "Jane Doe"
    for source in (
        encoded(make_photo(), "JPEG", exif=exif),
        Image.open(io.BytesIO(encoded(make_photo(), "PNG", exif=exif))),
    ):
        image = open_rgb(source).image
        assert image.info == {}
        assert b"Jane" not in encoded(image, "PNG") + encoded(image, "JPEG")


# Frames, formats, size


@pytest.mark.parametrize("format", ["GIF", "TIFF", "PNG", "WEBP"])
def test_the_first_of_several_frames_is_taken_and_said(format: str) -> None:
    red, blue = Image.new("RGB", (8, 8), (255, 0, 0)), Image.new("RGB", (8, 8), (0, 0, 255))
    options = {"lossless": True} if format == "WEBP" else {}
    photo = open_rgb(encoded(red, format, save_all=True, append_images=[blue], **options))
    assert photo.image.getpixel((4, 4)) == (255, 0, 0)
    assert photo.remarks == ("the file holds several pictures; the first was taken",)


def test_a_wrong_ending_does_not_matter(tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    path.write_bytes(encoded(make_photo(), "PNG"))
    assert torch.equal(load_image(path), to_tensor(make_photo()))
    assert torch.equal(load_image(str(path)), to_tensor(make_photo()))


@pytest.mark.parametrize(
    ("size", "expected"), [((400, 100), (64, 16)), ((30, 90), (21, 64)), ((50, 20), (50, 20)), ((900, 1), (64, 1))]
)
def test_max_side_bounds_the_longer_side_and_never_enlarges(size: tuple[int, int], expected: tuple[int, int]) -> None:
    assert open_rgb(make_photo(*size), max_side=64).image.size == expected
    assert open_rgb(encoded(make_photo(*size), "JPEG"), max_side=64).image.size == expected


def test_a_jpeg_read_at_a_reduced_scale_looks_like_the_whole_one_reduced() -> None:
    photo = make_photo(1600, 1200)
    whole = load_image(Image.open(io.BytesIO(encoded(photo, "JPEG", quality=95))), max_side=100).float()
    reduced = load_image(encoded(photo, "JPEG", quality=95), max_side=100).float()
    assert (whole - reduced).abs().mean() < 2


def test_max_side_must_be_positive() -> None:
    with pytest.raises(ValueError, match="max_side=0"):
        load_image(make_photo(), max_side=0)


@pytest.mark.parametrize("side", [6400, 11_000, 60_000])  # over our limit; over Pillow's warning; over Pillow's limit
@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_a_bomb_is_refused_from_its_header(side: int) -> None:
    header = b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0))
    with pytest.raises(ImageError, match=f"too large.*at most {MAX_PIXELS:,}"):
        load_image(header + png_chunk(b"IDAT", b""))


def test_an_open_picture_is_held_to_the_same_limit() -> None:
    with pytest.raises(ImageError, match="7000 x 6000 pixels"):
        load_image(Image.new("1", (7000, 6000)))


# Refusals


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty file"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 12\n", "git lfs pull"),
        (b"\n <!DOCTYPE html><html>not found</html>", "web page"),
        (b"\xef\xbb\xbf<html>", "web page"),
        (b"<?xml version='1.0'?><svg/>", "SVG"),
        (bytes(128) + b"DICM", "DICOM"),
        (b"%PDF-1.7", "PDF"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "PostScript"),
        (b"PK\x03\x04", "ZIP"),
        (b"\0\0\0\x1cftypavif", "AVIF"),
        (b"P6 1 1 255 abc", "damaged or no image"),  # a format outside the allow-list
        (b"not a picture at all", "damaged or no image"),
        (b"\xff\xd8\xff", "damaged|cut short"),
    ],
)
def test_what_is_no_photo_is_named(content: bytes, reason: str, tmp_path: Path) -> None:
    path = tmp_path / "lesion.jpg"
    path.write_bytes(content)
    with pytest.raises(ImageError, match=reason) as caught:
        load_image(path)
    assert "lesion.jpg" in str(caught.value)


def test_heic_without_its_reader_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pi_heif", None)
    with pytest.raises(ImageError, match=r"HEIC.*install mmskin\[heif\]"):
        load_image(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic")


def test_damaged_heic_is_refused() -> None:
    pytest.importorskip("pi_heif")
    with pytest.raises(ImageError, match="cut short or damaged"):
        load_image(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic")


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "TIFF", "BMP", "GIF"])
def test_a_photo_cut_at_any_byte_is_refused_or_whole(format: str) -> None:
    content = encoded(make_photo(), format)
    whole = load_image(content)
    for length in range(len(content)):
        try:
            assert torch.equal(load_image(content[:length]), whole), (
                f"{format} cut after {length} of {len(content)} bytes"
            )
        except ImageError:
            assert length < len(content)


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "TIFF", "BMP", "GIF"])
@pytest.mark.filterwarnings("ignore")  # Pillow warns of some damage on its way
def test_damage_gives_an_image_error_and_nothing_else(format: str) -> None:
    content, draw = encoded(make_photo(), format, exif=orientation_exif(6)), random.Random(0)
    for _ in range(150):
        damaged = bytearray(content)
        for _ in range(4):
            damaged[draw.randrange(len(damaged))] = draw.randrange(256)
        with contextlib.suppress(ImageError):
            assert load_image(bytes(damaged)).dtype == torch.uint8


def test_half_photos_are_not_read_when_another_library_allows_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
    with pytest.raises(ImageError, match="LOAD_TRUNCATED_IMAGES is on"):
        load_image(encoded(make_photo(), "JPEG"))


@pytest.mark.timeout(20)
def test_only_regular_files_are_opened(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.jpg"
    os.mkfifo(pipe)
    with pytest.raises(ImageError, match=r"pipe\.jpg' is no regular file"):
        load_image(pipe)
    with pytest.raises(ImageError, match="is no regular file"):
        load_image("/dev/zero")
    with pytest.raises(ImageError, match="is a folder"):
        load_image(tmp_path)


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("nowhere.jpg", "'nowhere.jpg' does not exist; check the path"),
        ("https://example.org/a.jpg", "never fetched"),
        ("data:image/png;base64,AAAA", "never fetched"),
        ("a\0b.jpg", "cannot be opened"),
        ("a" * 5000, "cannot be opened"),
    ],
)
def test_odd_paths_are_refused_in_one_short_line(path: str, reason: str) -> None:
    with pytest.raises(ImageError, match=reason) as caught:
        load_image(path)
    assert len(str(caught.value)) < 500
    assert str(caught.value).isprintable()


# Remarks on quality


def make_skin(side: int = 256) -> torch.Tensor:
    """Skin-coloured noise, in focus."""
    noise = torch.randn(1, side, side, generator=torch.Generator().manual_seed(0)) * 12
    return (torch.tensor([190.0, 150.0, 130.0]).view(3, 1, 1) + noise).clamp(0, 255).to(torch.uint8)


def test_a_good_photo_has_no_remarks() -> None:
    assert image_remarks(make_skin()) == ()


@pytest.mark.parametrize(
    ("pixels", "remark"),
    [
        (torch.zeros(3, 256, 256, dtype=torch.uint8), "almost all black"),
        (torch.full((3, 256, 256), 254, dtype=torch.uint8), "almost all white"),
        (torch.full((3, 256, 256), 120, dtype=torch.uint8), "nothing but one colour"),
        (make_skin()[:, :40], "small: 256 x 40"),
        (make_skin()[:, :1, :1], "small: 1 x 1"),
        (to_tensor(make_photo(16, 16).resize((256, 256), Image.Resampling.BICUBIC)), "blurred"),
    ],
)
def test_poor_photos_are_remarked_on(pixels: torch.Tensor, remark: str) -> None:
    assert any(remark in line for line in image_remarks(pixels))


def test_real_photos_pass_and_blurred_ones_are_found() -> None:
    paths = sorted((real_data("pad_ufes_20") / "images").glob("*.jpg"))[::60]
    photos = [load_image(path, max_side=256) for path in paths]
    assert [path.name for path, photo in zip(paths, photos, strict=True) if image_remarks(photo)] == []
    kernel = torch.ones(3, 1, 9, 9) / 81
    blurred = [torch.nn.functional.conv2d(photo.float(), kernel, groups=3).to(torch.uint8) for photo in photos]
    assert sum("the photo seems blurred" in image_remarks(photo) for photo in blurred) >= 0.9 * len(blurred)

"""What the network sees of some photos: as they are, augmented lightly and strongly, and in even light; one PNG.

    python scripts/augmentation_contact_sheet.py configs/pad_ufes_20/image_only.yaml --output runs/augmentation

A row a photo, drawn from the data set; of each column three views, the plain one first. The sheet holds photos of
patients: it belongs where the data set may be kept, and never into a repository.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor
from torchvision.transforms.v2 import functional

from mmskin.config.augmentation import PRESETS
from mmskin.config.experiment import read_experiment
from mmskin.data.load import load_cases
from mmskin.data.seeds import view_seed
from mmskin.encoders.colour_constancy import shades_of_gray
from mmskin.inputs.augment import Augment
from mmskin.inputs.photos import load_image

COLUMNS = {"none": "as taken", "light": "light", "strong": "strong", "colour_constancy": "colour constancy"}
VIEWS = 3
SIDE, GAP, WIDE_GAP, MARGIN, HEAD = 112, 4, 20, 24, 64  # pixels
INK, QUIET, PAPER = (32, 32, 32), (110, 110, 110), (255, 255, 255)


def seen(photo: Tensor, column: str, *, name: str, seed: int) -> Iterator[Tensor]:
    """The views of a photo (3, H, W) in one column, as training draws them."""
    options = PRESETS["light" if column == "colour_constancy" else column]
    for view in range(VIEWS):
        shown = photo if view == 0 or options is None else Augment(**options)(photo, view_seed(name, view, seed))
        yield shades_of_gray(shown) if column == "colour_constancy" else shown


def tile(photo: Tensor) -> Image.Image:
    """A view at the side of the sheet, squashed to a square as the network reads it."""
    small = functional.resize_image(photo, [SIDE, SIDE], antialias=True)
    return Image.fromarray(np.ascontiguousarray(small.permute(1, 2, 0).numpy()))


def sheet(paths: Sequence[Path], *, photo_side: int, seed: int) -> Image.Image:
    """All photos below each other, all columns side by side."""
    column_width = VIEWS * SIDE + (VIEWS - 1) * GAP
    width = 2 * MARGIN + len(COLUMNS) * column_width + (len(COLUMNS) - 1) * WIDE_GAP
    page = Image.new("RGB", (width, HEAD + len(paths) * (SIDE + GAP) + MARGIN), PAPER)
    draw = ImageDraw.Draw(page)
    for number, (column, title) in enumerate(COLUMNS.items()):
        left = MARGIN + number * (column_width + WIDE_GAP)
        draw.text((left, 16), title, fill=INK, font=ImageFont.load_default(18))
        words = "every view" if column == "none" else "view 0, then views 1 and 2"
        draw.text((left, 40), words, fill=QUIET, font=ImageFont.load_default(12))
        for row, path in enumerate(paths):
            photo = load_image(path, max_side=photo_side)
            for view, pixels in enumerate(seen(photo, column, name=path.name, seed=seed)):
                page.paste(tile(pixels), (left + view * (SIDE + GAP), HEAD + row * (SIDE + GAP)))
    return page


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("config", type=Path, help="experiment whose data section says where the photos are")
    parser.add_argument("overrides", nargs="*", help="overrides of the experiment, such as data.root=/data")
    parser.add_argument("--photos", type=int, default=8)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", type=Path, required=True, help="folder for augmentation.png")
    options = parser.parse_args()
    torch.set_num_threads(1)
    data = read_experiment(options.config, options.overrides).data
    photos = [Path(photo) for images in load_cases(data).table["images"] for photo in images[:1]]
    rng = np.random.default_rng(options.seed)
    drawn = [photos[place] for place in sorted(rng.permutation(len(photos))[: options.photos])]
    options.output.mkdir(parents=True, exist_ok=True)
    path = options.output / "augmentation.png"
    sheet(drawn, photo_side=data.photo_side, seed=options.seed).save(path)
    print(path)


if __name__ == "__main__":
    main()

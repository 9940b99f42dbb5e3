"""Figures and photos as they stand on a page, and figures as files beside it."""

from __future__ import annotations

import base64
import io
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from markupsafe import Markup, escape
from matplotlib.figure import Figure
from PIL import Image

from mmskin.report.fonts import letters_without_a_font
from mmskin.report.metric_figures import png, svg

BROAD = 7  # inches
UNUSED_ID = re.compile(r'<g id="[^"]*"')  # such as axes_1: in every figure of a page, and nothing refers to it


@dataclass(frozen=True)
class Picture:
    """A figure under its title."""

    title: str
    figure: Figure
    note: str = ""

    @cached_property
    def image(self) -> Markup:
        """The SVG under its title for who hears a page; Markup, for matplotlib escapes every text in it."""
        drawn = UNUSED_ID.sub("<g", self._svg)
        return Markup(drawn.replace("<svg ", f'<svg role="img" aria-label="{escape(self.title)}" ', 1))

    @cached_property
    def _svg(self) -> str:
        return svg(self.figure)

    @property
    def is_broad(self) -> bool:
        """Whether it cannot be read at half the width of a page."""
        return bool(self.figure.get_figwidth() > BROAD)

    @property
    def said(self) -> str:
        """The note, and which letters no font of this machine has."""
        lacking = letters_without_a_font(self.figure)
        box = f"No installed font has the letters {lacking}: they are boxes here; install one, such as Noto Sans CJK."
        return " ".join(filter(None, [self.note, box if lacking else ""]))

    def write(self, folder: Path) -> None:
        """As SVG and PNG, named by the title; the folder is made."""
        folder.mkdir(parents=True, exist_ok=True)
        name = file_name(self.title)
        (folder / f"{name}.svg").write_text(self._svg + "\n", encoding="utf-8")
        (folder / f"{name}.png").write_bytes(png(self.figure))


def file_name(title: str) -> str:
    """A title as a file name: small letters, digits and _ alone."""
    return re.sub(r"[^a-z0-9]+", "_", title.lower()).strip("_")


def data_url(image: Image.Image | None, *, side: int) -> Markup:
    """A photo as it stands in a page, its longer side at most so many pixels; "" for none."""
    if image is None:
        return Markup("")
    small = image.convert("RGB")
    small.thumbnail((side, side))
    buffer = io.BytesIO()
    small.save(buffer, "JPEG", quality=88)
    return Markup("data:image/jpeg;base64,") + base64.b64encode(buffer.getvalue()).decode()

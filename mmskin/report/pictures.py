"""A figure on a page, and the same figure as files beside it."""

from __future__ import annotations

import re
from pathlib import Path

from markupsafe import Markup
from matplotlib.figure import Figure

from mmskin.report.metric_figures import png, svg
from mmskin.report.pages import Picture


def picture(title: str, figure: Figure, *, note: str = "", folder: Path | None = None) -> Picture:
    """The figure as it stands on a page; also written to a folder as SVG and PNG, named by its title."""
    drawn = svg(figure)
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        name = file_name(title)
        (folder / f"{name}.svg").write_text(drawn + "\n", encoding="utf-8")
        (folder / f"{name}.png").write_bytes(png(figure))
    return Picture(title, Markup(drawn), note)  # Markup: matplotlib escapes every text that it writes into an SVG


def file_name(title: str) -> str:
    """A title as a file name: small letters, digits and _ alone."""
    return re.sub(r"[^a-z0-9]+", "_", title.lower()).strip("_")

"""The letters of figures: DejaVu Sans, and for scripts that it lacks such fonts as the machine has."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from warnings import catch_warnings, filterwarnings

from matplotlib import font_manager
from matplotlib.figure import Figure
from matplotlib.text import Text

MAIN = "DejaVu Sans"
OTHERS = (
    *("Noto Sans CJK SC", "Noto Sans CJK JP", "Noto Sans SC", "Source Han Sans SC", "WenQuanYi Zen Hei"),
    *("Microsoft YaHei", "PingFang SC", "Hiragino Sans", "SimHei", "Malgun Gothic", "Arial Unicode MS"),
    *("Noto Sans Devanagari", "Noto Sans Thai", "Noto Sans Arabic", "Noto Sans"),
)


@cache
def families() -> tuple[str, ...]:
    """Fonts in which a letter is looked for, one after the other."""
    installed = set(font_manager.get_font_names())
    return (MAIN, *(name for name in OTHERS if name in installed))


@cache
def _letters() -> frozenset[int]:
    """Code points that one of the fonts has."""
    files = [font_manager.findfont(font_manager.FontProperties(family=name)) for name in families()]
    return frozenset(code for file in files for code in font_manager.get_font(file).get_charmap())


def letters_without_a_font(figure: Figure) -> str:
    """The letters in a figure that no installed font of the list has, each once."""
    texts = "".join(text.get_text() for text in figure.findobj(Text))
    return "".join(dict.fromkeys(letter for letter in texts if letter.isprintable() and ord(letter) not in _letters()))


@contextmanager
def told_elsewhere() -> Iterator[None]:
    """Without matplotlib's warning for every letter that is drawn as a box: the figure's note says it once."""
    with catch_warnings():
        filterwarnings("ignore", message=r"Glyph .* missing from font")
        yield

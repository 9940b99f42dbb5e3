"""The figures of an explanation: bars of parts and fields, and the note with its words in colour."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib as mpl
import numpy as np
from matplotlib.colors import LinearSegmentedColormap, to_hex
from matplotlib.figure import Figure

from mmskin.explain.explanation import Explanation
from mmskin.explain.words import WordValues
from mmskin.report.metric_figures import GRID, INK, PALETTE, STYLE
from mmskin.report.numbers import MINUS, points
from mmskin.sentence import Sentence

FOR, AGAINST = PALETTE[0], PALETTE[1]  # blue and vermilion of Okabe and Ito (2008)
SCALE = LinearSegmentedColormap.from_list("speaks", [AGAINST, "#ffffff", FOR])
LINE = 68  # characters of the note in a line of the figure
MARKED = 0.1  # share of the strongest word from which a word gets its sign


def explanation_figures(explanation: Explanation) -> dict[str, Figure]:
    """By file name, those that the explanation has something for."""
    figures = {}
    if explanation.shares.points:
        figures["shares"] = shares_figure(explanation)
    if explanation.fields is not None:
        figures["fields"] = fields_figure(explanation)
    if explanation.words is not None:
        figures["words"] = words_figure(explanation.words)
    return figures


def part_title(part: str) -> str:
    """What a part is called above its bar."""
    return Sentence("Patient's words") if part == "words" else part.capitalize()


def shares_figure(explanation: Explanation) -> Figure:
    """How much each photo, words and fields counted."""
    shares = explanation.shares.points
    return _bars([part_title(part) for part in shares], list(shares.values()), [0.0] * len(shares))


def fields_figure(explanation: Explanation) -> Figure:
    """How much each field counted, the strongest first; sampled values with twice their standard error."""
    assert explanation.fields is not None
    fields = sorted(explanation.fields.fields, key=lambda field: -abs(field.points))
    labels = [f"{field.title}: {field.value}" for field in fields]
    return _bars(labels, [field.points for field in fields], [2 * field.error for field in fields])


def word_colours(words: WordValues) -> list[str]:
    """A background for each word, from vermilion over white to blue, by its value over the largest."""
    return [to_hex(SCALE(0.5 + 0.3 * value)) for value in _relative(words)]


def word_signs(words: WordValues) -> list[str]:
    """A plus or a minus for a word that counts, "" for one below a tenth of the strongest."""
    return [("+" if value > 0 else MINUS) if abs(value) >= MARKED else "" for value in _relative(words)]


def words_figure(words: WordValues) -> Figure:
    """The note, each word on its colour; "+" and a line below for what speaks for the class, "−" and a dashed one."""
    lines: list[list[tuple[int, str, str, str]]] = [[]]
    column = 0
    for word, colour, sign in zip(words.words, word_colours(words), word_signs(words), strict=True):
        shown = f"{sign}{word}"
        if column and column + len(shown) > LINE:
            lines.append([])
            column = 0
        lines[-1].append((column, shown, colour, sign))
        column += len(shown) + 2
    height = 0.42 * len(lines) + 0.2
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(8.4, height))
        axes = figure.add_axes((0, 0, 1, 1))
        axes.set(xlim=(-1, LINE + 2), ylim=(len(lines) - 0.3, -0.7))
        axes.axis("off")
        for row, line in enumerate(lines):
            for start, shown, colour, sign in line:
                axes.fill_between([start - 0.4, start + len(shown) + 0.4], row - 0.38, row + 0.38, color=colour, lw=0)
                axes.text(start, row, shown, family="DejaVu Sans Mono", fontsize=11.5, va="center_baseline")
                if sign:
                    dashes = "-" if sign == "+" else (0, (3, 2))
                    axes.plot([start, start + len(shown)], [row + 0.3] * 2, color=INK, lw=1.1, ls=dashes)
    return figure


def _relative(words: WordValues) -> list[float]:
    largest = max((abs(value) for value in words.values), default=0.0) or 1.0
    return [value / largest for value in words.values]


def _bars(labels: Sequence[str], values: Sequence[float], errors: Sequence[float]) -> Figure:
    where = np.arange(len(values))
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(7.2, 0.9 + 0.36 * len(values)), layout="constrained")
        axes = figure.add_subplot()
        colours = [FOR if value >= 0 else AGAINST for value in values]
        hatches = ["" if value >= 0 else "////" for value in values]
        scaled = [100 * value for value in values]
        spread = [100 * error for error in errors] if any(errors) else None
        axes.barh(where, scaled, xerr=spread, color=colours, hatch=hatches, edgecolor="white", height=0.7)
        reach = max([abs(value) + (2 * error) for value, error in zip(values, errors, strict=True)], default=0) * 100
        reach = reach or 1.0
        for at, (value, error) in enumerate(zip(values, errors, strict=True)):
            tip = 100 * (value + error if value >= 0 else value - error)
            side = 1 if value >= 0 else -1
            axes.text(tip + side * 0.02 * reach, at, points(value), va="center", ha="left" if side > 0 else "right")
        axes.axvline(0, color=INK, lw=0.8)
        axes.set_yticks(where, labels)
        axes.invert_yaxis()
        axes.set_xlim(-1.25 * reach if min(values, default=0) < 0 else -0.05 * reach, 1.25 * reach)
        axes.set_xlabel("points of probability")
        axes.grid(axis="x", color=GRID, lw=0.6)
        axes.set_axisbelow(True)
        axes.spines["left"].set_visible(False)
        axes.tick_params(axis="y", length=0)
    return figure

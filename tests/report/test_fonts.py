"""Letters of other scripts in figures: drawn where there is a font, named where there is none."""

from __future__ import annotations

import pytest
from matplotlib.figure import Figure

from mmskin.report import fonts
from mmskin.report.pictures import Picture


def figure(*labels: str) -> Figure:
    made = Figure()
    axes = made.add_subplot()
    axes.set_yticks(range(len(labels)), labels)
    return made


def test_letters_without_a_font_are_named_once_in_the_note(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fonts, "_letters", lambda: frozenset(range(0x3000)))
    picture = Picture("Sensitivity", figure("黑色素瘤", "色素痣", "naevus"), note="Lines are intervals.")
    assert picture.said.startswith("Lines are intervals. No installed font has the letters 黑色素瘤痣:")
    assert Picture("Sensitivity", figure("naevus", "Fuß")).said == ""


@pytest.mark.filterwarnings("error")
def test_a_figure_with_such_letters_is_drawn_without_a_warning() -> None:
    assert "<svg" in Picture("Sensitivity", figure("黑色素瘤")).image


def test_the_main_font_comes_first_and_only_installed_ones_follow() -> None:
    from matplotlib import font_manager

    main, *others = fonts.families()
    assert main == "DejaVu Sans"
    assert set(others) <= set(font_manager.get_font_names())

from __future__ import annotations

import ast
import math
import re
from pathlib import Path

import pytest

import mmskin
from mmskin.report.numbers import count, difference, number, p_cell, p_value, percent, points, rough, with_interval

PACKAGE = Path(mmskin.__file__).parent
BELOW_REPORT = {
    "probability_text.py": "a probability of one case, said by all parts of the library alike",
    "trained/note_reading.py": "what was read from a text, in the remarks of one case",
    "teaching/card.py": "the card of a taught encoder, written where report cannot be imported",
    "teaching/teach.py": "a line of progress",
    "data/suspicions.py": "a remark of a table that is being read, long before there is a report",
    "data/missingness.py": "why a field is excluded: a reason made while folds are prepared",
}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.6231, "0.623"),
        (1.5, "1.500"),
        (-0.04, "\u22120.040"),
        (-0.0001, "0.000"),
        (1.0, "1.000"),
        (float("nan"), "\u2013"),
    ],
)
def test_numbers_have_three_digits_and_a_minus_as_wide_as_a_plus(value: float, text: str) -> None:
    assert number(value) == text


def test_a_difference_has_its_sign_and_inside_the_brackets_only_a_minus() -> None:
    assert with_interval({"estimate": 0.6578, "low": 0.625, "high": 0.69}) == "0.658 [0.625, 0.690]"
    assert difference({"estimate": 0.047, "low": 0.014, "high": 0.08}) == "+0.047 [0.014, 0.080]"
    assert difference({"estimate": -0.042, "low": -0.153, "high": 0.079}) == "\u22120.042 [\u22120.153, 0.079]"
    assert difference({"estimate": 0.0, "low": math.nan, "high": math.nan}) == "0.000"


def test_p_is_never_zero() -> None:
    assert [p_value(p) for p in (0.003, 0.0, 1.0)] == ["p = 0.003", "p < 0.001", "p = 1.000"]
    assert [p_cell(p) for p in (0.03, 0.0009, math.nan)] == ["0.030", "< 0.001", "\u2013"]


def test_shares_points_counts_and_what_was_measured() -> None:
    assert (percent(0.623), percent(0.623, digits=1)) == ("62%", "62.3%")
    assert [points(share) for share in (0.1234, -0.05, 0.0001)] == ["+12.3", "\u22125.0", "0.0"]
    assert count(1237) == "1,237"
    assert [rough(value) for value in (1237.4, 12.345, 0.01234, math.nan)] == ["1,237", "12.3", "0.0123", "\u2013"]


def formats(path: Path) -> list[str]:
    """The lines of a file in which a number gets its digits: f"{x:.3f}", "{:.1%}".format(x), "%.2f" % x."""
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FormattedValue) and node.format_spec is not None:
            spec = ast.unparse(node.format_spec)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            spec = " ".join(re.findall(r"\{[^{}]*:[^{}]*\}|%[-+ 0-9]*\.\d+[feg]", node.value))
        else:
            continue
        if re.search(r"\.\d+[fe%]", spec):
            found.append(f"{path.name}:{node.lineno}")
    return found


def test_no_file_but_those_of_report_gives_a_metric_its_digits() -> None:
    package = {str(path.relative_to(PACKAGE)): path for path in PACKAGE.rglob("*.py") if "report" not in path.parts}
    scripts = {path.name: path for path in (PACKAGE.parent / "scripts").glob("*.py")}
    formatting = {name for name, path in (package | scripts).items() if formats(path)}
    assert formatting == set(BELOW_REPORT), "numbers are printed by mmskin.report.numbers"
    for path in [*PACKAGE.rglob("*.jinja"), *(PACKAGE.parent / "scripts").glob("*.jinja")]:
        assert not re.search(r"%\.\d+f|\.\d+[f%]\}", path.read_text(encoding="utf-8")), path


def test_formats_are_found(tmp_path: Path) -> None:
    path = tmp_path / "prints.py"
    lines = ['f"{x:+.3f}"', 'f"{x:6.1%}"', '"{:.2e}".format(x)', '"%.1f" % x', 'f"{x:,} {x:g} {x:24}"']
    path.write_text("\n".join(lines))
    assert sorted(formats(path)) == [f"prints.py:{line}" for line in (1, 2, 3, 4)]

"""What README shows has to work as it is written."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()


def test_the_python_example_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    [block] = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
    monkeypatch.chdir(tmp_path)
    exec(compile(block, "README.md", "exec"), {"__name__": "readme"})
    said = capsys.readouterr()
    assert said.out.startswith("primary, named before the run:\nlate - image_only, balanced accuracy: ")
    assert "('image', 'text', 'metadata') ()" in said.out
    assert "mmskin: late of image (timm" in said.err
    assert (tmp_path / "report.html").stat().st_size > 10_000


def test_every_path_that_it_names_is_there() -> None:
    named = set(re.findall(r"(?<![\w/])(?:configs|scripts|demo|tests|docs|mmskin)/[\w/.]+\w", README))
    assert len(named) >= 5
    missing = [name for name in sorted(named) if not (ROOT / name).exists()]
    assert not missing


def test_it_says_that_it_is_no_diagnosis_before_anything_is_run() -> None:
    assert README.index("not a diagnosis") < README.index("```")

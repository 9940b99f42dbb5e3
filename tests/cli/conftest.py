"""A command line as a user types it, in this process."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from mmskin.cli import app as cli

Typed = tuple[int, str, str]
Type = Callable[[str], Typed]

CONFIG = """
name: {name}
data:
  source: {{name: pad_ufes_20}}
  root: {root}
  folds: 3
  test_folds: [0]
  photo_side: 32
  missingness: visible
encoders:
  metadata: {{name: tokens, dim: 8}}
fusion: {{name: metadata_only}}
training: {{epochs: 1, batch_size: 4}}
"""


@pytest.fixture
def config(pad_folder: Path, tmp_path: Path) -> Path:
    path = tmp_path / "arm.yaml"
    path.write_text(CONFIG.format(name="fields", root=pad_folder))
    return path


@pytest.fixture
def mmskin_(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Type:
    """A command line → exit code, what it printed, what it complained of."""

    def typed(line: str) -> Typed:
        monkeypatch.setattr(sys, "argv", ["mmskin", *shlex.split(line)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        told = capsys.readouterr()
        return int(ended.value.code or 0), told.out, told.err

    return typed


def is_one_plain_line(text: str) -> bool:
    return text.startswith("mmskin: ") and text.count("\n") == 1 and "Traceback" not in text

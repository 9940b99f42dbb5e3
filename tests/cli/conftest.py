"""A command line as a user types it, in this process."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable

import pytest

from mmskin.cli import app as cli

Typed = tuple[int, str, str]
Type = Callable[[str], Typed]


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

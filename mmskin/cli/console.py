"""Where a command speaks: results on stdout, as lines or as one JSON object; what happens meanwhile on stderr."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

from rich.console import Console

from mmskin.json_values import plain

Tell = Callable[[Mapping[str, Any] | Path], None]
"""Is given the result of a command: plain values and paths, or the JSON file that holds them."""


def say(line: str) -> None:
    Console(stderr=True, highlight=False).print(line, markup=False)


def print_lines(lines: Iterable[str]) -> None:
    for line in lines:
        print(line)


@contextmanager
def json_on_stdout(as_json: bool) -> Iterator[Tell]:
    """What `--json` does: what is printed inside is left out, and what is told goes to stdout as strict JSON.

    Without it prints are prints, and nothing is told.
    """
    if not as_json:
        yield lambda result: None
        return
    stdout = sys.stdout

    def tell(result: Mapping[str, Any] | Path) -> None:
        content = json.loads(result.read_text(encoding="utf-8")) if isinstance(result, Path) else plain(result)
        print(json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False), file=stdout)

    with redirect_stdout(StringIO()):
        yield tell

"""Where a command speaks: results on stdout, what happens meanwhile on stderr."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console


def say(line: str) -> None:
    Console(stderr=True, highlight=False).print(line, markup=False)


def print_lines(lines: Iterable[str]) -> None:
    for line in lines:
        print(line)

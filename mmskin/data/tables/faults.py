"""What is wrong with a table, and what was guessed about it or done to it: gathered, then told at once."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import ValidationError

from mmskin.errors import DataError

_SHOWN = 20  # problems in one message


@dataclass
class Findings:
    """Of one table.

    declared_in: the file to change where the table is right and its declaration is not; "" if the user wrote it.
    """

    path: Path
    declared_in: str = ""
    remarks: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    absent_photos: list[str] = field(default_factory=list)

    def refuse_if_any(self) -> None:
        """Nothing, if there is no problem. Those of single rows are told in the order of rows, after the others.

        Raises:
            DataError: all problems, the first ones in its message.
        """
        if not self.problems:
            return
        problems = sorted(self.problems, key=_row_of)
        rest = len(problems) - _SHOWN
        listed = [*problems[:_SHOWN], *([f"and {rest} more"] if rest > 0 else [])]
        count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        declared = f"; declared in {self.declared_in}" if self.declared_in else ""
        raise DataError(
            f"{self.path}: {count} (the header is row 1{declared})\n  " + "\n  ".join(listed),
            faults=[f"{self.path.name}, {problem}{declared}" for problem in problems],
        )


def _row_of(problem: str) -> int:
    named = re.match(r"row (\d+)", problem)
    return int(named[1]) if named else 0


def fault_lines(error: ValidationError) -> list[str]:
    """Every fault that pydantic found, with its dotted path."""
    lines = []
    for fault in error.errors():
        where = ".".join(str(part) for part in fault["loc"])
        message = fault["msg"].removeprefix("Value error, ")
        lines.append(f"{where}: {message}" if where else message)
    return lines


def first_fault(error: ValidationError) -> str:
    """The first fault that pydantic found, with its dotted path."""
    return fault_lines(error)[0]

"""How far a benchmark is: one live table on the terminal, a row an arm, and the time left."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable
from typing import Self

from rich.console import Console
from rich.live import Live
from rich.table import Table

from mmskin.benchmark.run.grid import Cell


class Progress:
    """Counts cells as they begin and end.

    Args:
        cells: all of them.
        finished: those that were there already.
        jobs: how many run at the same time.
        quiet: show nothing.
    """

    def __init__(self, cells: Iterable[Cell], finished: Iterable[Cell], *, jobs: int, quiet: bool = False) -> None:
        self.total = Counter(cell.arm for cell in cells)
        self.done = Counter(cell.arm for cell in finished)
        self.failed: Counter[str] = Counter()
        self.running: dict[Cell, float] = {}
        self.seconds: dict[str, list[float]] = {}
        self.jobs = jobs
        self.live = (
            None if quiet else Live(console=Console(stderr=True), get_renderable=self.table, refresh_per_second=2)
        )

    def __enter__(self) -> Self:
        if self.live is not None:
            self.live.start()
        return self

    def __exit__(self, *error: object) -> None:
        if self.live is not None:
            self.live.stop()

    def begin(self, cell: Cell) -> None:
        self.running[cell] = time.monotonic()

    def end(self, cell: Cell, *, failed: bool) -> None:
        taken = time.monotonic() - self.running.pop(cell)
        if failed:
            self.failed[cell.arm] += 1
        else:
            self.done[cell.arm] += 1
            self.seconds.setdefault(cell.arm, []).append(taken)

    def seconds_left(self) -> float | None:
        """Cells to come, each as long as those of its arm so far, or as an average cell; None before any has ended."""
        known = [taken for of_arm in self.seconds.values() for taken in of_arm]
        if not known:
            return None
        left = 0.0
        for arm, total in self.total.items():
            taken = self.seconds.get(arm, known)
            left += (total - self.done[arm] - self.failed[arm]) * sum(taken) / len(taken)
        return left / self.jobs

    def table(self) -> Table:
        left = self.seconds_left()
        title = "time left: not known yet" if left is None else f"time left: about {clock(left)}"
        shown = Table(title=title, title_justify="left")  # on top: of many arms a low terminal hides the last ones
        for column in ("arm", "done", "running", "failed", "of"):
            shown.add_column(column, justify="left" if column == "arm" else "right")
        now = Counter(cell.arm for cell in self.running)
        rows = [("all", self.done.total(), now.total(), self.failed.total(), self.total.total())]
        rows += [(arm, self.done[arm], now[arm], self.failed[arm], total) for arm, total in self.total.items()]
        for arm, *counts in rows:
            shown.add_row(arm, *(str(count or "") for count in counts))
        return shown


def clock(seconds: float) -> str:
    """Hours, minutes and seconds, as short as they can be told."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s" if minutes else f"{rest} s"

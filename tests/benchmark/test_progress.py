from __future__ import annotations

import pytest

from mmskin.benchmark.run.grid import Cell
from mmskin.benchmark.run.progress import Progress, clock


def test_the_time_left_is_that_of_the_cells_to_come_by_arm_and_shared_by_the_jobs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = [0.0]
    monkeypatch.setattr("mmskin.benchmark.run.progress.time.monotonic", lambda: now[0])
    cells = [Cell(arm, fold, 0) for arm in ("fast", "slow", "new") for fold in range(3)]
    progress = Progress(cells, cells[:1], jobs=2, quiet=True)
    assert progress.seconds_left() is None
    for cell, taken in ((cells[1], 2.0), (cells[3], 10.0)):
        progress.begin(cell)
        now[0] += taken
        progress.end(cell, failed=False)
    progress.begin(cells[4])
    progress.end(cells[4], failed=True)
    # to come: fast 1 x 2 s, slow 1 x 10 s, new 3 x the mean of 2 and 10 s = 18 s; 30 s by two jobs
    assert progress.seconds_left() == 15.0
    progress.begin(cells[6])
    shown = progress.table()
    assert [list(column.cells) for column in shown.columns][:4] == [
        ["all", "fast", "slow", "new"],
        ["3", "2", "1", ""],
        ["1", "", "", "1"],
        ["1", "", "1", ""],
    ]
    assert shown.title == "time left: about 15 s"


@pytest.mark.parametrize(("seconds", "told"), [(9.6, "10 s"), (61, "1 min 1 s"), (3725, "1 h 2 min")])
def test_times_are_told_shortly(seconds: float, told: str) -> None:
    assert clock(seconds) == told

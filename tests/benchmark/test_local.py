from __future__ import annotations

import importlib
from pathlib import Path

import pytest
from benchmark.crashing import work

from mmskin.benchmark.run.local import LocalExecutor, run_alone
from mmskin.fusion import FUSIONS

TWICE = "its process was killed, twice; perhaps memory ran out: try fewer --jobs"


def test_a_process_that_dies_takes_no_other_task_with_it(tmp_path: Path) -> None:
    begun: list[str] = []
    once = f"die once {tmp_path / 'died'}"
    tasks = ["one", "die", "fail", once, "two", "three"]
    with LocalExecutor(2) as executor:
        ended = dict(executor.run(work, tasks, begin=begun.append))
        again = list(executor.run(work, ["four"], begin=begun.append))
    reasons = {"one": "", "die": TWICE, "fail": "RuntimeError: two lines", once: "", "two": "", "three": ""}
    assert ended == reasons
    assert begun == [*tasks, "four"]
    assert again == [("four", "")]


def test_a_task_that_dies_once_by_itself_is_done_and_one_that_dies_always_is_not(tmp_path: Path) -> None:
    """It may have waited in a pool that a neighbour killed, so that this is its first time."""
    assert run_alone(work, f"die once {tmp_path / 'died'}") == ""
    assert run_alone(work, "die") == TWICE


def test_a_part_that_no_process_can_import_takes_none_with_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "only_here.py").write_text("class Mine: ...\n")
    with monkeypatch.context() as patched:
        patched.syspath_prepend(str(tmp_path))
        FUSIONS.add("only_here", importlib.import_module("only_here").Mine)
    try:
        with LocalExecutor(1) as executor:
            assert list(executor.run(work, ["one"], begin=print)) == [("one", "")]
    finally:
        del FUSIONS._added["only_here"]

from __future__ import annotations

from pathlib import Path

from benchmark.crashing import work

from mmskin.benchmark.run.local import LocalExecutor

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

"""Which mutants are worth the time: none in annotations, one a place, the same ones for the same seed."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import mutation_testing as script
import pytest


def test_a_place_in_an_annotation_is_no_place(tmp_path: Path) -> None:
    file = tmp_path / "one.py"
    file.write_text("x: int | None = 1 | 2\ndef f(a: str | int) -> bool | None: return a | 1\n")
    # (line, column) of each |, of which two stand in code
    places = [(1, 7), (1, 18), (2, 13), (2, 28), (2, 45)]
    mutants = [script.Mutant(str(n), str(file), "or", *place) for n, place in enumerate(places)]
    assert [mutant.job for mutant in script.worth_testing(mutants)] == ["1", "4"]


def test_of_each_place_one_mutant_is_drawn_by_the_seed_whatever_their_jobs_are_called() -> None:
    mutants = [script.Mutant(f"{n}{op}", "a.py", op, n, 0) for n in range(20) for op in ("plus", "minus", "times")]
    renamed = [mutant._replace(job=f"other {mutant.job}") for mutant in reversed(mutants)]

    def places(of: Any, seed: int) -> list[tuple[int, str]]:
        return [(mutant.line, mutant.operator) for mutant in script.sampled(of, size=8, seed=seed)]

    assert len({line for line, _ in places(mutants, 0)}) == 8
    assert places(mutants, 0) == places(renamed, 0)
    assert places(mutants, 0) != places(mutants, 1)


def test_only_the_sample_stays_in_the_session_and_survivors_are_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    session = tmp_path / "session.sqlite"
    with sqlite3.connect(session) as database:
        database.execute("CREATE TABLE work_items (job_id TEXT)")
        database.execute(
            "CREATE TABLE mutation_specs "
            "(job_id TEXT, module_path TEXT, operator_name TEXT, start_pos_row INT, start_pos_col INT)"
        )
        database.execute("CREATE TABLE work_results (job_id TEXT, test_outcome TEXT, output TEXT, diff TEXT)")
        for job in "abcd":
            database.execute("INSERT INTO work_items VALUES (?)", job)
            database.execute("INSERT INTO mutation_specs VALUES (?, 'm.py', 'plus', 1, 0)", job)
    kept = [mutant for mutant in script.mutants_of(session) if mutant.job != "d"]
    script.keep_only(session, kept)
    assert script.mutants_of(session) == kept
    with sqlite3.connect(session) as database:
        results = [("a", "KILLED", "1 failed", ""), ("b", "SURVIVED", "", "-1\n+2"), ("c", "KILLED", "timeout", "")]
        database.executemany("INSERT INTO work_results VALUES (?, ?, ?, ?)", results)
    script.report(session)
    assert capsys.readouterr().out == "\nm.py:1 plus\n-1\n+2\n1 killed, 1 survived, 1 timeout of 3\n"
